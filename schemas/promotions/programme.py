"""The programme document (`programme.yaml`): what holds for all promotions, and the defaults they may override."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from schemas.promotions.conditions import LineMatch
from schemas.promotions.fields import AlsoOne, Count, Name, Names, Part, Rounding, Zone, listed
from schemas.promotions.limits import GroupName, Mode, SomeLimits
from schemas.promotions.rewards import CurrencyName
from schemas.promotions.written import Duration, Money
from schemas.values import Currency, Text


class Expiry(Part):
    """When points are gone; at most one of these. Default: never."""

    after: Duration | None = Field(None, description="rolling: from the day they are usable")
    end_of: Literal["month", "year"] | None = Field(None, description="of the period in which they become usable")
    plus: Duration | None = Field(None, description="with end_of: so much later; months lead from end to end")
    inactive_for: Duration | None = Field(None, description="all of them, when nothing was earned or spent for so long")


class PointsCurrency(Part):
    """One points currency: what a point is worth, how it is rounded, how it lives."""

    title: Text = Field(default_factory=dict)
    value: Money | None = Field(None, description="of `value_points` points; for budgets and comparisons")
    value_points: Count = 1
    rounding: Rounding = "down"
    pending_for: Duration | None = None
    expires: Expiry = Expiry()
    spend: Literal["earliest_expiry", "oldest"] = "earliest_expiry"


class Earning(Part):
    """Which money counts, where a promotion does not say otherwise."""

    amounts: Literal["after_discounts", "before_discounts"] = "after_discounts"
    tax: Literal["included", "excluded"] = "included"
    except_lines: LineMatch | None = Field(None, description="lines that never count: gift cards, shipping, tobacco")
    except_payment_methods: Names | None = Field(None, description="orders paid so never count")


class Returns(Part):
    """What holds when goods come back."""

    period: Duration | None = Field(None, description="how long goods may come back; `pending_returns` waits so long")
    coupons: Literal["come_back", "stay_used"] = Field(
        "come_back", description="a coupon used on an order that came back as a whole, or was voided"
    )


class TierLevel(Part):
    """One tier and what it takes."""

    tier: Name
    from_: Annotated[int, Field(ge=0, le=10**12, alias="from")]
    title: Text = Field(default_factory=dict)


class Tiers(Part):
    """How members rise and fall. Up at once; down only when the tier's time is over, and after the grace."""

    basis: Literal["tier_points", "points", "spend"] = Field(
        "tier_points", description="points: base points earned; spend: paid, in minor units of the currency"
    )
    period: Literal["year", "ever"] | Duration = Field("year", description="calendar year, ever, or a rolling length")
    valid_for: Duration | Literal["next_year_end"] = "next_year_end"
    grace: Duration | None = None
    downgrade: Literal["one_level", "to_earned"] = "to_earned"
    levels: Annotated[tuple[TierLevel, ...], BeforeValidator(listed), Field(min_length=1, max_length=20), AlsoOne()]


class Group(Part):
    """A stacking group: its mode, and what its promotions together may give one member."""

    mode: Mode | None = None
    cap: SomeLimits | None = None


class ProgrammeDocument(Part):
    """What holds for all promotions; published and versioned like one."""

    programme: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    title: Text = Field(default_factory=dict)
    timezone: Zone | None = Field(None, description="default: the setting")
    currency: Currency | None = Field(None, description="ISO 4217; default: the setting")
    points: dict[CurrencyName, PointsCurrency] = Field(default_factory=dict)
    earning: Earning = Earning()
    returns: Returns = Returns()
    tiers: Tiers | None = None
    regions: dict[Name, Names] = Field(default_factory=dict, description="region → its stores")
    segments: Names | None = Field(None, description="the segments there are; `check` refuses others")
    groups: dict[GroupName, Group] = Field(default_factory=dict)
    cap: SomeLimits | None = Field(None, description="what all promotions together may give one member")
