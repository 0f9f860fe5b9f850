"""What a promotion document may say. Structure only: no expressions, no code, unknown fields refused.

`schemas.promotions.loading` reads a document and lists every mistake; these models are what it reads into and what the
engine compiles. Defaults are stated here and in docs/promotions.md. The parts: `conditions` (when, for whom, which
events), `goals`, `rewards`, `limits`, `examples`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.promotions.conditions import Audience, Schedule, Triggers, When, Where
from schemas.promotions.examples import Examples
from schemas.promotions.fields import Count, Name, Names, Part
from schemas.promotions.goals import Goal
from schemas.promotions.limits import Limits, Stacking
from schemas.promotions.rewards import Contest, CurrencyName, Rewards, Variants
from schemas.promotions.written import LocalMoment, Money
from schemas.values import PromotionId, Text


class Objective(Part):
    """What the promotion is for; carried along for the KPI pages, it decides nothing."""

    metric: Name
    target: str | int | None = None
    change: str | None = None
    by: LocalMoment | None = None
    expected_cost: Money | None = None


class Offline(Part):
    """What a till that is cut off may do with the coupons; carried along for the till."""

    redeem: Literal["replicated", "never"] = "replicated"
    max_value: Money | None = None


class Cost(Part):
    """What the member pays for the reward in points; without enough of them nothing is given."""

    points: Count
    currency: CurrencyName = "base"


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
    on: Triggers = ("order.completed",)
    activity: Names | None = None
    when: When = When()
    where: Where = Where()
    goal: Goal | None = None
    cost: Cost | None = None
    reward: Rewards = ()
    variants: Variants | None = None
    contest: Contest | None = None
    limits: Limits = Limits()
    stacking: Stacking = Stacking()
    offline: Offline | None = None
    examples: Examples = ()


Promotion.model_rebuild()
