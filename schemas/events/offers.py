"""Offers put before one member, and redemptions that happened at an offline till."""

from __future__ import annotations

from schemas.values import AmountMinor, Channel, ForeignId, MemberId, Moment, PromotionId, Record


class OfferIssued(Record):
    """`unisono.offer.issued.v1`: this member may now pursue that promotion, in a window of its own from this moment."""

    offer_id: ForeignId
    promotion_id: PromotionId
    member_id: MemberId
    channel: Channel | None = None
    valid_until: Moment | None = None


class OfferViewed(Record):
    """`unisono.offer.viewed.v1`: the member saw the offer."""

    offer_id: ForeignId
    member_id: MemberId
    channel: Channel | None = None


class OfferActivated(OfferViewed):
    """`unisono.offer.activated.v1`: the member chose the offer."""


class CouponRedeemed(Record):
    """`unisono.coupon.redeemed.v1`: a redemption made at an offline till, uploaded later."""

    operation_id: ForeignId
    member_id: MemberId
    coupon_id: ForeignId
    store_id: ForeignId | None = None
    till_id: ForeignId | None = None
    order_id: ForeignId | None = None
    amount: AmountMinor | None = None
    offline: bool = True
