"""Events about the member: who they are, what they redeemed at a counter, that they want to be forgotten."""

from __future__ import annotations

from schemas.events.members import MemberRegistered
from schemas.events.offers import CouponRedeemed
from services.engine.conditions import Occasion
from services.engine.entries import COUPON, POINTS, TIER, Entry, Kind
from services.engine.rewards import FACT_KEPT, KEPT_AFTER_USE
from services.engine.wallet import Wallet


def update_member(occasion: Occasion) -> None:
    """Take the tier (`attributes.tier`, null for none) and the segments that the event names."""
    data = occasion.event.data
    assert isinstance(data, MemberRegistered)
    wallet = occasion.wallet
    if "tier" in data.attributes:
        named = data.attributes["tier"]
        _change_tier(occasion, None if named is None else str(named))
    if data.segments.add or data.segments.remove:
        left = (set(wallet.segments) | set(data.segments.add)) - set(data.segments.remove)
        wallet.segments = tuple(sorted(left))


def _change_tier(occasion: Occasion, tier: str | None) -> None:
    wallet = occasion.wallet
    if tier == wallet.tier:
        return
    key = f"tier.changed {occasion.event.cause} {wallet.tier} {tier}"
    accounts = (f"tier:{wallet.tier or 'none'}", f"tier:{tier or 'none'}")
    occasion.entries.append(_entry(occasion, key, "tier.changed", TIER, accounts, 1))
    wallet.tier = tier
    wallet.tier_since = occasion.instant if tier is not None else 0


def redeem_coupon(occasion: Occasion) -> None:
    """A redemption at a counter is a fact: it counts though the coupon expired, or is not (yet) known to be given."""
    data = occasion.event.data
    assert isinstance(data, CouponRedeemed)
    wallet = occasion.wallet
    coupon = wallet.coupons.get(data.coupon_id)
    twice = data.coupon_id in wallet.redeemed or (coupon is not None and coupon.status == "redeemed")
    kind: Kind = "coupon.conflict" if twice else "coupon.redeemed"
    accounts = ("programme:coupons_disputed" if twice else "member:coupons", "programme:coupons_redeemed")
    entry = _entry(occasion, f"{kind} {data.coupon_id} {data.operation_id}", kind, COUPON, accounts, 1)
    entry.coupon_id = data.coupon_id
    entry.detail = {
        "store_id": data.store_id,
        "till_id": data.till_id,
        "order_id": data.order_id,
        "amount": data.amount,
    }
    occasion.entries.append(entry)
    if twice:
        return
    if coupon is None:
        wallet.redeemed[data.coupon_id] = occasion.instant + FACT_KEPT
        return
    entry.promotion_id = coupon.promotion_id
    entry.promotion_version = coupon.promotion_version
    wallet.coupons[data.coupon_id] = coupon.turned("redeemed", occasion.instant + KEPT_AFTER_USE)


def erase(occasion: Occasion) -> None:
    """Nothing of the member is left; what they held goes back, so that the books balance."""
    wallet = occasion.wallet
    cause = occasion.event.cause
    for account, points in (("active", wallet.points_active), ("pending", wallet.points_pending)):
        if points:
            accounts = (f"member:points_{account}", "programme:points_expired")
            key = f"points.expired {cause} {account} {points}"
            occasion.entries.append(_entry(occasion, key, "points.expired", POINTS, accounts, points))
    for made, coupon in wallet.coupons.items():
        if coupon.status == "issued":
            accounts = ("member:coupons", "programme:coupons_expired")
            entry = _entry(occasion, f"coupon.expired {made}", "coupon.expired", COUPON, accounts, 1)
            entry.coupon_id = made
            occasion.entries.append(entry)
    blank = Wallet(wallet.member_id, life=wallet.life + 1, moved_at=wallet.moved_at, awaiting=wallet.awaiting)
    for name in Wallet.__slots__:
        setattr(wallet, name, getattr(blank, name))


def _entry(occasion: Occasion, key: str, kind: Kind, unit: str, accounts: tuple[str, str], amount: int) -> Entry:
    event = occasion.event
    return Entry(key, kind, unit, *accounts, amount, None, None, None, None, event.cause, event.occurred_at)
