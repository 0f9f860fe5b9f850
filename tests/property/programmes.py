"""Random programmes and random streams of events of one member, small enough to collide often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import note
from hypothesis import strategies as st

from schemas.events.catalogue import EVENT_TYPES, Event
from schemas.promotions.document import Promotion
from services.engine.programme import Programme, PromotionVersion, compile_programme
from services.engine.terms import ProgrammeTerms

MEMBER = "member-1"
START = datetime(2026, 3, 20, tzinfo=UTC)
"""Nine days before the clocks change in Rome."""
TERMS = ProgrammeTerms(b"test", "Europe/Rome", "EUR")

money = st.integers(1, 40).map(lambda euros: f"{euros}.00 EUR")
length = st.sampled_from(["1h", "30h", "1d", "3d", "1w", "1mo"])
maybe = st.booleans()


@st.composite
def rewards(draw: st.DrawFn, *, per_amount: bool) -> list[dict[str, Any]]:
    """One to three rewards, points per amount only where the promotion allows them."""
    coupon = {"amount_off": "5.00 EUR", "valid_for": draw(length)}
    points: Any = draw(st.integers(1, 100))
    if draw(maybe):
        points = {"earn": points}
        if per_amount and draw(maybe):
            points["per"] = draw(money)
        if draw(maybe):
            points["pending_for"] = draw(length)
        if draw(maybe):
            points["expires_after"] = draw(length)
    return draw(st.lists(st.sampled_from([{"coupon": coupon}, {"points": points}]), min_size=1, max_size=3))


@st.composite
def documents(draw: st.DrawFn, promotion_id: str) -> dict[str, Any]:
    """A promotion document that the loader would accept."""
    by_order = draw(st.integers(0, 3)) > 0
    document: dict[str, Any] = {"promotion": promotion_id, "title": {"en": promotion_id}}
    if not by_order:
        document |= {"on": "activity.recorded", "activity": "check_in"}
    if draw(st.integers(0, 2)) == 0:
        document["by"] = "offer"
    if draw(maybe):
        day = START + timedelta(days=draw(st.integers(0, 12)))
        document["schedule"] = {"from": "2026-03-18", "until": f"{day:%Y-%m-%d}"}
    if draw(st.integers(0, 3)) == 0:
        document["audience"] = {"tiers": "gold"} if draw(maybe) else {"segments": "commuters"}
    if by_order and draw(maybe):
        document["where"] = draw(
            st.sampled_from(
                [
                    {"channel": "app"},
                    {"store": ["1", "2"]},
                    {"lines": {"category": "coffee"}},
                    {"lines": {"sku": "s1"}, "total": {"at_least": "10.00 EUR"}},
                    {"lines": {"tag": "organic"}},
                ]
            )
        )
    if draw(st.integers(0, 2)):
        spend = by_order and draw(maybe)
        goal: dict[str, Any] = {"spend": draw(money)} if spend else {"visits": draw(st.integers(1, 3))}
        goal |= {"repeat": draw(maybe), "carry_over": draw(maybe)}
        if draw(maybe):
            goal["within"] = draw(length)
        document["goal"] = goal
    document["reward"] = draw(rewards(per_amount=by_order and "goal" not in document))
    if draw(maybe):
        every = draw(st.sampled_from(["day", "week", "month", "campaign"]))
        document["limits"] = {"per_member": {"times": draw(st.integers(1, 3)), "every": every}}
    return document


@st.composite
def programmes(draw: st.DrawFn) -> Programme:
    """One to four promotions, some in two versions, some withdrawn."""
    versions = []
    for number in range(draw(st.integers(1, 4))):
        document = draw(documents(f"p{number}"))
        withdrawn = START + timedelta(days=draw(st.integers(1, 12))) if draw(st.integers(0, 4)) == 0 else None
        versions.append(PromotionVersion(Promotion.model_validate(document), 1, START, withdrawn))
        if draw(st.integers(0, 3)) == 0:
            later = START + timedelta(days=draw(st.integers(1, 10)))
            changed = draw(documents(f"p{number}"))
            versions.append(PromotionVersion(Promotion.model_validate(changed), 2, later, withdrawn))
    for version in versions:
        note(f"v{version.version} {version.promotion.model_dump_json(exclude_defaults=True)}")
    return compile_programme(versions, TERMS)


def event(number: int, hours: int, name: str, data: dict[str, Any], source: str = "/app") -> Event:
    """An event of the member, so many hours after the start."""
    kind = f"unisono.{name}.v1"
    model = EVENT_TYPES[kind].model_validate({"member_id": MEMBER, **data}, strict=False)
    return Event(source, f"e{number}", kind, START + timedelta(hours=hours), MEMBER, model)


@st.composite
def orders(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """The data of an order; its id is one of few, so that returns and voids meet it."""
    lines: list[dict[str, Any]] = [
        {
            "line_no": place,
            "sku": draw(st.sampled_from(["s1", "s2"])),
            "quantity": draw(st.sampled_from([1, 2, 3, "0.750"])),
            "amount": draw(st.integers(0, 3000)),
            "category": draw(st.sampled_from(["coffee", "milk", None])),
            "tags": draw(st.sampled_from([(), ("organic",)])),
        }
        for place in range(1, draw(st.integers(1, 3)) + 1)
    ]
    total = sum(line["amount"] for line in lines)
    return {
        "order_id": f"o{draw(st.integers(0, 5))}" if draw(st.integers(0, 4)) == 0 else f"n{number}",
        "channel": draw(st.sampled_from(["app", "pos"])),
        "store_id": draw(st.sampled_from(["1", "2", "3", None])),
        "currency": "USD" if draw(st.integers(0, 9)) == 0 else "EUR",
        "total": draw(st.sampled_from([total, total * 9 // 10])),
        "lines": lines,
        "training": draw(st.integers(0, 9)) == 0,
    }


@st.composite
def events(draw: st.DrawFn, coupon_ids: list[str]) -> list[Event]:
    """A member's events in some order, none twice; returns and voids of orders that may never come."""
    found = []
    for number in range(draw(st.integers(1, 14))):
        hours = draw(st.integers(0, 300))
        name = draw(st.sampled_from(_NAMES))
        order_id = st.one_of(st.integers(0, 5).map(lambda n: f"o{n}"), st.integers(0, 14).map(lambda n: f"n{n}"))
        data: dict[str, Any] = {}
        match name:
            case "order.completed":
                data = draw(orders(number))
            case "order.returned":
                amount = draw(st.integers(0, 2000))
                back = {"line_no": draw(st.integers(1, 3)), "quantity": draw(st.sampled_from([1, 2, "0.25"]))}
                data = {"return_id": f"r{draw(st.integers(0, 3))}", "order_id": draw(order_id), "total": amount}
                data |= {"currency": "EUR", "lines": [back | {"amount": amount}]}
            case "order.voided":
                data = {"order_id": draw(order_id)}
            case "activity.recorded":
                data = {"activity": draw(st.sampled_from(["check_in", "survey"]))}
            case "member.updated":
                data = {"attributes": {"tier": draw(st.sampled_from(["gold", "silver", None]))}}
                data["segments"] = {draw(st.sampled_from(["add", "remove"])): ("commuters",)}
            case "offer.issued":
                data = {"offer_id": f"of{number}", "promotion_id": f"p{draw(st.integers(0, 3))}"}
                if draw(maybe):
                    data["valid_until"] = START + timedelta(hours=hours + draw(st.integers(0, 200)))
            case "coupon.redeemed":
                data = {"operation_id": f"op{number}", "coupon_id": draw(st.sampled_from(coupon_ids))}
        found.append(event(number, hours, name, data, draw(st.sampled_from(["/app", "/stores/1/tills/1"]))))
        note(f"e{number} +{hours}h {name} {found[-1].data.model_dump_json(exclude_defaults=True)}")
    return found


_NAMES = [
    *["order.completed"] * 6,
    *["offer.issued"] * 2,
    *["activity.recorded"] * 2,
    *["order.returned"] * 2,
    "order.voided",
    "member.updated",
    "coupon.redeemed",
    "member.erased",
]
