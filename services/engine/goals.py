"""How an event moves a member towards a goal, how often it is reached, and what its window does.

A pursuit's `marks` remember what the progress alone cannot, under the name of the kind of goal:
("names", name, …) of different things; ("rolling", (instant, gain or name), …); ("row", periods running, progress in
this one, names, its number); for several measures ("all" or "any" or "steps",
(progress, target, unit, currency, names), …).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from schemas.promotions.goals import Goal
from services.engine.calendar.moments import last_instant, local
from services.engine.calendar.periods import last_of_period, period_of
from services.engine.meters import PARTS, has_parts
from services.engine.occasion import Occasion
from services.engine.programme import Compiled
from services.engine.wallet import Pursuit, Tally

REWARDS_PER_EVENT_MAX = 100
"""One event completes a goal at most so often; what it would have completed beyond is not carried on."""
Gain = int | frozenset[str]
Gains = Mapping[int, Gain]
"""Which parts of the goal the event moves (0 for a goal of one measure), and how far."""


@dataclass(slots=True)
class _Moved:
    """Where an event brought a goal."""

    progress: int
    times: int
    marks: tuple[Any, ...] = ()
    closes: int | None = None
    """The end of the window, where the kind of goal knows better than the rest."""


def opened(compiled: Compiled, tally: Tally | None) -> Pursuit:
    """A pursuit of an open promotion at its start."""
    completed = tally.completed if tally is not None else 0
    return Pursuit(
        compiled.promotion_id,
        "",
        compiled.unit,
        compiled.currency,
        compiled.target,
        0,
        completed,
        0,
        compiled.campaign_ends,
        compiled.title,
    )


def finished(goal: Goal | None, pursuit: Pursuit) -> bool:
    """Whether the goal was reached and is not to be reached again (in this period, where it renews)."""
    if goal is None or goal.repeat:
        return False
    if goal.every is not None and goal.in_a_row is None:
        return goal.every != "order" and pursuit.progress >= pursuit.target
    return pursuit.completed > 0


def reached(compiled: Compiled, held: Pursuit, occasion: Occasion, gains: Gains, left: int) -> tuple[Pursuit, int]:
    """The pursuit after this event, and how many rewards it brings (at most `left`, which is at least one).

    The very pursuit given is the answer where the event does not count: the goal was reached before, or the event is
    for a part of it that is met already or not yet to come.
    """
    goal, pursuit = compiled.goal, held
    if goal is None:
        return replace(pursuit, completed=pursuit.completed + 1), 1
    if finished(goal, pursuit) or not any(gains.values()):
        return pursuit, 0
    if (pursuit.unit, pursuit.currency) != (compiled.unit, compiled.currency) or goal.every == "order":
        pursuit = replace(pursuit, progress=0, marks=())
    if has_parts(goal) and gains.keys().isdisjoint(_turns(goal, _part_marks(compiled, goal, pursuit))):
        return held, 0
    if goal.repeat and pursuit.completed and pursuit.progress >= pursuit.target:
        pursuit = replace(pursuit, progress=0, marks=())  # an earlier version was content with once
    left = min(left, REWARDS_PER_EVENT_MAX)
    moved = _move(compiled, goal, pursuit, occasion, gains, left)
    closes = _closes(compiled, goal, pursuit, occasion, moved)
    after = Pursuit(
        pursuit.promotion_id,
        pursuit.offer_id,
        compiled.unit,
        compiled.currency,
        compiled.target,
        moved.progress,
        pursuit.completed + moved.times,
        pursuit.coupons,
        closes,
        compiled.title,
        moved.marks,
    )
    return after, moved.times


def _move(compiled: Compiled, goal: Goal, pursuit: Pursuit, occasion: Occasion, gains: Gains, left: int) -> _Moved:
    if has_parts(goal):
        return _parts(compiled, goal, pursuit, gains)
    if goal.in_a_row is not None:
        return _row(compiled, goal, pursuit, occasion, gains[0])
    if goal.rolling:
        return _rolling(compiled, goal, pursuit, occasion, gains[0], left)
    gain = gains[0]
    if isinstance(gain, int):
        progress, times = _cross(goal, pursuit.progress + gain, compiled.target, left)
        return _Moved(progress, times)
    names = sorted({*_marks(pursuit, "names"), *gain})
    if len(names) < compiled.target:
        return _Moved(len(names), 0, ("names", *names))
    return _Moved(0, 1) if goal.repeat else _Moved(compiled.target, 1, ("names", *names))


def _cross(goal: Goal, progress: int, target: int, left: int) -> tuple[int, int]:
    """What is left of a progress, and how often it reached the target."""
    if progress < target:
        return progress, 0
    if not goal.repeat:
        return target, 1
    if not goal.carry_over:
        return 0, 1
    times = min(progress // target, left)
    return (progress - times * target) % target, times


def _rolling(compiled: Compiled, goal: Goal, pursuit: Pursuit, occasion: Occasion, gain: Gain, left: int) -> _Moved:
    kept = _fresh(_marks(pursuit, "rolling"), compiled, goal, occasion.instant)
    if isinstance(gain, int):
        marks = (*kept, (occasion.instant, gain))
    else:
        marks = (*[mark for mark in kept if mark[1] not in gain], *[(occasion.instant, name) for name in sorted(gain)])
    progress, times = _cross(goal, _sum(marks), compiled.target, left)
    if times:
        marks = ((occasion.instant, progress),) if isinstance(gain, int) and goal.repeat and progress else ()
        progress = progress if isinstance(gain, int) or not goal.repeat else 0
    return _Moved(progress, times, ("rolling", *marks), _rolls(compiled, goal, marks))


def _fresh(marks: tuple[Any, ...], compiled: Compiled, goal: Goal, instant: int) -> list[Any]:
    assert goal.within is not None
    return [mark for mark in marks if last_instant(mark[0], goal.within, compiled.zone) >= instant]


def _sum(marks: tuple[Any, ...]) -> int:
    return sum([mark[1] if isinstance(mark[1], int) else 1 for mark in marks])


def _rolls(compiled: Compiled, goal: Goal, marks: tuple[Any, ...]) -> int:
    """The last instant at which the oldest mark counts."""
    if not marks:
        return compiled.campaign_ends
    assert goal.within is not None
    oldest = last_instant(min([mark[0] for mark in marks]), goal.within, compiled.zone)
    return _earlier(oldest, compiled.campaign_ends)


def _row(compiled: Compiled, goal: Goal, pursuit: Pursuit, occasion: Occasion, gain: Gain) -> _Moved:
    """So many periods running, in each of which the measure is reached."""
    assert goal.every is not None
    clock = occasion.clock(compiled.zone)
    run, inner, names = _run_in(compiled, pursuit, period_of(clock, goal.every))
    need = compiled.meters[0].target
    if isinstance(gain, int):
        after = inner + gain
    else:
        names = tuple(sorted({*names, *gain}))
        after = len(names)
    if inner < need <= after:
        run += 1
    times = 1 if run >= compiled.target else 0
    if times:
        run = 0 if goal.repeat else compiled.target
    closes = compiled.campaign_ends
    if goal.repeat or not times:
        closes = _earlier(last_of_period(clock.date(), goal.every, compiled.zone), closes)
    return _Moved(run, times, ("row", run, after, names, period_of(clock, goal.every)), closes)


def _run_in(compiled: Compiled, pursuit: Pursuit, period: int) -> tuple[int, int, tuple[str, ...]]:
    """Periods running, progress and names as they stand in a period: a period missed breaks the run."""
    marks = _marks(pursuit, "row")
    if not marks:
        return 0, 0, ()
    run, inner, names, last = marks
    if last == period:
        return run, inner, names
    return (run if inner >= compiled.meters[0].target else 0), 0, ()


def _parts(compiled: Compiled, goal: Goal, pursuit: Pursuit, gains: Gains) -> _Moved:
    """Several measures: all, any, or one after the other."""
    marks = _part_marks(compiled, goal, pursuit)
    for number in _turns(goal, marks):
        gain = gains.get(number)
        if gain is None:
            continue
        progress, target, unit, currency, names = marks[number]
        if isinstance(gain, int):
            progress += gain
        else:
            names = tuple(sorted({*names, *gain}))
            progress = len(names)
        marks[number] = (min(progress, target), target, unit, currency, names)
    met = sum([mark[0] >= mark[1] for mark in marks])
    if met < compiled.target:
        return _Moved(met, 0, (_word(goal), *marks))
    return _Moved(0, 1) if goal.repeat else _Moved(compiled.target, 1, (_word(goal), *marks))


def _word(goal: Goal) -> str:
    return next(each for each in PARTS if getattr(goal, each) is not None)


def _part_marks(compiled: Compiled, goal: Goal, pursuit: Pursuit) -> list[Any]:
    """How far each part is; all at their start where an earlier version had others."""
    marks = list(_marks(pursuit, _word(goal)))
    shape = [(meter.target, meter.unit, meter.currency) for meter in compiled.meters]
    return marks if [(mark[1], mark[2], mark[3]) for mark in marks] == shape else [(0, *each, ()) for each in shape]


def _turns(goal: Goal, marks: Sequence[Any]) -> list[int]:
    """The parts that an event may move now: those not met yet; of steps the first of them."""
    turns = [number for number, mark in enumerate(marks) if mark[0] < mark[1]]
    return turns[:1] if goal.steps is not None else turns


def _marks(pursuit: Pursuit, kind: str) -> tuple[Any, ...]:
    """What the pursuit remembers for this kind of goal; nothing where an earlier version was of another kind."""
    marks = pursuit.marks
    return marks[1:] if marks and marks[0] == kind else ()


def _begun(pursuit: Pursuit) -> bool:
    return pursuit.progress > 0 or any(mark[0] > 0 for word in PARTS for mark in _marks(pursuit, word))


def _closes(compiled: Compiled, goal: Goal, pursuit: Pursuit, occasion: Occasion, moved: _Moved) -> int:
    """The last instant of the window: an offer's own; of the calendar; or one that opens with the first event."""
    if pursuit.offer_id:
        return pursuit.closes
    if moved.closes is not None:
        return moved.closes
    ends = compiled.campaign_ends
    if goal.every is not None and goal.every not in ("order", "campaign"):
        if not moved.progress and not moved.marks:
            return ends
        return _earlier(last_of_period(occasion.clock(compiled.zone).date(), goal.every, compiled.zone), ends)
    going = 0 < moved.progress < compiled.target or (bool(moved.marks) and not moved.times)
    if goal.within is None or not going:
        return ends
    if _begun(pursuit) and not moved.times:
        return pursuit.closes
    return _earlier(last_instant(occasion.instant, goal.within, compiled.zone), ends)


def _earlier(closes: int, ends: int) -> int:
    return min(closes, ends) if ends else closes


def close(pursuit: Pursuit, compiled: Compiled | None, instant: int) -> Pursuit | None:
    """The pursuit of an open promotion after its window closed: None when the campaign is over with it."""
    ends = compiled.campaign_ends if compiled is not None else pursuit.closes
    if compiled is None or (ends and ends < instant):
        return None
    goal = compiled.goal
    if goal is None:
        return replace(pursuit, closes=ends)
    if goal.in_a_row is not None and goal.every is not None:
        return _close_row(compiled, goal, pursuit, instant)
    if goal.rolling and goal.within is not None:
        marks = tuple(_fresh(_marks(pursuit, "rolling"), compiled, goal, instant))
        kept = pursuit.progress if finished(goal, pursuit) else _sum(marks)
        return replace(pursuit, progress=kept, marks=("rolling", *marks), closes=_rolls(compiled, goal, marks))
    if goal.every is not None:
        return replace(pursuit, progress=0, marks=(), closes=ends)
    if goal.within is not None and pursuit.progress < pursuit.target:
        return replace(pursuit, progress=0, marks=(), closes=ends)
    return replace(pursuit, closes=ends)


def _close_row(compiled: Compiled, goal: Goal, pursuit: Pursuit, instant: int) -> Pursuit:
    if finished(goal, pursuit):
        return replace(pursuit, closes=compiled.campaign_ends)
    assert goal.every is not None
    clock = local(instant, compiled.zone)
    period = period_of(clock, goal.every)
    run, _, _ = _run_in(compiled, pursuit, period)
    following = last_of_period(clock.date(), goal.every, compiled.zone)
    closes = _earlier(following, compiled.campaign_ends) if run else compiled.campaign_ends
    return replace(pursuit, progress=run, marks=("row", run, 0, (), period), closes=closes)
