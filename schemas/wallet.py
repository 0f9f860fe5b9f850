"""The sync record on `loyalty.wallets`: the whole wallet of one member at one version."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.values import AmountMinor, Currency, ForeignId, MemberId, Moment, PromotionId, Text

WALLET_UPDATED = "unisono.wallet.updated.v1"
CouponStatus = Literal["issued", "reserved", "redeemed", "expired", "cancelled"]


class Shape(BaseModel):
    """Base of what we write for others: readers ignore fields they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Expiring(Shape):
    """Points that expire on a day of the programme's time zone."""

    on: str
    points: int


class PointsBalance(Shape):
    """One points currency: usable now, not yet usable, and what expires when."""

    active: int
    pending: int
    expiring: tuple[Expiring, ...] = ()


class Tier(Shape):
    """The member's tier and since when, until when."""

    id: str
    since: Moment | None = None
    until: Moment | None = None


class StampCard(Shape):
    """Stamps collected towards one promotion's goal."""

    promotion_id: PromotionId
    count: int
    goal: int


class Benefit(Shape):
    """What a coupon gives: an amount off (minor units) or a percentage off, on the basket or on a category."""

    type: Literal["amount_off", "percent_off"]
    amount: AmountMinor | None = None
    currency: Currency | None = None
    percent: int | None = None
    category: tuple[str, ...] = ()


class WalletCoupon(Shape):
    """A coupon the member holds or held, with the promotion version that gave it."""

    coupon_id: ForeignId
    promotion_id: PromotionId
    promotion_version: int
    status: CouponStatus
    code: str
    benefit: Benefit
    valid_from: Moment
    valid_until: Moment
    title: Text
    staff_hint: Text = Field(default_factory=dict)


class WalletOffer(Shape):
    """Progress towards one promotion's goal, in minor units, visits or pieces as `unit` says."""

    offer_id: ForeignId
    promotion_id: PromotionId
    progress: int
    target: int
    unit: Literal["money", "visits", "pieces"] = "money"
    currency: Currency | None = None
    valid_until: Moment | None = None
    completed: int = 0
    title: Text = Field(default_factory=dict)


class WalletRecord(Shape):
    """The value on `loyalty.wallets`. Apply it only if its version is newer than the one held."""

    member_id: MemberId
    version: Annotated[int, Field(ge=1)]
    as_of: Moment
    caused_by: tuple[str, ...] = ()
    occurred_at: Moment
    points: dict[str, PointsBalance]
    tier: Tier | None = None
    stamps: tuple[StampCard, ...] = ()
    coupons: tuple[WalletCoupon, ...] = ()
    offers: tuple[WalletOffer, ...] = ()
