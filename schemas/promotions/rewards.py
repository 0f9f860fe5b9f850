"""What a promotion gives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from typing_extensions import override

from schemas.promotions.fields import (
    AlsoNumber,
    AlsoOne,
    AlsoText,
    Channels,
    Count,
    Name,
    Names,
    Part,
    Price,
    Promotions,
    Rounding,
    listed,
)
from schemas.promotions.written import Duration, LocalMoment, Money, WholeShare, Written, refuse
from schemas.values import PromotionId, Text


@dataclass(frozen=True, slots=True)
class Factor(Written):
    """How many times as many: from 1 to 100, with up to two decimals."""

    hundredths: int

    pattern: ClassVar[str] = r"^\d{1,3}(\.\d{1,2})?$"
    example: ClassVar[str] = "2"

    @override
    @classmethod
    def parse(cls, text: str) -> Self:
        """Refuses what is not between 1 and 100, and more than two decimals."""
        match = re.fullmatch(r"(\d{1,3})(?:\.(\d{1,2}))?", text)
        if match is None:
            raise refuse(f"`{text}` is no factor", cls.example)
        factor = cls(int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")))
        if not 100 <= factor.hundredths <= 10_000:
            raise refuse(f"`{text}`: points are multiplied by 1 to 100", cls.example)
        return factor

    @override
    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """For editors: a bare number too."""
        text = {"type": "string", "pattern": cls.pattern, "examples": [cls.example]}
        return {"anyOf": [{"type": "number", "minimum": 1, "maximum": 100}, text]}

    @override
    def __str__(self) -> str:
        """The written form."""
        whole, rest = divmod(self.hundredths, 100)
        return str(whole) if not rest else f"{whole}.{rest:02}"


class Rung(Part):
    """From this amount on, so many points."""

    from_: Money = Field(alias="from")
    earn: Count


Ladder = Annotated[tuple[Rung, ...], BeforeValidator(listed), Field(min_length=1, max_length=50), AlsoOne()]
CurrencyName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
"""A points currency of the programme; `base` is always there, `tier` counts towards tiers."""


class PointsReward(Part):
    """Points, by exactly one of: a fixed number (`earn`); `earn` for every full `per` of money; `earn` for every piece
    (`per_piece`); by the highest rung of a `ladder` that what matched reaches; or `times` what other promotions gave.

    A goal gives fixed points; the others go with the event itself.
    """

    earn: Count | None = None
    per: Price | None = None
    per_piece: bool = False
    ladder: Ladder | None = None
    times: Factor | None = Field(None, description="so many times the event's points, those themselves included")
    of: Promotions | None = Field(None, description="with `times`: the promotions whose points count; default: all")
    currency: CurrencyName = "base"
    rounding: Rounding | None = Field(None, description="default: the programme's")
    pending_for: Duration | None = Field(None, description="usable only after that; default: the programme's")
    pending_until: LocalMoment | None = None
    pending_returns: bool = Field(False, description="usable when the programme's return period is over")
    expires_after: Duration | None = Field(None, description="from the day they are usable; default: the programme's")
    expires_on: LocalMoment | None = None


def _points(value: object) -> object:
    return {"earn": value} if isinstance(value, int) and not isinstance(value, bool) else value


class BuyGet(Part):
    """Buy so many, get so many more (of the same lines) at a percentage off; the cheapest ones are free."""

    buy: Count
    get: Count = 1
    percent_off: WholeShare = WholeShare(10_000)


class Pool(Part):
    """Codes that somebody else made: a list, or a text file beside the document with one code a line."""

    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    count: Count
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class CouponReward(Part):
    """A coupon of the member's own. Exactly one benefit; a code nobody can guess unless `code` or `codes` says so."""

    amount_off: Price | None = None
    percent_off: WholeShare | None = None
    max_amount: Price | None = Field(None, description="with percent_off: at most so much")
    free_item: Names | None = Field(None, description="one piece of any of these skus is free")
    cheapest_free: bool = Field(False, description="the cheapest piece (of the lines it is valid for) is free")
    fixed_price: Price | None = Field(None, description="a piece of the lines it is valid for costs this")
    buy_get: BuyGet | None = None
    free_shipping: bool = False
    points_times: Factor | None = Field(None, description="the order it is used on earns so many times the points")
    category: Names | None = Field(None, description="valid for lines of these categories; default: the whole basket")
    brand: Names | None = None
    sku: Names | None = None
    min_total: Price | None = Field(None, description="the basket it is used on costs at least this")
    channels: Channels | None = Field(None, description="where it can be used; default: everywhere")
    stores: Names | None = None
    valid_for: Duration | None = Field(None, description="from the day it is given (or usable)")
    valid_until: LocalMoment | None = None
    valid_from: LocalMoment | None = None
    usable_after: Duration | None = Field(None, description="valid only so long after it is given")
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{2,31}$")] | None = Field(
        None, description="one code for all members"
    )
    codes: Pool | None = Field(None, description="codes from elsewhere, one for each coupon")
    title: Text | None = Field(None, description="default: the promotion's title")


class StampReward(Part):
    """Stamps on a card: the goal of a promotion that counts stamps."""

    card: PromotionId
    give: Count = 1


class TierReward(Part):
    """A tier of the programme, at once."""

    tier: Name
    for_: Duration | None = Field(None, alias="for", description="default: as long as one that was earned")


def _tier(value: object) -> object:
    return {"tier": value} if isinstance(value, str) else value


class GiftReward(Part):
    """A thing that is handed out: a coupon for it, from a stock that is never overdrawn."""

    item: Name
    stock: Count
    valid_for: Duration
    title: Text | None = None


class Reward(Part):
    """One thing the promotion gives: exactly one of these; `value` is what it costs, where that is not plain."""

    points: Annotated[PointsReward, BeforeValidator(_points), AlsoNumber()] | None = None
    coupon: CouponReward | None = None
    stamps: StampReward | None = None
    tier_points: Count | None = None
    tier: Annotated[TierReward, BeforeValidator(_tier), AlsoText()] | None = None
    gift: GiftReward | None = None
    entries: Count | None = Field(None, description="entries to the draw of the promotion's contest")
    instant_win: bool = Field(False, description="a try at the instant win of the promotion's contest")
    message: Text | None = Field(None, description="to the member, by language")
    value: Money | None = Field(None, description="what it costs, for budgets and for the best of a group")


Rewards = Annotated[tuple[Reward, ...], BeforeValidator(listed), Field(max_length=20), AlsoOne()]


class Variant(Part):
    """One arm of a test: its share of the members, by weight, and what it gives (nothing: a control group)."""

    variant: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
    weight: Annotated[int, Field(ge=1, le=10_000)] = 1
    reward: Rewards


Variants = Annotated[tuple[Variant, ...], BeforeValidator(listed), Field(min_length=2, max_length=20)]


class DrawPrize(Part):
    """What the draw hands out: so many winners, and reserves should a winner not be found."""

    prize: Name
    winners: Count = 1
    reserves: Annotated[int, Field(ge=0, le=10_000)] = 0


class InstantPrize(Part):
    """What the instant win hands out: so many winners over the whole campaign, each given this reward."""

    prize: Name
    winners: Annotated[int, Field(ge=1, le=100_000)]
    reward: Reward | None = None


class Draw(Part):
    """The final draw among all entries."""

    at: LocalMoment
    prizes: Annotated[tuple[DrawPrize, ...], BeforeValidator(listed), Field(min_length=1, max_length=100), AlsoOne()]
    several_prizes: bool = Field(False, description="a member may win more than one; default: one at most")


class InstantWin(Part):
    """Winning moments, drawn before the start and spread over the schedule: the first try after one wins."""

    prizes: Annotated[tuple[InstantPrize, ...], BeforeValidator(listed), Field(min_length=1, max_length=100), AlsoOne()]


class Contest(Part):
    """A prize contest. Its draws follow from a seed whose SHA-256 stands here before the start."""

    seed_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    draw: Draw | None = None
    instant_win: InstantWin | None = None
