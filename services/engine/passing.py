"""What time alone does to a wallet: points become usable and expire, coupons expire, windows close."""

from __future__ import annotations

from services.engine.entries import COUPON, POINTS, Entry, Kind
from services.engine.goals import close
from services.engine.moments import moment_of
from services.engine.programme import Programme
from services.engine.rewards import FACT_KEPT, KEPT_AFTER_USE, merged
from services.engine.wallet import Lot, Wallet


def pass_time(wallet: Wallet, until: int, programme: Programme, entries: list[Entry]) -> None:
    """Bring a draft to an instant, one due moment after the other, so that two steps are the same as one."""
    due = wallet.next_due()
    while due and due <= until:
        wallet.moved_at = due
        _activate(wallet, due, entries)
        _expire_points(wallet, due, entries)
        _end_coupons(wallet, due, entries)
        _close_windows(wallet, due, programme)
        for made in [made for made, forget in wallet.redeemed.items() if forget <= due]:
            del wallet.redeemed[made]
        for offer_id in [offer_id for offer_id, forget in wallet.closed.items() if forget <= due]:
            del wallet.closed[offer_id]
        due = wallet.next_due()


def _activate(wallet: Wallet, due: int, entries: list[Entry]) -> None:
    ready = [lot for lot in wallet.lots if lot.active_from and lot.active_from <= due]
    if not ready:
        return
    wallet.lots = tuple([lot for lot in wallet.lots if not lot.active_from or lot.active_from > due])
    for lot in ready:
        wallet.lots = merged(wallet.lots, Lot(lot.points, 0, lot.expires, lot.on))
        key = f"points.activated {lot.active_from} {lot.expires} {lot.points}"
        accounts = ("member:points_pending", "member:points_active")
        entries.append(_timed(key, "points.activated", POINTS, accounts, lot.points, due))


def _expire_points(wallet: Wallet, due: int, entries: list[Entry]) -> None:
    gone = [lot for lot in wallet.lots if lot.expires and lot.expires <= due and not lot.active_from]
    if not gone:
        return
    wallet.lots = tuple([lot for lot in wallet.lots if lot not in gone])
    for lot in gone:
        key = f"points.expired {lot.expires} {lot.points}"
        accounts = ("member:points_active", "programme:points_expired")
        entries.append(_timed(key, "points.expired", POINTS, accounts, lot.points, due))


def _end_coupons(wallet: Wallet, due: int, entries: list[Entry]) -> None:
    for made, coupon in [(made, coupon) for made, coupon in wallet.coupons.items() if coupon.due <= due]:
        if coupon.status != "issued":
            del wallet.coupons[made]
            continue
        wallet.coupons[made] = coupon.turned("expired", due + KEPT_AFTER_USE)
        accounts = ("member:coupons", "programme:coupons_expired")
        entry = _timed(f"coupon.expired {made}", "coupon.expired", COUPON, accounts, 1, due)
        entry.promotion_id = coupon.promotion_id
        entry.promotion_version = coupon.promotion_version
        entry.coupon_id = made
        entries.append(entry)


def _close_windows(wallet: Wallet, due: int, programme: Programme) -> None:
    for offer_id in [key for key, offer in wallet.offers.items() if 0 < offer.closes < due]:
        del wallet.offers[offer_id]
        wallet.closed[offer_id] = due + FACT_KEPT
    for promotion_id in [key for key, pursuit in wallet.pursuits.items() if 0 < pursuit.closes < due]:
        left = close(wallet.pursuits[promotion_id], programme.version_at(promotion_id, due), due)
        if left is None:
            del wallet.pursuits[promotion_id]
        else:
            wallet.pursuits[promotion_id] = left


def _timed(key: str, kind: Kind, unit: str, accounts: tuple[str, str], amount: int, due: int) -> Entry:
    at = moment_of(due)
    return Entry(key, kind, unit, *accounts, amount, None, None, None, None, f"time {at.isoformat()}", at)
