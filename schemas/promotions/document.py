"""What a promotion document may say. Structure only: no expressions, no code, unknown fields refused.

`schemas.promotions.loading` reads a document and lists every mistake; these models are what it reads into and what the
engine compiles. Defaults are stated here and in docs/promotions.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from schemas.promotions.written import (
    Duration,
    Hours,
    LocalMoment,
    Money,
    Progress,
    Share,
    WholeShare,
    refuse,
)
from schemas.values import Channel, PromotionId, Text

NAMES_MAX = 10_000
"""A list in a document (of skus, stores …) holds at most this many."""


class Part(BaseModel):
    """Base of every part of a document: strict, frozen, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _named(value: object) -> object:
    """Ids that look like numbers (store: 114) are names all the same."""
    return (
        tuple(str(v) if isinstance(v, int) and not isinstance(v, bool) else v for v in value)
        if isinstance(value, Sequence) and not isinstance(value, str)
        else value
    )


class _AlsoOne:
    """For editors: a list may be written as its only element, and a name as a number."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        listed = handler(schema)
        item = handler.resolve_ref_schema(listed)["items"]
        if item.get("type") == "string" and "enum" not in item:
            item = {"anyOf": [item, {"type": "integer"}]}
            listed = {**listed, "items": item}
        return {"anyOf": [item, listed]}


class _AlsoNumber:
    """For editors: what may be written as a bare whole number instead."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "integer"}, handler(schema)]}


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise refuse(f"`{name}` is no time zone of the IANA database", "Europe/Rome") from None
    return name


def _positive(money: Money) -> Money:
    if money.minor <= 0:
        raise refuse(f"`{money}`: more than nothing is needed here")
    return money


Price = Annotated[Money, AfterValidator(_positive)]
"""More than nothing."""


Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Names = Annotated[
    tuple[Name, ...],
    BeforeValidator(_named),
    BeforeValidator(_listed),
    Field(min_length=1, max_length=NAMES_MAX),
    _AlsoOne(),
]
"""One name or a list of them; any of them matches."""
Zone = Annotated[str, AfterValidator(_known_zone)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Trigger = Literal["order.completed", "activity.recorded"]
Period = Literal["day", "week", "month", "campaign"]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Days = Annotated[tuple[Day, ...], BeforeValidator(_listed), Field(min_length=1, max_length=7), _AlsoOne()]
Channels = Annotated[tuple[Channel, ...], BeforeValidator(_listed), Field(min_length=1, max_length=3), _AlsoOne()]
Examples = Annotated[tuple["Example", ...], BeforeValidator(_listed), Field(max_length=100), _AlsoOne()]
Rewards = Annotated[tuple["Reward", ...], BeforeValidator(_listed), Field(min_length=1, max_length=20), _AlsoOne()]


class Objective(Part):
    """What the promotion is for; carried along for the KPI pages, it decides nothing."""

    metric: Name
    change: str | None = None
    by: LocalMoment | None = None
    expected_cost: Money | None = None


class Schedule(Part):
    """When the promotion runs, on its own clock. Both days named in `from` and `until` are included, whole."""

    from_: LocalMoment | None = Field(None, alias="from")
    until: LocalMoment | None = None
    timezone: Zone | None = Field(None, description="default: the programme's")
    days: Days | None = None
    hours: Hours | None = None


class Audience(Part):
    """Whom it is for: a member of any of these tiers and of any of these segments, outside the holdout."""

    tiers: Names | None = None
    segments: Names | None = None
    holdout: Share | None = Field(None, description="share of members left out, the same ones for ever")


class LineMatch(Part):
    """Lines of an order that count: every field given must hold on the same line."""

    category: Names | None = None
    brand: Names | None = None
    sku: Names | None = None
    gtin: Names | None = None
    tag: Names | None = None


class Bounds(Part):
    """A range of money; equality meets both ends."""

    at_least: Money | None = None
    at_most: Money | None = None


class Where(Part):
    """Which events count: every field given must hold."""

    channel: Channels | None = None
    store: Names | None = None
    lines: LineMatch | None = None
    total: Bounds | None = Field(None, description="of the whole order, what was paid")


class Goal(Part):
    """What to reach before the reward: an amount spent or a number of visits."""

    spend: Price | None = None
    visits: Count | None = None
    within: Duration | None = Field(None, description="from the first event that counts; default: no end of its own")
    repeat: bool = False
    carry_over: bool = True


def _points(value: object) -> object:
    return {"earn": value} if isinstance(value, int) and not isinstance(value, bool) else value


class PointsReward(Part):
    """Points: a fixed number, or `earn` for every full `per` of what matched (rounded down once per order)."""

    earn: Count
    per: Price | None = None
    pending_for: Duration | None = Field(None, description="usable only after that; default: at once")
    expires_after: Duration | None = Field(None, description="from the day they are usable; default: never")


class CouponReward(Part):
    """A coupon of the member's own, with a code nobody can guess."""

    amount_off: Price | None = None
    percent_off: WholeShare | None = None
    category: Names | None = Field(None, description="default: the whole basket")
    valid_for: Duration
    title: Text | None = Field(None, description="default: the promotion's title")


class Reward(Part):
    """One thing the promotion gives."""

    points: Annotated[PointsReward, BeforeValidator(_points), _AlsoNumber()] | None = None
    coupon: CouponReward | None = None


class MemberLimit(Part):
    """At most so many rewards for one member in each period of the promotion's clock."""

    times: Count
    every: Period = "campaign"


class Limits(Part):
    """Where it ends."""

    per_member: MemberLimit | None = None


class Offline(Part):
    """What a till that is cut off may do with the coupons; carried along for the till."""

    redeem: Literal["replicated", "never"] = "replicated"
    max_value: Money | None = None


class ExampleLine(Part):
    """A line of an example's order."""

    amount: Money
    quantity: Count = 1
    sku: Name = "any"
    category: Name | None = None
    brand: Name | None = None
    gtin: Name | None = None
    tags: Names = ()


ExampleLines = Annotated[tuple[ExampleLine, ...], BeforeValidator(_listed), Field(max_length=100), _AlsoOne()]


class ExampleOrder(Part):
    """An order of an example; what is not said is chosen so that it does not stand in the way."""

    total: Money | None = Field(None, description="default: the sum of its lines")
    lines: ExampleLines = Field((), description="default: one line of the total")
    channel: Channel | None = None
    store: Annotated[Name, BeforeValidator(lambda value: _named((value,))[0]), _AlsoNumber()] | None = None
    training: bool = False


class ExampleMember(Part):
    """Who the member is from here on."""

    tier: Name | None = None
    segments: Names | None = None


class ExampleReturn(Part):
    """Part of an earlier order of the example comes back."""

    order: Annotated[int, Field(ge=1, description="which order of this example, counted from 1")] = 1
    line: Annotated[int, Field(ge=1)] = 1
    quantity: Count = 1
    amount: Money


class ExampleOffer(Part):
    """The offer is issued to the member."""

    valid_for: Duration | None = None


class Step(Part):
    """One thing that happens in an example, `at` a local time or some time `after` the step before (1 minute)."""

    order: ExampleOrder | None = None
    activity: Name | None = None
    member: ExampleMember | None = None
    offer: ExampleOffer | None = None
    returned: ExampleReturn | None = None
    voided: Annotated[int, Field(ge=1)] | None = None
    at: LocalMoment | None = None
    after: Duration | None = None


class Expectation(Part):
    """What the promotion gave the member in the whole of an example, whether still valid at its end or not."""

    coupons: Annotated[int, Field(ge=0)] | None = None
    points: Annotated[int, Field(ge=0, description="earned, usable or still pending")] | None = None
    pending: Annotated[int, Field(ge=0)] | None = None
    completed: Annotated[int, Field(ge=0)] | None = None
    progress: Progress | None = None


class Example(Part):
    """Given these events, expect that; `unisono promotions check` runs it."""

    name: str | None = None
    given: Annotated[tuple[Step, ...], BeforeValidator(_listed), Field(min_length=1, max_length=100), _AlsoOne()]
    expect: Expectation


class Promotion(Part):
    """One promotion, as a marketer and an engineer wrote and reviewed it."""

    promotion: PromotionId
    title: Annotated[Text, Field(min_length=1)]
    description: Text = Field(default_factory=dict)
    staff_hint: Text = Field(default_factory=dict)
    objective: Objective | None = None
    schedule: Schedule = Schedule()
    audience: Audience = Audience()
    by: Literal["everyone", "offer"] = Field("everyone", description="offer: only who was issued one, in its window")
    on: Trigger = "order.completed"
    activity: Names | None = None
    where: Where = Where()
    goal: Goal | None = None
    reward: Rewards
    limits: Limits = Limits()
    offline: Offline | None = None
    examples: Examples = ()


Promotion.model_rebuild()
