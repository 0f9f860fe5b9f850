"""How an event moves a member towards a goal, and how often it is reached."""

from __future__ import annotations

from dataclasses import replace

from schemas.promotions.document import Goal
from services.engine.conditions import Occasion
from services.engine.moments import last_instant, period_of
from services.engine.programme import Compiled
from services.engine.wallet import Pursuit, Tally, Wallet

REWARDS_PER_EVENT_MAX = 100
"""One event completes a goal at most so often; what it would have completed beyond is not carried on."""


def rewards_left(compiled: Compiled, tally: Tally | None, occasion: Occasion) -> int:
    """How many more rewards the promotion's limit allows this member at this moment."""
    limit = compiled.limit
    if limit is None:
        return REWARDS_PER_EVENT_MAX
    if tally is None or tally.period != period_of(occasion.clock(compiled.zone), limit.every):
        return limit.times
    return max(0, limit.times - tally.times)


def opened(compiled: Compiled, tally: Tally | None) -> Pursuit:
    """A pursuit of an open promotion at its start."""
    goal = compiled.goal
    assert goal is not None
    unit, currency, target = measure(goal)
    completed = tally.completed if tally is not None else 0
    return Pursuit(
        compiled.promotion_id, "", unit, currency, target, 0, completed, 0, compiled.campaign_ends, compiled.title
    )


def measure(goal: Goal | None) -> tuple[str, str | None, int]:
    """Unit, currency and target of a goal; without a goal every event that counts is one."""
    if goal is None:
        return "visits", None, 1
    if goal.spend is not None:
        return "money", goal.spend.currency, goal.spend.minor
    return "visits", None, goal.visits or 1


def reached(compiled: Compiled, pursuit: Pursuit, occasion: Occasion, left: int) -> tuple[Pursuit, int]:
    """The pursuit after this event, and how many rewards it brings (at most `left`)."""
    goal = compiled.goal
    if goal is None:
        return replace(pursuit, completed=pursuit.completed + 1), 1
    unit, currency, target = measure(goal)
    gain = occasion.base if goal.spend is not None else 1
    if gain <= 0 or (pursuit.completed and not goal.repeat):
        return pursuit, 0
    same = pursuit.unit == unit and pursuit.currency == currency
    before = pursuit.progress if same else 0
    progress = before + gain
    times = 0
    if progress >= target:
        times = min(progress // target, left, REWARDS_PER_EVENT_MAX)
        progress = (progress - times * target) % target
        if not goal.repeat or not goal.carry_over:
            times, progress = 1, 0 if goal.repeat else target
    closes = _closes(compiled, goal, pursuit, occasion, opening=before == 0 or times > 0, going=0 < progress < target)
    moved = Pursuit(
        pursuit.promotion_id,
        pursuit.offer_id,
        unit,
        currency,
        target,
        progress,
        pursuit.completed + times,
        pursuit.coupons,
        closes,
        compiled.title,
    )
    return moved, times


def _closes(compiled: Compiled, goal: Goal, pursuit: Pursuit, occasion: Occasion, *, opening: bool, going: bool) -> int:
    """The last instant of the window: an offer's own; else one that opens with the first event that counts."""
    if pursuit.offer_id or (going and goal.within is not None and not opening):
        return pursuit.closes
    if goal.within is None or not going:
        return compiled.campaign_ends
    closes = last_instant(occasion.instant, goal.within, compiled.zone)
    return min(closes, compiled.campaign_ends) if compiled.campaign_ends else closes


def tallied(compiled: Compiled, tally: Tally | None, occasion: Occasion, times: int) -> Tally:
    """The tally with so many rewards more."""
    limit = compiled.limit
    period = period_of(occasion.clock(compiled.zone), limit.every) if limit is not None else 0
    if tally is None:
        return Tally(period, times, times, 0)
    so_far = tally.times if tally.period == period else 0
    return Tally(period, so_far + times, tally.completed + times, tally.coupons)


def close(pursuit: Pursuit, compiled: Compiled | None, instant: int) -> Pursuit | None:
    """The pursuit of an open promotion after its window closed: None when the campaign is over with it."""
    ends = compiled.campaign_ends if compiled is not None else pursuit.closes
    if compiled is None or (ends and ends < instant):
        return None
    if compiled.goal is not None and compiled.goal.within is not None:
        return replace(pursuit, progress=0 if pursuit.progress < pursuit.target else pursuit.progress, closes=ends)
    return replace(pursuit, closes=ends)


def with_coupon(wallet: Wallet, compiled: Compiled, offer_id: str) -> int:
    """Count one more coupon of the promotion (or of that offer of it) in a draft; returns its number, from 1."""
    if offer_id:
        pursuit = wallet.offers[offer_id]
        wallet.offers[offer_id] = replace(pursuit, coupons=pursuit.coupons + 1)
        return pursuit.coupons + 1
    tally = wallet.tallies[compiled.promotion_id]
    number = tally.coupons + 1
    wallet.tallies[compiled.promotion_id] = Tally(tally.period, tally.times, tally.completed, number)
    return number
