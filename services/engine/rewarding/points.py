"""Points: how many a reward gives, when they can be used and when they are gone, and which of them are spent first.

Points that become usable and expire together are one lot. A lot is never looked at before time was brought up to the
moment at hand (`pass_points`): what has expired by then is no longer among the lots, and can never be spent.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from schemas.promotions.fields import Rounding
from schemas.promotions.programme import Expiry
from schemas.promotions.rewards import PointsReward
from services.engine.calendar.moments import (
    closing,
    first_instant_after,
    last_instant,
    last_of,
    local,
    midnight,
    moment_of,
    opening,
)
from services.engine.calendar.periods import expiry_of
from services.engine.entries import Entry, Kind
from services.engine.occasion import Occasion
from services.engine.rewarding.tiers import add_tier_points, count_towards_tier
from services.engine.wallet import Lot, Wallet

if TYPE_CHECKING:
    from services.engine.programme import Compiled
    from services.engine.rewarding.rewards import Grant
    from services.engine.terms import Terms

BASE = "base"
TIER_CURRENCY = "tier"
"""Points of this currency count towards tiers, wherever those go by tier points."""
_ACTIVE, _PENDING = "member:points_active", "member:points_pending"
_NEVER = 1 << 62
_order: Any = attrgetter("active_from", "expires", "currency", "since")
_ends: Any = attrgetter("active_from", "expires")
_active_from: Any = attrgetter("active_from")


POINTS_MAX = 10**12
"""One reward gives at most so many points: what an absurd document gives beyond would fit in no ledger."""


def counts_in_limits(currency: str) -> bool:
    """Whether limits on points count this currency: all but the one that counts towards tiers."""
    return currency != TIER_CURRENCY


def account(name: str, currency: str) -> str:
    """The member's account of a points currency; the base currency's has the bare name."""
    return name if currency == BASE else f"{name}:{currency}"


def points_of(reward: PointsReward, compiled: Compiled, occasion: Occasion) -> int:
    """How many points the reward gives on this occasion; none where its money is in another currency."""
    return min(_points_of(reward, compiled, occasion), POINTS_MAX)


def _points_of(reward: PointsReward, compiled: Compiled, occasion: Occasion) -> int:
    if reward.times is not None:
        return _times(reward, compiled, occasion)
    if reward.ladder is not None:
        base = occasion.base()
        reached = [
            rung.earn for rung in reward.ladder if rung.from_.currency == occasion.currency and rung.from_.minor <= base
        ]
        return max(reached, default=0)
    points = reward.earn or 0
    if reward.per_piece:
        return points * max(0, occasion.pieces())
    if reward.per is None:
        return points
    if reward.per.currency != occasion.currency:
        return 0
    return points * _divided(max(0, occasion.base()), reward.per.minor, _rounding(reward, occasion))


def _times(reward: PointsReward, compiled: Compiled, occasion: Occasion) -> int:
    """The part that makes the points of other promotions so many times as many, in proportion to what counts.

    Multipliers add up: none multiplies what another added.
    """
    assert reward.times is not None
    others = sum(
        [
            points
            for (promotion_id, currency), points in occasion.earned.items()
            if currency == reward.currency
            and promotion_id not in occasion.multiplied
            and promotion_id != compiled.promotion_id
            and (reward.of is None or promotion_id in reward.of)
        ]
    )
    more, whole = others * (reward.times.hundredths - 100), 100
    if occasion.places is not None:
        more *= max(0, occasion.base())
        whole *= sum(occasion.counted())
    return _divided(more, whole, _rounding(reward, occasion)) if more > 0 and whole > 0 else 0


def _rounding(reward: PointsReward, occasion: Occasion) -> Rounding:
    return reward.rounding or occasion.terms.points(reward.currency).rounding


def _divided(number: int, by: int, rounding: Rounding) -> int:
    if rounding == "down":
        return number // by
    return -(-number // by) if rounding == "up" else (2 * number + by) // (2 * by)


def give_points(grant: Grant, place: str, reward: PointsReward) -> None:
    """Put the points of a reward into the wallet, as many as limits leave; none that would never be usable."""
    occasion, currency = grant.occasion, reward.currency
    points = points_of(reward, grant.compiled, occasion)
    limited = grant.points_left is not None and counts_in_limits(currency)
    if limited:
        points = min(points, grant.points_left or 0)
    if points <= 0:
        return
    lot = _lot(points, reward, grant.compiled, occasion)
    if lot.expires and lot.expires <= (lot.active_from or occasion.instant):
        return
    if limited:
        grant.points_left = (grant.points_left or 0) - points
    wallet = occasion.wallet
    wallet.lots = merged(wallet.lots, lot)
    credit = account(_PENDING if lot.active_from else _ACTIVE, currency)
    key = grant.key("points.earned", place, points, *_told(currency), *(("pending",) if lot.active_from else ()))
    accounts = ("programme:points_granted", credit)
    grant.post(key, "points.earned", f"points:{currency}", accounts, points)
    which = (grant.compiled.promotion_id, currency)
    occasion.earned[which] = occasion.earned.get(which, 0) + points
    if reward.times is not None:
        occasion.multiplied.add(grant.compiled.promotion_id)
    _stir(wallet, currency, occasion.instant, occasion.terms)
    if currency == BASE:
        count_towards_tier(occasion, "points", points)
    elif currency == TIER_CURRENCY:
        add_tier_points(occasion, points)


def _told(currency: str) -> tuple[str, ...]:
    """What a key says of the currency: nothing of the base one."""
    return () if currency == BASE else (currency,)


def _lot(points: int, reward: PointsReward, compiled: Compiled, occasion: Occasion) -> Lot:
    terms = occasion.terms
    own = terms.points(reward.currency)
    usable = _usable(reward, compiled, occasion)
    expires, on = _expiry(usable, reward, own.expires, compiled, occasion)
    since = midnight(occasion.clock(terms.zone).date(), terms.zone) if own.spend == "oldest" else 0
    return Lot(points, usable, expires, on, reward.currency, since)


def _usable(reward: PointsReward, compiled: Compiled, occasion: Occasion) -> int:
    """When the points become usable, 0 for at once. What waits for returns is usable when no goods can come back."""
    instant, terms = occasion.instant, occasion.terms
    if reward.pending_for is not None:
        return first_instant_after(instant, reward.pending_for, compiled.zone)
    if reward.pending_until is not None:
        opens = opening(reward.pending_until, compiled.zone)
        return opens if opens > instant else 0
    if reward.pending_returns and terms.document.returns.period is not None:
        return last_instant(instant, terms.document.returns.period, terms.zone) + 1
    waits = terms.points(reward.currency).pending_for
    return first_instant_after(instant, waits, terms.zone) if waits is not None else 0


def _expiry(
    usable: int, reward: PointsReward, expiry: Expiry, compiled: Compiled, occasion: Occasion
) -> tuple[int, str]:
    """The first instant at which the points are gone and the last day they can be used, (0, "") for never.

    `expiry` is the currency's: it holds where the reward says nothing.
    """
    if reward.expires_on is not None:
        last = closing(reward.expires_on, compiled.zone)
        return last + 1, reward.expires_on.day.isoformat()
    after, zone = reward.expires_after, compiled.zone
    if after is None:
        after, zone = expiry.after, occasion.terms.zone
        if after is None and expiry.end_of is None:
            return 0, ""
    if after is not None and after.unit == "h":
        last = last_instant(usable or occasion.instant, after, zone)
        return last + 1, local(last, zone).date().isoformat()
    day = local(usable, zone).date() if usable else occasion.clock(zone).date()
    if after is not None:
        last, on = last_of(day, after, zone)
    else:
        assert expiry.end_of is not None
        last, on = expiry_of(day, expiry.end_of, expiry.plus, zone)
    return last + 1, on


def merged(lots: tuple[Lot, ...], lot: Lot) -> tuple[Lot, ...]:
    """The lots with one more: those that become usable and expire together are one; sorted, so that equal is equal."""
    place = bisect_left(lots, _order(lot), key=_order)
    if place < len(lots) and _order(lots[place]) == _order(lot):
        grown = _of(lot, lots[place].points + lot.points)
        return (*lots[:place], grown, *lots[place + 1 :])
    return (*lots[:place], lot, *lots[place:])


def _of(lot: Lot, points: int) -> Lot:
    return Lot(points, lot.active_from, lot.expires, lot.on, lot.currency, lot.since)


def spend_points(wallet: Wallet, currency: str, points: int, terms: Terms) -> list[Lot]:
    """Take points out of the usable lots, in the currency's order; what was taken, lot by lot.

    Earliest expiry first, those that never expire last; or the oldest first. Whoever calls has checked the balance.
    """
    usable = [lot for lot in wallet.lots if not lot.active_from and lot.currency == currency]
    if terms.points(currency).spend == "oldest":
        usable.sort(key=lambda lot: (lot.since, lot.expires or _NEVER))
    else:
        usable.sort(key=lambda lot: (lot.expires or _NEVER, lot.since))
    taken: list[Lot] = []
    left: dict[int, int] = {}
    for lot in usable:
        if points <= 0:
            break
        part = min(points, lot.points)
        points -= part
        taken.append(_of(lot, part))
        left[id(lot)] = lot.points - part
    wallet.lots = tuple(
        [lot if id(lot) not in left else _of(lot, left[id(lot)]) for lot in wallet.lots if left.get(id(lot), 1)]
    )
    return taken


def pay(grant: Grant, currency: str, points: int) -> list[Lot]:
    """The member pays points for what the grant gives; what was taken, lot by lot."""
    occasion = grant.occasion
    taken = spend_points(occasion.wallet, currency, points, occasion.terms)
    accounts = (account(_ACTIVE, currency), "programme:points_spent")
    key = grant.key("points.spent", points, *_told(currency))
    grant.post(key, "points.spent", f"points:{currency}", accounts, points)
    _stir(occasion.wallet, currency, occasion.instant, occasion.terms)
    return taken


def _stir(wallet: Wallet, currency: str, instant: int, terms: Terms) -> None:
    """Earning, spending and becoming usable put off the end of points that expire with inactivity.

    What is remembered is when all usable points will be gone if nothing more happens: nothing where there are none.
    """
    length = terms.points(currency).expires.inactive_for
    if length is not None and wallet.points_usable(currency):
        wallet.stirred[currency] = last_instant(instant, length, terms.zone) + 1
    elif wallet.stirred:
        wallet.stirred.pop(currency, None)


def points_due(wallet: Wallet) -> int:
    """When time alone next changes the points: some become usable, or expire; 0 for never."""
    lots = wallet.lots
    due = min(wallet.stirred.values(), default=_NEVER) if wallet.stirred else _NEVER
    if lots:
        # Sorted: usable lots that never expire, usable lots by expiry, then the others by when they become usable.
        place = bisect_left(lots, (0, 1), key=_ends)
        if place < len(lots):
            lot = lots[place]
            due = min(due, lot.active_from or lot.expires)
            if not lot.active_from and lots[-1].active_from:
                due = min(due, lots[bisect_left(lots, 1, key=_active_from)].active_from)
    return due if due != _NEVER else 0


def pass_points(wallet: Wallet, due: int, entries: list[Entry], terms: Terms) -> None:
    """What is due at this instant: points become usable, then points expire, then those nobody touched are gone."""
    next_due = points_due(wallet)
    if not next_due or next_due > due:
        return
    _activate(wallet, due, entries, terms)
    _expire(wallet, due, entries)
    for currency in sorted([currency for currency, end in wallet.stirred.items() if end <= due]):
        del wallet.stirred[currency]
        _lapse(wallet, currency, due, entries)


def _activate(wallet: Wallet, due: int, entries: list[Entry], terms: Terms) -> None:
    ready = [lot for lot in wallet.lots if 0 < lot.active_from <= due]
    if not ready:
        return
    lots = tuple([lot for lot in wallet.lots if not 0 < lot.active_from <= due])
    for lot in ready:
        lots = merged(lots, Lot(lot.points, 0, lot.expires, lot.on, lot.currency, lot.since))
        key = f"points.activated {lot.active_from} {lot.expires} {lot.points}{_rest(lot)}"
        accounts = (account(_PENDING, lot.currency), account(_ACTIVE, lot.currency))
        entries.append(_timed(key, "points.activated", lot.currency, accounts, lot.points, due))
    wallet.lots = lots
    for currency in {lot.currency for lot in ready}:
        _stir(wallet, currency, due, terms)


def _expire(wallet: Wallet, due: int, entries: list[Entry]) -> None:
    gone = [lot for lot in wallet.lots if not lot.active_from and 0 < lot.expires <= due]
    if not gone:
        return
    wallet.lots = tuple([lot for lot in wallet.lots if lot.active_from or not 0 < lot.expires <= due])
    for lot in gone:
        key = f"points.expired {lot.expires} {lot.points}{_rest(lot)}"
        entries.append(_timed(key, "points.expired", lot.currency, _gone(lot.currency), lot.points, due))
    for currency in {lot.currency for lot in gone} & wallet.stirred.keys():
        if not wallet.points_usable(currency):
            del wallet.stirred[currency]


def _lapse(wallet: Wallet, currency: str, due: int, entries: list[Entry]) -> None:
    """All usable points of a currency are gone, because nothing was earned or spent for so long."""
    points = wallet.points_usable(currency)
    wallet.lots = tuple([lot for lot in wallet.lots if lot.active_from or lot.currency != currency])
    key = " ".join(["points.expired inactive", str(due), str(points), *_told(currency)])
    entries.append(_timed(key, "points.expired", currency, _gone(currency), points, due))


def _gone(currency: str) -> tuple[str, str]:
    return account(_ACTIVE, currency), "programme:points_expired"


def _rest(lot: Lot) -> str:
    """What else tells the key of a lot from others of that instant; nothing in the base currency's plain order."""
    told = _told(lot.currency) + ((f"since {lot.since}",) if lot.since else ())
    return "".join([f" {each}" for each in told])


def _timed(key: str, kind: Kind, currency: str, accounts: tuple[str, str], points: int, due: int) -> Entry:
    at, unit = moment_of(due), f"points:{currency}"
    return Entry(key, kind, unit, *accounts, points, None, None, None, None, f"time {at.isoformat()}", at)


def leftovers(wallet: Wallet) -> Iterator[tuple[str, str, int]]:
    """What the member holds of each points currency: (currency, how its account's name ends, points)."""
    for currency in sorted({lot.currency for lot in wallet.lots}):
        usable = wallet.points_usable(currency)
        pending = sum([lot.points for lot in wallet.lots if lot.currency == currency]) - usable
        if usable:
            yield currency, account("active", currency), usable
        if pending:
            yield currency, account("pending", currency), pending
