"""The sync record on `loyalty.wallets`: the whole wallet of one member at one version."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.values import AmountMinor, Channel, Currency, ForeignId, MemberId, Moment, PromotionId, Text

WALLET_UPDATED = "unisono.wallet.updated.v1"
CouponStatus = Literal["issued", "reserved", "redeemed", "expired", "cancelled"]
BenefitType = Literal[
    "amount_off",
    "percent_off",
    "free_item",
    "cheapest_free",
    "fixed_price",
    "buy_get",
    "free_shipping",
    "points_times",
    "gift",
]
GoalUnit = Literal[
    "money",
    "visits",
    "pieces",
    "activities",
    "stamps",
    "products",
    "categories",
    "brands",
    "stores",
    "channels",
    "days",
    "weeks",
    "months",
    "quarters",
    "years",
    "periods",
    "parts",
]
"""What progress is counted in: minor units of the offer's currency for `money`; how many different ones for `products`
to `days`; periods running for `days` to `periods`; parts of a goal of several that are met for `parts`."""


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
    """The member's tier, since when, and the last instant it is sure (none: as long as nothing changes)."""

    id: str
    since: Moment | None = None
    until: Moment | None = None
    title: Text = Field(default_factory=dict)


class StampCard(Shape):
    """Stamps collected towards one promotion's goal."""

    promotion_id: PromotionId
    count: int
    goal: int
    title: Text = Field(default_factory=dict)


class Benefit(Shape):
    """What a coupon gives, by `type`; every amount is in minor units of `currency`.

    - `amount_off`: `amount` off; `percent_off`: `percent` off, at most `max_amount`;
    - `free_item`: one piece of any of `sku` is free; `cheapest_free`: the cheapest piece is;
    - `fixed_price`: a piece costs `amount`; `buy_get`: who buys `buy` gets `get` more, `percent` off (100: free);
    - `free_shipping`; `points_times`: the order earns `factor` times the points; `gift`: `item` is handed out.

    It is valid for lines of these `category`, `brand` and `sku` (none given: the whole basket) from `min_total` on.
    """

    type: BenefitType
    amount: AmountMinor | None = None
    currency: Currency | None = None
    percent: int | None = None
    max_amount: AmountMinor | None = None
    buy: int | None = None
    get: int | None = None
    factor: Annotated[str, StringConstraints(pattern=r"^\d{1,3}(\.\d{1,2})?$")] | None = None
    item: str | None = None
    category: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    sku: tuple[str, ...] = ()
    min_total: AmountMinor | None = None


class WalletCoupon(Shape):
    """A coupon the member holds or held, with the promotion version that gave it.

    It can be used in these `channels` and `stores` (none given: in all). `message` is what to tell the member of it.
    """

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
    channels: tuple[Channel, ...] = ()
    stores: tuple[str, ...] = ()
    message: Text = Field(default_factory=dict)


class GoalPart(Shape):
    """One part of a goal of several, counted like an offer of its own; `met` once it is reached."""

    progress: int
    target: int
    unit: GoalUnit = "money"
    currency: Currency | None = None
    met: bool = False


class WalletOffer(Shape):
    """Progress towards one promotion's goal, counted as `unit` says.

    A goal of several has its `parts`, in the document's order, and `parts_are`: `all` (any order), `any` (one is
    enough), `steps` (one after the other).
    """

    offer_id: ForeignId
    promotion_id: PromotionId
    progress: int
    target: int
    unit: GoalUnit = "money"
    currency: Currency | None = None
    valid_until: Moment | None = None
    completed: int = 0
    title: Text = Field(default_factory=dict)
    parts: tuple[GoalPart, ...] = ()
    parts_are: Literal["all", "any", "steps"] | None = None


class Message(Shape):
    """What a promotion says to the member, by language."""

    message_id: ForeignId
    promotion_id: PromotionId
    text: Text
    at: Moment


class WalletRecord(Shape):
    """The value on `loyalty.wallets`. Apply it only if its version is newer than the one held.

    `points` has the balance of each points currency by name, `base` always. `messages` are those of the last 30 days,
    newest first, 20 at most.
    """

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
    messages: tuple[Message, ...] = ()
