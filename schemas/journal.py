"""The journal on `loyalty.rewards`: what happened, one record an entry."""

from __future__ import annotations

from typing import Any, Literal

from schemas.values import ForeignId, MemberId, Moment, PromotionId
from schemas.wallet import Shape

JournalType = Literal[
    "unisono.reward.granted.v1",
    "unisono.reward.reversed.v1",
    "unisono.points.earned.v1",
    "unisono.points.activated.v1",
    "unisono.points.spent.v1",
    "unisono.points.expired.v1",
    "unisono.points.reversed.v1",
    "unisono.points.adjusted.v1",
    "unisono.coupon.issued.v1",
    "unisono.coupon.reserved.v1",
    "unisono.coupon.released.v1",
    "unisono.coupon.redeemed.v1",
    "unisono.coupon.reversed.v1",
    "unisono.coupon.expired.v1",
    "unisono.coupon.conflict.v1",
    "unisono.offer.completed.v1",
    "unisono.tier.changed.v1",
]
EntryKind = Literal[
    "reward.granted",
    "points.earned",
    "points.activated",
    "points.spent",
    "points.expired",
    "points.adjusted",
    "coupon.issued",
    "coupon.redeemed",
    "coupon.expired",
    "coupon.conflict",
    "offer.completed",
    "tier.changed",
]
"""The kinds the fold decides; a reversal is an entry of the same kind that names the entry it takes back."""


class JournalEntry(Shape):
    """One ledger line as others read it; `reverses` names the entry this one takes back."""

    entry_id: ForeignId
    member_id: MemberId
    type: JournalType
    unit: str
    debit: str
    credit: str
    amount: int
    promotion_id: PromotionId | None = None
    promotion_version: int | None = None
    offer_id: ForeignId | None = None
    coupon_id: ForeignId | None = None
    caused_by: str
    occurred_at: Moment
    recorded_at: Moment
    reverses: ForeignId | None = None
    detail: dict[str, Any] | None = None
