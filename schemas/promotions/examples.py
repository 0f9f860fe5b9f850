"""Examples inside a document: given these events, expect that. `unisono promotions check` runs them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from schemas.promotions.conditions import AttributeValue
from schemas.promotions.fields import AlsoNumber, AlsoOne, AlsoText, Count, Name, Names, Part, Promotions, listed, named
from schemas.promotions.written import Duration, LocalMoment, Money, Progress
from schemas.values import Channel, PromotionId

OneName = Annotated[Name, BeforeValidator(lambda value: named((value,))[0]), AlsoNumber()]
Attributes = dict[Name, AttributeValue | None]
Whole = Annotated[int, Field(ge=0)]
Nth = Annotated[int, Field(ge=1)]
Nths = Annotated[tuple[Nth, ...], BeforeValidator(listed), Field(max_length=20), AlsoOne()]


class ExampleLine(Part):
    """A line of an example's order."""

    amount: Money
    quantity: Count = 1
    sku: OneName = "any"
    category: Name | None = None
    brand: Name | None = None
    gtin: Name | None = None
    tags: Names = ()


ExampleLines = Annotated[tuple[ExampleLine, ...], BeforeValidator(listed), Field(max_length=100), AlsoOne()]


class ExampleOrder(Part):
    """An order of an example; what is not said is chosen so that it does not stand in the way."""

    total: Money | None = Field(None, description="default: the sum of its lines")
    subtotal: Money | None = Field(None, description="before discounts; default: the total")
    lines: ExampleLines = Field((), description="default: one line of the total")
    channel: Channel | None = None
    store: OneName | None = None
    payment_method: Name | None = None
    coupons: Nths = Field((), description="the coupons of the example that the order uses: the n-th that was given")
    attributes: Attributes = Field(default_factory=dict)
    training: bool = False


class ExampleActivity(Part):
    """Something the member did outside an order."""

    name: Name
    channel: Channel | None = None
    store: OneName | None = None
    attributes: Attributes = Field(default_factory=dict)


def _activity(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class ExampleMember(Part):
    """Who the member is from here on; what is not said stays (a tier of `null` is none)."""

    tier: Name | None = None
    segments: Names | None = None
    attributes: Attributes = Field(default_factory=dict)


class ExampleReturn(Part):
    """Part of an earlier order of the example comes back."""

    order: Annotated[int, Field(ge=1, description="which order of this example, counted from 1")] = 1
    line: Annotated[int, Field(ge=1)] = 1
    quantity: Count = 1
    amount: Money


class ExampleOffer(Part):
    """The offer is issued to the member."""

    valid_for: Duration | None = None
    of: PromotionId | None = Field(None, description="default: this promotion")


class Step(Part):
    """One thing that happens in an example, `at` a local time or some time `after` the step before (1 minute)."""

    order: ExampleOrder | None = None
    activity: Annotated[ExampleActivity, BeforeValidator(_activity), AlsoText()] | None = None
    registered: ExampleMember | None = Field(None, description="the member joins, as `{}` or with who they are")
    member: ExampleMember | None = None
    offer: ExampleOffer | None = None
    viewed: Nth | None = Field(None, description="the n-th offer of the example is viewed")
    activated: Nth | None = Field(None, description="the n-th offer of the example is activated")
    redeemed: Nth | None = Field(None, description="the n-th coupon of the example is redeemed")
    returned: ExampleReturn | None = None
    voided: Nth | None = None
    wait: bool | None = Field(None, description="`true`: nothing happens, only time passes")
    at: LocalMoment | None = None
    after: Duration | None = None


class Expectation(Part):
    """What the promotion gave the member in the whole of an example, whether still valid at its end or not."""

    coupons: Whole | None = None
    points: Annotated[Whole | dict[Name, Whole], Field(description="earned, usable or not; or by currency")] | None = (
        None
    )
    pending: (
        Annotated[Whole | dict[Name, Whole], Field(description="not yet usable at the end; or by currency")] | None
    ) = None
    balance: Annotated[int | dict[Name, int], Field(description="usable at the end; or by currency")] | None = None
    completed: Whole | None = None
    progress: Progress | None = None
    stamps: Whole | None = Field(None, description="on the card at the end")
    gifts: Whole | None = None
    entries: Whole | None = None
    wins: Whole | None = None
    messages: Whole | None = None
    tier: Name | None = Field(None, description="the member's tier at the end; `none` for none")


class Example(Part):
    """Given these events, expect that; `unisono promotions check` runs it."""

    name: str | None = None
    together: Promotions | None = Field(None, description="other documents of the same check that are in force too")
    variant: Name | None = Field(None, description="the member is in this variant")
    given: Annotated[tuple[Step, ...], BeforeValidator(listed), Field(min_length=1, max_length=100), AlsoOne()]
    expect: Expectation


Examples = Annotated[tuple[Example, ...], BeforeValidator(listed), Field(max_length=100), AlsoOne()]
