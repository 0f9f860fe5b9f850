"""Tiers: up at once, down only when a tier's time is over, never below one that was given by hand.

A member's standing is a tier and the last instant it is sure. It may come from what was earned, from a promotion that
gave it, or from a name an event carries; the highest counts. What counts towards tiers is kept as marks in the wallet:
(calendar year, sum) for the last year and this one, (instant at which it stops counting, sum) for a rolling period, (0,
sum) for ever; and, while a tier given for a time is held, a mark below zero that remembers the standing before it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import date, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

from schemas.promotions.programme import Tiers
from schemas.promotions.rewards import TierReward
from services.engine.calendar.moments import last_instant, local, micros, midnight, moment_of
from services.engine.calendar.periods import last_of_period
from services.engine.entries import TIER, Entry
from services.engine.occasion import Occasion
from services.engine.wallet import Wallet

if TYPE_CHECKING:
    from services.engine.rewarding.rewards import Grant
    from services.engine.terms import Terms

_NO_TIER, _UNKNOWN = -2, -1
"""Ranks below the programme's levels: no tier; a tier the programme does not know."""
_ENDLESS = 1 << 62
_Marks = tuple[tuple[int, int], ...]
_key: Callable[[tuple[int, int]], int] = itemgetter(0)
_amount: Callable[[tuple[int, int]], int] = itemgetter(1)


class _Standing(NamedTuple):
    """A tier (`rank` by the programme's levels) and the last instant it is sure; 0: no end."""

    rank: int
    tier: str | None
    until: int

    @property
    def height(self) -> tuple[int, int]:
        """The higher, then the longer."""
        return self.rank, self.until or _ENDLESS


_NOTHING = _Standing(_NO_TIER, None, 0)
_Post = Callable[[str | None, str | None], None]


def add_tier_points(occasion: Occasion, amount: int) -> None:
    """Tier points were given."""
    count_towards_tier(occasion, "tier_points", amount)


def count_towards_tier(occasion: Occasion, basis: Literal["tier_points", "points", "spend"], amount: int) -> None:
    """So much of one kind came in: it counts if the programme's tiers go by it, and raises the member at once.

    Spending in another currency than the programme's does not count.
    """
    terms = occasion.terms
    tiers = terms.document.tiers
    if tiers is None or tiers.basis != basis or amount <= 0:
        return
    if basis == "spend" and occasion.currency != terms.currency:
        return
    wallet = occasion.wallet
    before = _standing_before(wallet)
    wallet.tier_marks = (*before, *_counted(wallet.tier_marks, tiers, occasion.instant, amount, terms))
    _rise(occasion, tiers)


def enter_tiers(occasion: Occasion) -> None:
    """Who registers has the level that takes nothing, where the programme has one."""
    tiers = occasion.terms.document.tiers
    if tiers is not None:
        _rise(occasion, tiers)


def give_tier(grant: Grant, reward: TierReward) -> None:
    """A promotion gives a tier: at once, if the member has no higher one; the same one at most lasts longer."""
    occasion, wallet = grant.occasion, grant.occasion.wallet
    instant, terms = occasion.instant, occasion.terms
    tiers = terms.document.tiers
    if reward.for_ is not None:
        until = last_instant(instant, reward.for_, grant.compiled.zone)
    else:
        until = _valid_until(tiers, instant, terms)
    given = _Standing(_rank(tiers, reward.tier), reward.tier, until)
    present = _present(wallet, tiers)
    if given.rank < present.rank or (given.rank == present.rank and given.tier != present.tier):
        return
    if given.rank == present.rank:
        if present.until:
            wallet.tier_until = max(present.until, given.until) if given.until else 0
        return

    def post(old: str | None, new: str | None) -> None:
        grant.post(grant.key("tier.changed", old, new), "tier.changed", TIER, _accounts(old, new), 1)

    _become(occasion, given, post)
    if reward.for_ is not None and present.tier is not None:
        wallet.tier_marks = ((_code(tiers, present), present.until), *wallet.tier_marks)
    elif reward.for_ is not None:
        wallet.tier_marks = ((-1, 0), *wallet.tier_marks)


def set_by_hand(occasion: Occasion, tier: str | None) -> None:
    """An event names the member's tier: they do not fall below it from then on. None: only what they earned is left.

    In a programme without levels it is the member's tier, whatever it was before, without an end.
    """
    wallet, terms = occasion.wallet, occasion.terms
    tiers = terms.document.tiers
    wallet.tier_floor = tier
    found = [_floor(wallet, tiers)]
    present = _present(wallet, tiers)
    if tiers is not None:
        found.append(_earned(wallet, tiers, occasion.instant, occasion.instant, terms))
        if present.until:
            found.append(present)
    standing = max(found, key=_height)
    if standing != present:
        _become(occasion, standing, _poster(occasion))


def tiers_due(wallet: Wallet, terms: Terms) -> int:
    """When the member's tier is looked at again: when its time is over, and the grace; 0 for never."""
    until = wallet.tier_until
    if not until:
        return 0
    tiers = terms.document.tiers
    if tiers is not None and tiers.grace is not None and not _standing_before(wallet):
        until = last_instant(until, tiers.grace, terms.zone)
    # Terms with a shorter grace must not take the wallet back to a time when others held.
    newest = micros(wallet.newest[0]) if wallet.newest is not None else 0
    return max(until + 1, wallet.moved_at, newest)


def pass_tiers(wallet: Wallet, due: int, entries: list[Entry], terms: Terms) -> None:
    """At the end of a tier's time: the member stays, or falls, on what counts at that moment."""
    next_due = tiers_due(wallet, terms)
    if not next_due or next_due > due:
        return
    tiers = terms.document.tiers
    present, over = _present(wallet, tiers), wallet.tier_until
    found = [_floor(wallet, tiers)]
    before = _standing_before(wallet)
    if tiers is not None:
        found.append(_earned(wallet, tiers, over, due, terms))
        if before:
            found.append(_restored(before[0], tiers, due))
        elif tiers.downgrade == "one_level" and present.rank > 0:
            level = present.rank - 1
            found.append(_level(tiers, level, _valid_until(tiers, over, terms)))
    standing = max([each for each in found if each.rank <= present.rank] or [_NOTHING], key=_height)
    if before:
        wallet.tier_marks = wallet.tier_marks[1:]
    # Only at the end of the calendar does a validity no longer grow.
    wallet.tier_until = standing.until if standing.until > over else 0
    if standing.tier == present.tier:
        return
    wallet.tier, wallet.tier_since = standing.tier, due if standing.tier is not None else 0
    at = moment_of(due)
    cause = f"time {at.isoformat()}"
    key = f"tier.changed {cause} {present.tier} {standing.tier}"
    debit, credit = _accounts(present.tier, standing.tier)
    entries.append(Entry(key, "tier.changed", TIER, debit, credit, 1, None, None, None, None, cause, at))


def _rise(occasion: Occasion, tiers: Tiers) -> None:
    """The level that was earned by now is the member's, if it is higher; the same level lasts longer."""
    wallet = occasion.wallet
    earned = _earned(wallet, tiers, occasion.instant, occasion.instant, occasion.terms)
    if earned.tier is None:
        return
    present = _present(wallet, tiers)
    before = _standing_before(wallet)
    if earned.rank > present.rank:
        _become(occasion, earned, _poster(occasion))
    elif earned.rank == present.rank:
        if before:
            wallet.tier_marks = wallet.tier_marks[1:]
        if wallet.tier_until:
            wallet.tier_until = max(wallet.tier_until, earned.until) if earned.until else 0
    elif before:
        under = _restored(before[0], tiers, occasion.instant)
        if earned.height > under.height:
            wallet.tier_marks = ((_code(tiers, earned), earned.until), *wallet.tier_marks[1:])


def _become(occasion: Occasion, standing: _Standing, post: _Post) -> None:
    """The member has this standing from now on; a rise is something promotions may wait for."""
    wallet, tiers = occasion.wallet, occasion.terms.document.tiers
    old, was = wallet.tier, _rank(tiers, wallet.tier)
    if _standing_before(wallet):
        wallet.tier_marks = wallet.tier_marks[1:]
    wallet.tier_until = standing.until
    if standing.tier == old:
        return
    wallet.tier = standing.tier
    wallet.tier_since = occasion.instant if standing.tier is not None else 0
    post(old, standing.tier)
    # Without levels nobody knows what is up: whatever tier comes is one that was reached.
    if standing.tier is not None and (standing.rank > was or tiers is None):
        occasion.raised.append(("tier.reached", standing.tier))


def _poster(occasion: Occasion) -> _Post:
    def post(old: str | None, new: str | None) -> None:
        key = f"tier.changed {occasion.cause} {old} {new}"
        debit, credit = _accounts(old, new)
        cause, at = occasion.cause, occasion.occurred_at
        occasion.entries.append(Entry(key, "tier.changed", TIER, debit, credit, 1, None, None, None, None, cause, at))

    return post


def _accounts(old: str | None, new: str | None) -> tuple[str, str]:
    return f"tier:{old or 'none'}", f"tier:{new or 'none'}"


def _rank(tiers: Tiers | None, tier: str | None) -> int:
    if tier is None:
        return _NO_TIER
    if tiers is not None:
        for rank, level in enumerate(tiers.levels):
            if level.tier == tier:
                return rank
    return _UNKNOWN


def _present(wallet: Wallet, tiers: Tiers | None) -> _Standing:
    return _Standing(_rank(tiers, wallet.tier), wallet.tier, wallet.tier_until)


def _floor(wallet: Wallet, tiers: Tiers | None) -> _Standing:
    return _Standing(_rank(tiers, wallet.tier_floor), wallet.tier_floor, 0)


def _height(standing: _Standing) -> tuple[int, int]:
    return standing.height


def _level(tiers: Tiers, rank: int, until: int) -> _Standing:
    """The standing at a level; one that takes nothing has no end."""
    level = tiers.levels[rank]
    return _Standing(rank, level.tier, until if level.from_ else 0)


def _earned(wallet: Wallet, tiers: Tiers, start: int, instant: int, terms: Terms) -> _Standing:
    """The highest level that what counts at an instant reaches, valid from `start`.

    By calendar years, the year of `start` counts as well: what was earned until the end of the year that is over.
    """
    if tiers.period == "year":
        years = {_year(start, terms), _year(instant, terms)}
        reached = max([amount for year, amount in wallet.tier_marks if year in years], default=0)
    elif tiers.period == "ever":
        reached = sum([amount for period, amount in wallet.tier_marks if period == 0])
    else:
        reached = sum(map(_amount, wallet.tier_marks[bisect_right(wallet.tier_marks, instant, key=_key) :]))
    rank = _reached(tiers, reached)
    return _NOTHING if rank < 0 else _level(tiers, rank, _valid_until(tiers, start, terms))


def _reached(tiers: Tiers, amount: int) -> int:
    """The rank of the highest level that takes no more than this."""
    return max([rank for rank, level in enumerate(tiers.levels) if level.from_ <= amount], default=_UNKNOWN)


def _valid_until(tiers: Tiers | None, start: int, terms: Terms) -> int:
    """The last instant of a tier earned at `start`; without levels, none."""
    if tiers is None:
        return 0
    if tiers.valid_for == "next_year_end":
        return last_of_period(date(_year(start, terms) + 1, 1, 1), "year", terms.zone)
    return last_instant(start, tiers.valid_for, terms.zone)


def _year(instant: int, terms: Terms) -> int:
    return local(instant, terms.zone).year


def _counted(marks: _Marks, tiers: Tiers, instant: int, amount: int, terms: Terms) -> _Marks:
    """The marks, in their order, with so much more and without those that will never count again."""
    if tiers.period == "year":
        key = _year(instant, terms)
        first = key - 1
    elif tiers.period == "ever":
        key = first = 0
    else:
        # Whole days: however many orders, the marks of a rolling year are at most 366.
        day = local(last_instant(instant, tiers.period, terms.zone), terms.zone).date()
        key, first = midnight(day + timedelta(days=1), terms.zone), instant + 1
    place = bisect_left(marks, key, key=_key)
    kept = marks[bisect_left(marks, first, key=_key) : place]
    if place < len(marks) and marks[place][0] == key:
        amount += marks[place][1]
        place += 1
    # Later marks: of a rolling period that was longer; those of another kind of period are of no use any more.
    return (*kept, (key, amount), *(marks[place:] if first == instant + 1 else ()))


def _standing_before(wallet: Wallet) -> _Marks:
    """The mark of the standing before a tier that was given for a time, if one was."""
    return wallet.tier_marks[:1] if wallet.tier_marks and wallet.tier_marks[0][0] < 0 else ()


def _code(tiers: Tiers | None, standing: _Standing) -> int:
    """A standing as the key of its mark: by what its level takes, which outlives changes of the levels."""
    return -2 - tiers.levels[standing.rank].from_ if tiers is not None and standing.rank >= 0 else -1


def _restored(mark: tuple[int, int], tiers: Tiers, instant: int) -> _Standing:
    """The standing of such a mark, if it is still valid."""
    code, until = mark
    if code == -1 or (until and until < instant):
        return _NOTHING
    rank = _reached(tiers, -2 - code)
    return _NOTHING if rank < 0 else _Standing(rank, tiers.levels[rank].tier, until)
