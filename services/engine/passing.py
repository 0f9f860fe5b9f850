"""What time alone does to a wallet: points wait and expire, coupons expire, tiers and windows end, days come."""

from __future__ import annotations

from schemas.promotions.conditions import Trigger
from services.engine.calendar.days import next_days
from services.engine.calendar.moments import micros, moment_of
from services.engine.decide import decide
from services.engine.goals import close
from services.engine.occasion import Desk, Occasion
from services.engine.programme import Compiled, Programme
from services.engine.rewarding.coupons import FACT_KEPT, coupons_due, end_coupons
from services.engine.rewarding.messages import drop_messages, messages_due
from services.engine.rewarding.points import pass_points, points_due
from services.engine.rewarding.tiers import pass_tiers, tiers_due
from services.engine.wallet import Wallet


def pass_time(wallet: Wallet, until: int, desk: Desk) -> None:
    """Bring a draft to an instant, one due moment after the other, so that two steps are the same as one.

    At one instant: points become usable, then expire; coupons, tiers and windows end; then days that come start
    promotions, for a member as they are after all that.
    """
    programme = desk.programme
    due = next_due(wallet, programme)
    while due and due <= until:
        days = _days(wallet, programme, due)
        wallet.moved_at = due
        terms = programme.terms_at(due)
        pass_points(wallet, due, desk.entries, terms)
        end_coupons(wallet, due, desk.entries)
        pass_tiers(wallet, due, desk.entries, terms)
        _close_windows(wallet, due, programme)
        drop_messages(wallet, due)
        for made in [made for made, forget in wallet.redeemed.items() if forget <= due]:
            del wallet.redeemed[made]
        for offer_id in [offer_id for offer_id, forget in wallet.closed.items() if forget <= due]:
            del wallet.closed[offer_id]
        for trigger, started in days.items():
            _come(wallet, desk, due, trigger, started)
        due = next_due(wallet, programme)


def next_due(wallet: Wallet, programme: Programme) -> int:
    """When time alone will change this wallet next; 0 for never. A scheduler sends it through `advance` then."""
    present = _present(wallet)
    terms = programme.terms_at(present)
    dues = [points_due(wallet), tiers_due(wallet, terms), coupons_due(wallet), messages_due(wallet)]
    dues += [pursuit.closes + 1 for pursuit in wallet.pursuits.values() if pursuit.closes]
    if wallet.offers:
        dues += [offer.closes + 1 for offer in wallet.offers.values() if offer.closes]
    if wallet.redeemed or wallet.closed:
        dues += [*wallet.redeemed.values(), *wallet.closed.values()]
    for compiled in programme.timed:
        dues += [instant for instant, _ in next_days(compiled, wallet, present)]
    return min(filter(None, dues), default=0)


def _present(wallet: Wallet) -> int:
    """The latest instant of which the wallet knows."""
    return max(wallet.moved_at, micros(wallet.newest[0]) if wallet.newest is not None else 0)


def _days(wallet: Wallet, programme: Programme, due: int) -> dict[Trigger, list[Compiled]]:
    """The days that come at this instant, and the promotions that each of them starts."""
    present = _present(wallet)
    found: dict[Trigger, list[Compiled]] = {}
    for compiled in programme.timed:
        for instant, trigger in next_days(compiled, wallet, present):
            if instant == due:
                found.setdefault(trigger, []).append(compiled)
    return found


def _come(wallet: Wallet, desk: Desk, due: int, trigger: Trigger, started: list[Compiled]) -> None:
    at = moment_of(due)
    occasion = Occasion(wallet, desk, trigger, f"time {at.isoformat()}", at, due, None)
    occasion.mark = f"{trigger} {at.isoformat()}"
    decide(occasion, started)


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
