"""When a promotion runs, whom it is for, and which events count."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from schemas.promotions.fields import (
    Also,
    AlsoNumber,
    AlsoOne,
    AlsoText,
    Channels,
    Count,
    Days,
    Name,
    Names,
    Part,
    Promotions,
    Zone,
    listed,
)
from schemas.promotions.written import Duration, Hours, LocalMoment, Money, Share

Trigger = Literal[
    "order.completed",
    "order.returned",
    "order.voided",
    "activity.recorded",
    "member.registered",
    "member.updated",
    "offer.issued",
    "offer.viewed",
    "offer.activated",
    "coupon.redeemed",
    "birthday",
    "anniversary",
    "inactivity",
    "tier.reached",
    "promotion.completed",
]
"""An inbound event; or what the engine notices by itself: a day of the member's, a long absence, a tier, a goal."""
Triggers = Annotated[tuple[Trigger, ...], BeforeValidator(listed), Field(min_length=1, max_length=15), AlsoOne()]


class Span(Part):
    """Days from one to another, both whole."""

    from_: LocalMoment = Field(alias="from")
    until: LocalMoment


def _span(value: object) -> object:
    return {"from": value, "until": value} if isinstance(value, str | LocalMoment) else value


def _spans(value: object) -> object:
    found = listed(value)
    return tuple(_span(each) for each in found) if isinstance(found, tuple) else found


Blackout = Annotated[
    tuple[Annotated[Span, AlsoText()], ...], BeforeValidator(_spans), Field(min_length=1, max_length=400), AlsoOne()
]
"""Days, or spans of days, on which the promotion rests."""


class Window(Part):
    """Days and hours that come again."""

    days: Days | None = None
    hours: Hours | None = None


Windows = Annotated[tuple[Window, ...], BeforeValidator(listed), Field(min_length=1, max_length=50), AlsoOne()]
MonthDays = Annotated[
    tuple[Annotated[int, Field(ge=-28, le=31)], ...],
    BeforeValidator(listed),
    Field(min_length=1, max_length=31, description="days of the month; -1 is its last day"),
    AlsoOne(),
]


class Schedule(Part):
    """When the promotion runs, on its own clock. Both days named in `from` and `until` are included, whole."""

    from_: LocalMoment | None = Field(None, alias="from")
    until: LocalMoment | None = None
    timezone: Zone | None = Field(None, description="default: the programme's")
    days: Days | None = None
    hours: Hours | None = None
    windows: Windows | None = Field(None, description="any of these, e.g. `[{days: tue, hours: 08:00-12:00}]`")
    month_days: MonthDays | None = None
    blackout: Blackout | None = Field(None, description="days, or `{from, until}`, on which it rests")


class Bounds(Part):
    """A range of money; equality meets both ends."""

    at_least: Money | None = None
    at_most: Money | None = None


class CountBounds(Part):
    """A range of whole numbers; equality meets both ends."""

    at_least: Annotated[int, Field(ge=0, le=10**9)] | None = None
    at_most: Annotated[int, Field(ge=0, le=10**9)] | None = None


def _bounded(value: object) -> object:
    return {"at_least": value} if isinstance(value, int) and not isinstance(value, bool) else value


AtLeast = Annotated[CountBounds, BeforeValidator(_bounded), AlsoNumber()]
"""A range of whole numbers; a bare number is its lower end."""
AttributeValue = Annotated[str, Field(max_length=1024)] | int | bool
AttributeValues = Annotated[
    tuple[AttributeValue, ...], BeforeValidator(listed), Field(min_length=1, max_length=10_000), AlsoOne()
]


class AttributeMatch(Part):
    """One attribute: any of these values, a number within bounds, or just there; every field given must hold."""

    is_: AttributeValues | None = Field(None, alias="is")
    not_: AttributeValues | None = Field(None, alias="not")
    at_least: int | None = None
    at_most: int | None = None
    present: bool | None = None


def _matched(value: object) -> object:
    return value if isinstance(value, dict | AttributeMatch) else {"is": value}


_VALUE = {"type": ["string", "integer", "boolean"]}
AttributeMatches = Annotated[
    dict[Name, Annotated[AttributeMatch, BeforeValidator(_matched), Also(_VALUE, {"type": "array", "items": _VALUE})]],
    Field(min_length=1, max_length=50),
]
"""Attribute → a value, a list of values, or `{is, not, at_least, at_most, present}`."""


class NthOrder(Part):
    """Which of the member's orders: counted from 1, training receipts and what was wholly returned left out."""

    nth: Annotated[tuple[Count, ...], BeforeValidator(listed), Field(max_length=100), AlsoOne()] | None = None
    every: Count | None = Field(None, description="each so-manieth")
    at_most: Count | None = Field(None, description="the first so many")


_NUMBER = {"type": "integer"}


def _nth(value: object) -> object:
    return {"nth": value} if isinstance(value, int | list | tuple) and not isinstance(value, bool) else value


class Audience(Part):
    """Whom it is for: every field given must hold at the time of the event; a list means any of them."""

    tiers: Names | None = None
    segments: Names | None = None
    outside: Names | None = Field(None, description="segments whose members are left out")
    attributes: AttributeMatches | None = None
    home_store: Names | None = Field(None, description="the member's attribute `home_store`")
    home_region: Names | None = Field(None, description="a region of the programme that holds the member's home_store")
    new: Duration | None = Field(None, description="registered no longer ago than this")
    lapsed: Duration | None = Field(None, description="the last order before this moment is at least so long ago")
    order: Annotated[NthOrder, BeforeValidator(_nth), Also(_NUMBER, {"type": "array", "items": _NUMBER})] | None = (
        Field(None, description="the member's n-th order")
    )
    holding: Promotions | None = Field(None, description="holds an open offer or a usable coupon of these promotions")
    holdout: Share | None = Field(None, description="share of members left out, the same ones for ever")


class LineMatch(Part):
    """Lines of an order that count: every name given must hold on the same line; then what they sum up to."""

    category: Names | None = None
    brand: Names | None = None
    sku: Names | None = None
    gtin: Names | None = None
    tag: Names | None = None
    each: Bounds | None = Field(None, description="what one line costs")
    except_: LineMatch | None = Field(None, alias="except", description="lines that do not count all the same")
    amount: Bounds | None = Field(None, description="what the matching lines cost together")
    quantity: AtLeast | None = Field(None, description="pieces on the matching lines; weighed goods are one piece")
    count: AtLeast | None = Field(None, description="how many lines match")


class Where(Part):
    """Which events count: every field given must hold."""

    channel: Channels | None = None
    store: Names | None = None
    region: Names | None = Field(None, description="regions of the programme")
    payment_method: Names | None = None
    total: Bounds | None = Field(None, description="of the whole order, what was paid")
    subtotal: Bounds | None = Field(None, description="of the whole order, before its discounts")
    quantity: AtLeast | None = Field(None, description="pieces in the whole order")
    lines: LineMatch | None = None
    attributes: AttributeMatches | None = Field(None, description="of the event")
    promotion: Promotions | None = Field(
        None, description="whose offer was viewed or activated, whose coupon was redeemed or whose goal was completed"
    )
    tier: Names | None = Field(None, description="the tier that was reached")
    all: Annotated[tuple[Where, ...], BeforeValidator(listed), Field(min_length=1, max_length=50)] | None = None
    any: Annotated[tuple[Where, ...], BeforeValidator(listed), Field(min_length=1, max_length=50)] | None = None
    none: Annotated[tuple[Where, ...], BeforeValidator(listed), Field(min_length=1, max_length=50)] | None = None


class When(Part):
    """The details of a day that comes by itself: a birthday, an anniversary, a long absence."""

    before: Duration | None = Field(None, description="so long before the birthday or anniversary; at most a year")
    anniversary_of: Name = Field("registered", description="`registered`, or an attribute that holds a date")
    inactive_for: Duration | None = Field(None, description="no order in so long")
    never_ordered: bool = Field(False, description="absence counts from registration for who never ordered")


LineMatch.model_rebuild()
Where.model_rebuild()
