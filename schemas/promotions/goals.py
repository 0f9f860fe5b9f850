"""What a member has to reach before the reward."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from schemas.promotions.conditions import Triggers, Where
from schemas.promotions.fields import Count, Names, Part, Period, Price, listed
from schemas.promotions.written import Duration, Money

Kind = Literal["product", "category", "brand", "store", "channel", "activity", "day"]


class Distinct(Part):
    """So many different ones."""

    of: Kind
    count: Count


StampFor = Literal["visit", "piece"]


class Measure(Part):
    """One thing that is counted: exactly one of spend, visits, quantity, distinct, activities, stamps.

    `on`, `activity` and `where` say which events count; what is left out is the promotion's own.
    """

    on: Triggers | None = None
    activity: Names | None = None
    where: Where | None = None
    spend: Price | None = None
    visits: Count | None = Field(None, description="events that count: orders, unless `on` says otherwise")
    quantity: Count | None = Field(None, description="pieces on matching lines; weighed goods are one piece a line")
    distinct: Distinct | None = None
    activities: Count | None = Field(None, description="the same as visits, for activities")
    stamps: Count | None = Field(None, description="a punch card: shown as stamps; other promotions may add to it")
    stamp_for: StampFor | Money = Field("visit", description="a stamp for each visit, piece, or full amount of money")


Measures = Annotated[tuple[Measure, ...], BeforeValidator(listed), Field(min_length=2, max_length=20)]


class Goal(Measure):
    """One measure, or several: `all` of them in any order, `any` one of them, or `steps` one after the other.

    The window: `within` a length of time from the first event that counts (`rolling`: counted back from each event);
    or in `every` calendar period (`in_a_row`: so many periods running); an issued offer has its own.
    """

    all: Measures | None = None
    any: Measures | None = None
    steps: Measures | None = None
    within: Duration | None = Field(None, description="default: no end of its own")
    rolling: bool = False
    every: Period | None = Field(None, description="a calendar period in the promotion's time zone, or each `order`")
    in_a_row: Annotated[int, Field(ge=2, le=1000)] | None = None
    repeat: bool = False
    carry_over: bool = Field(True, description="what is beyond the goal counts towards the next one")
