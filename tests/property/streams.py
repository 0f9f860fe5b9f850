"""Random streams of the events of one member: few ids, few moments, so that they meet and repeat each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import note
from hypothesis import strategies as st

from schemas.events.catalogue import EVENT_TYPES, Event
from schemas.events.offers import CouponRedeemed
from schemas.events.orders import OrderCompleted
from services.engine.fold import fold
from services.engine.programme import Programme
from tests.property.parts import Plain, Told, few, some
from tests.property.programmes import MEMBER, START, Drawn, drawn

LETTER_IDS = ["p0", "p1", "p2", "p3"]
HOURS = 300
_often = st.integers(0, 9)
_minor = st.integers(0, 3000)
_line = st.fixed_dictionaries(
    {
        "sku": st.sampled_from(["s1", "s2"]),
        "quantity": st.sampled_from([1, 2, 3, "0.750", 0]),
        "amount": _minor,
        "category": st.sampled_from(["coffee", "milk", None]),
    },
    optional={
        "tags": st.sampled_from([("organic",), ("gift-card",), ("organic", "gift-card")]),
        "brand": st.just("acme"),
        "gtin": st.just("g1"),
        "discount": st.integers(0, 200),
    },
)
_channel = st.sampled_from(["app", "pos", "web"])
_store = st.sampled_from(["1", "2", "3", None])
_told = some(vip=st.sampled_from(["yes", "no", 1, None]), visits=st.integers(1, 4))
_order = st.fixed_dictionaries(
    {"channel": _channel, "store_id": _store, "lines": st.lists(_line, max_size=3)},
    optional={
        "payment_method": st.sampled_from(["card", "voucher"]),
        "tax": st.integers(0, 300),
        "discount": st.integers(0, 300),
        "attributes": _told,
    },
)
_who = few(
    3,
    {
        "tier": st.sampled_from(["gold", "silver", None]),
        "vip": st.sampled_from(["yes", True, None]),
        "visits": st.integers(0, 4),
        "home_store": st.sampled_from(["1", "3", None]),
        "household": st.sampled_from(["h1", "h2"]),
        "birthday": st.sampled_from(["1990-03-29", "03-30", "2000-04-01T00:00", "1999-02-29", "soon"]),
        "birth_month": st.sampled_from([4, "13", None]),
        "joined": st.sampled_from(["2020-03-25", "2024-03-29", None]),
    },
)
_segments = some(
    add=st.sampled_from([("commuters",), ("parents", "commuters")]), remove=st.sampled_from([("commuters",), ()])
)
_order_ids = st.one_of(st.integers(0, 3).map(lambda n: f"o{n}"), st.integers(0, 12).map(lambda n: f"n{n}"))
_moments = st.tuples(st.integers(0, HOURS), st.sampled_from([0, 0, 0, -1]))
"""Whole hours, or the last instant before one: local midnights are among them."""


def event(number: int, moment: datetime, name: str, data: Plain, source: str = "/app") -> Event:
    """An event of the member at a moment."""
    kind = f"unisono.{name}.v1"
    model = EVENT_TYPES[kind].model_validate({"member_id": MEMBER, **data}, strict=False)
    return Event(source, f"e{number}", kind, moment, MEMBER, model)


Make = Callable[[st.DrawFn, int, datetime, "Names"], Plain]


@dataclass(frozen=True, slots=True)
class Names:
    """What events may refer to."""

    promotions: Sequence[str]
    coupons: Sequence[str]


def _completed(draw: st.DrawFn, number: int, moment: datetime, names: Names) -> Plain:
    order: Plain = dict(draw(_order))
    order["lines"] = [{"line_no": place, **line} for place, line in enumerate(order["lines"], 1)]
    listed: int = sum([line["amount"] for line in order["lines"]])
    often = draw(_often)
    order["total"] = draw(_minor) if not order["lines"] else listed if often > 2 else listed * 9 // 10
    order["order_id"] = f"n{number}" if often else draw(_order_ids)
    order["currency"] = "USD" if often == 1 else "EUR"
    order["training"] = often == 2
    if draw(_often) > 4:
        coupon = {"coupon_id": draw(st.sampled_from(names.coupons))} if draw(st.booleans()) else {"code": "shared"}
        order["coupons"] = [coupon] * draw(st.integers(1, 2))
    return order


def _returned(draw: st.DrawFn, number: int, moment: datetime, names: Names) -> Plain:
    back = {"line_no": draw(st.integers(1, 3)), "quantity": draw(st.sampled_from([1, 2, "0.25"]))}
    amount = draw(_minor)
    return {  # of another order too: a return counts once for each
        "return_id": f"r{draw(st.integers(0, 3))}",
        "order_id": draw(_order_ids),
        "currency": "EUR",
        "total": amount,
        "lines": [back | {"amount": amount}],
    }


def _issued(draw: st.DrawFn, number: int, moment: datetime, names: Names) -> Plain:
    found: Plain = {"offer_id": f"of{draw(st.integers(0, 2))}", "promotion_id": draw(st.sampled_from(names.promotions))}
    if draw(st.booleans()):
        found["valid_until"] = moment + timedelta(hours=draw(st.integers(-1, 120)))
    return found


def _redeemed(draw: st.DrawFn, number: int, moment: datetime, names: Names) -> Plain:
    found: Plain = {"operation_id": f"op{draw(st.integers(0, 5))}", "coupon_id": draw(st.sampled_from(names.coupons))}
    if draw(st.booleans()):
        found |= {"order_id": draw(_order_ids), "store_id": draw(_store)}
    return found


def _member(draw: st.DrawFn, number: int, moment: datetime, names: Names) -> Plain:
    return {"attributes": draw(_who), "segments": draw(_segments)}


def _offer(draw: st.DrawFn, number: int, moment: datetime, names: Names) -> Plain:
    return {"offer_id": f"of{draw(st.integers(0, 2))}"}


_MAKERS: dict[str, Make] = {
    "order.completed": _completed,
    "order.returned": _returned,
    "order.voided": lambda draw, *_: {"order_id": draw(_order_ids)},
    "activity.recorded": lambda draw, *_: {
        "activity": draw(st.sampled_from(["check_in", "survey"])),
        "store_id": draw(_store),
        "attributes": draw(_told),
    },
    "member.registered": _member,
    "member.updated": _member,
    "member.erased": lambda *_: {},
    "offer.issued": _issued,
    "offer.viewed": _offer,
    "offer.activated": _offer,
    "coupon.redeemed": _redeemed,
}
_NAMES = [
    *["order.completed"] * 11,
    *["activity.recorded"] * 2,
    *["offer.issued"] * 2,
    *["member.registered"] * 2,
    "offer.viewed",
    "offer.activated",
    "member.updated",
    "coupon.redeemed",
    "coupon.redeemed",
    "order.returned",
    "order.returned",
    "order.voided",
]


@st.composite
def events(
    draw: st.DrawFn, coupons: Sequence[str], promotions: Sequence[str] = LETTER_IDS, most: int = 12
) -> list[Event]:
    """A member's events in some order; returns, voids and redemptions of what may never come."""
    names = Names(promotions, coupons)
    found = []
    for number in range(draw(st.integers(1, most))):
        hours, less = draw(_moments)
        moment = START + timedelta(hours=hours, microseconds=less)
        name = draw(st.sampled_from(_NAMES))
        if name == "order.voided" and draw(_often) > 7:
            name = "member.erased"
        data = _MAKERS[name](draw, number, moment, names)
        source = "/app" if number % 3 else "/stores/1/tills/1"
        found.append(event(number, moment, name, data, source))
        told = {key: value for key, value in data.items() if value not in (None, {}, (), False)}
        note(Told(f"{moment.isoformat()} {name} {told}", f"e{number} "))
    return found


@dataclass(slots=True)
class Case:
    """A programme, and what happens to one member of it."""

    drawn: Drawn
    stream: list[Event]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Notes tell all of it, and better."""
        printer.text("as noted above")

    @property
    def programme(self) -> Programme:
        return self.drawn.programme

    @property
    def newest(self) -> datetime:
        return max(each.occurred_at for each in self.stream)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A random programme and a stream that knows its promotions, and the first coupons it gives."""
    found = draw(drawn())
    stream = draw(events(["first", *_FIRST, "unknown"], [*found.ids, "elsewhere"]))
    entries = fold(MEMBER, stream, found.programme).entries
    given = [entry.coupon_id for entry in entries if entry.kind == "coupon.issued" and entry.coupon_id is not None]
    known = dict(zip(_FIRST, given, strict=False))
    note(Told(f"{known}", "coupons: "))
    return Case(found, [_with_coupons(each, known) for each in stream])


_FIRST = ["first", "second", "third"]


def _with_coupons(event: Event, known: dict[str, str]) -> Event:
    """The event with the real ids of the coupons it names by their order."""
    data = event.data
    if isinstance(data, CouponRedeemed):
        data = data.model_copy(update={"coupon_id": known.get(data.coupon_id, data.coupon_id)})
    elif isinstance(data, OrderCompleted) and data.coupons:
        named = [(each, known.get(each.coupon_id or "", each.coupon_id)) for each in data.coupons]
        data = data.model_copy(
            update={"coupons": tuple([each.model_copy(update={"coupon_id": i}) for each, i in named])}
        )
    return replace(event, data=data)
