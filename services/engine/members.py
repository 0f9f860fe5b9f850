"""Events about the member: who they are, what they redeemed at a counter, that they want to be forgotten."""

from __future__ import annotations

import orjson

from schemas.events.members import MemberRegistered, MemberUpdated
from schemas.events.offers import CouponRedeemed
from services.engine.entries import COUPON, TIER, Entry, Kind
from services.engine.occasion import Occasion
from services.engine.rewarding.coupons import FACT_KEPT, KEPT_AFTER_USE, coupon_expired
from services.engine.rewarding.points import account, leftovers
from services.engine.rewarding.tiers import enter_tiers, set_by_hand
from services.engine.wallet import FIELDS, Wallet

ATTRIBUTES_KEPT = 200
"""The wallet remembers so many attributes of a member; what comes beyond is not kept."""
NAME_MAX = 128
"""An attribute with a longer name is not kept."""
_USED = "programme:coupons_redeemed"


def update_member(occasion: Occasion) -> bool:
    """Take what the event says of the member: attributes (null: none any more), segments, and the tier, which is an
    attribute that is given by hand and not kept with the others. Whoever is registered already does not register."""
    data = occasion.data
    assert isinstance(data, MemberRegistered)
    wallet = occasion.wallet
    first = not wallet.registered or isinstance(data, MemberUpdated)
    if not wallet.registered and not isinstance(data, MemberUpdated):
        wallet.registered = occasion.instant
        enter_tiers(occasion)
    for name, value in data.attributes.items():
        if name == "tier":
            set_by_hand(occasion, None if value is None else str(value))
        elif value is None:
            wallet.attributes.pop(name, None)
        elif name in wallet.attributes or (len(wallet.attributes) < ATTRIBUTES_KEPT and len(name) <= NAME_MAX):
            wallet.attributes[name] = value
    if data.segments.add or data.segments.remove:
        left = (set(wallet.segments) | set(data.segments.add)) - set(data.segments.remove)
        wallet.segments = tuple(sorted(left))
    return first


def redeem_coupon(occasion: Occasion) -> bool:
    """A redemption at a counter is a fact: it counts though the coupon expired, or is not (yet) known to be given.

    One operation counts once, however often it is sent; another one on the same coupon is a conflict.
    """
    data = occasion.data
    assert isinstance(data, CouponRedeemed)
    wallet = occasion.wallet
    # JSON, not a join: ids are foreign, and no character of theirs may make two operations one.
    operation = orjson.dumps((data.coupon_id, data.operation_id)).decode()
    if operation in wallet.redeemed:
        return False
    coupon = wallet.coupons.get(data.coupon_id)
    first = orjson.dumps((data.coupon_id,)).decode()[:-1] + ","
    twice = any(each.startswith(first) for each in wallet.redeemed)
    _post_redemption(occasion, data, operation, twice=twice)
    wallet.redeemed[operation] = occasion.instant + FACT_KEPT
    if twice:
        return False
    if coupon is None:
        wallet.redeemed[data.coupon_id] = occasion.instant + FACT_KEPT
    else:
        wallet.coupons[data.coupon_id] = coupon.turned("redeemed", occasion.instant + KEPT_AFTER_USE)
    return True


def _post_redemption(occasion: Occasion, data: CouponRedeemed, operation: str, *, twice: bool) -> None:
    kind: Kind = "coupon.conflict" if twice else "coupon.redeemed"
    coupon = occasion.wallet.coupons.get(data.coupon_id)
    held, key = "member:coupons", f"{kind} {operation} {occasion.wallet.life}"
    if twice:
        held = "programme:coupons_disputed"
    elif coupon is not None and coupon.status == "expired":
        held, key = "programme:coupons_expired", f"{key} expired"
    entry = _entry(occasion, key, kind, COUPON, (held, _USED), 1)
    entry.coupon_id = data.coupon_id
    entry.detail = {
        "store_id": data.store_id,
        "till_id": data.till_id,
        "order_id": data.order_id,
        "amount": data.amount,
    }
    if coupon is not None and not twice:
        entry.promotion_id, entry.promotion_version = coupon.promotion_id, coupon.promotion_version
    occasion.entries.append(entry)


def erase(occasion: Occasion) -> bool:
    """Nothing of the member is left; what they held goes back, so that the books balance."""
    wallet, cause = occasion.wallet, occasion.cause
    for currency, name, points in leftovers(wallet):
        accounts = (f"member:points_{name}", account("programme:points_expired", currency))
        key = f"points.expired {cause} {name} {points}"
        occasion.entries.append(_entry(occasion, key, "points.expired", f"points:{currency}", accounts, points))
    for made, coupon in wallet.coupons.items():
        if coupon.status == "issued":
            occasion.entries.append(coupon_expired(made, coupon, cause, occasion.instant))
    if wallet.tier is not None:
        key = f"tier.changed {cause} {wallet.tier} None"
        occasion.entries.append(_entry(occasion, key, "tier.changed", TIER, (f"tier:{wallet.tier}", "tier:none"), 1))
    blank = Wallet(wallet.member_id, life=wallet.life + 1, moved_at=wallet.moved_at)
    blank.awaiting, blank.undone = wallet.awaiting, wallet.undone
    for name in FIELDS:
        setattr(wallet, name, getattr(blank, name))
    return False


def _entry(occasion: Occasion, key: str, kind: Kind, unit: str, accounts: tuple[str, str], amount: int) -> Entry:
    return Entry(key, kind, unit, *accounts, amount, None, None, None, None, occasion.cause, occasion.occurred_at)
