"""Schedules that are never open, windows that add nothing, rewards whose time is over before it begins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from schemas.promotions.conditions import Schedule, Span, Window
from schemas.promotions.consistency.plain import ends_before
from schemas.promotions.document import Promotion
from schemas.promotions.lint.remark import Remark
from schemas.promotions.written import Hours, LocalMoment

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 1440
_YEARS_28 = 10_228
"""Days after which weekdays and days of the month meet again as before."""
Spell = tuple[int, int]
"""Minutes of a day, the end excluded."""


def findings(promotion: Promotion) -> Iterator[Remark]:
    """What never comes, what comes too late, and what is always."""
    schedule = promotion.schedule
    yield from _always(schedule)
    windows = list(_windows(schedule))
    yield from windows
    if not windows:
        yield from _never(schedule)
    for path, reward in _rewards(promotion):
        start = schedule.from_
        for name in ("coupon", "points"):
            part = getattr(reward, name)
            end = getattr(part, "valid_until" if name == "coupon" else "expires_on", None)
            if start is not None and end is not None and ends_before(start, end):
                field = "valid_until" if name == "coupon" else "expires_on"
                message = f"over on {end}, before the promotion starts on {start}"
                yield Remark("never-given", (*path, name, field), message, "write a later day")


def _rewards(promotion: Promotion) -> Iterator[tuple[tuple[str | int, ...], object]]:
    for place, reward in enumerate(promotion.reward):
        yield ("reward", place), reward
    for arm, variant in enumerate(promotion.variants or ()):
        for place, reward in enumerate(variant.reward):
            yield ("variants", arm, "reward", place), reward


def _always(schedule: Schedule) -> Iterator[Remark]:
    if schedule.days is not None and len(set(schedule.days)) == 7:
        yield Remark("always-true", ("schedule", "days"), "every day is one of these", "remove it")
    if schedule.hours == Hours(0, _DAY):
        yield Remark("always-true", ("schedule", "hours"), "the whole day is within these hours", "remove it")


def _windows(schedule: Schedule) -> Iterator[Remark]:
    """Windows that are shut by the days and hours beside them."""
    for place, window in enumerate(schedule.windows or ()):
        days = set(schedule.days or _DAYS) & set(window.days or _DAYS)
        if not days:
            message = "none of its days is one of `schedule.days`"
            yield Remark("never-true", ("schedule", "windows", place, "days"), message, "remove the window")
        elif not _both(_spells(schedule.hours), _spells(window.hours)):
            message = "its hours are outside `schedule.hours`"
            yield Remark("never-true", ("schedule", "windows", place, "hours"), message, "remove the window")


def _never(schedule: Schedule) -> Iterator[Remark]:
    if _opens(schedule):
        return
    fields = ("days", "month_days", "hours", "windows", "blackout")
    said = [name for name in fields if getattr(schedule, name) is not None]
    culprit = next((name for name in said if _opens(schedule.model_copy(update={name: None}))), (said or ["until"])[0])
    span = f" between {schedule.from_} and {schedule.until}" if schedule.from_ and schedule.until else ""
    message = f"the promotion never runs: no moment{span} meets the whole schedule"
    yield Remark("never-true", ("schedule", culprit), message, f"widen `{culprit}`, or remove it")


def _opens(schedule: Schedule) -> bool:
    """Whether there is a minute that meets the whole schedule."""
    first = schedule.from_.day if schedule.from_ is not None else date(2026, 1, 1)
    if schedule.until is not None:
        first = min(first, schedule.until.day)
        length = min((schedule.until.day - first).days + 1, _YEARS_28)
        if schedule.from_ is None:
            return True  # it has no beginning, so there were enough days
    else:
        length = _YEARS_28
    return any(_open_on(schedule, day) for day in _from(first, length))


def _from(first: date, length: int) -> Iterator[date]:
    for number in range(min(length, (date.max - first).days)):
        yield first + timedelta(days=number)


def _open_on(schedule: Schedule, day: date) -> bool:
    if schedule.days is not None and _DAYS[day.weekday()] not in schedule.days:
        return False
    if schedule.month_days is not None and not _on_month_day(day, schedule.month_days):
        return False
    open_ = _both([_inside(day, schedule.from_, schedule.until)], _spells(schedule.hours))
    if schedule.windows is not None:
        weekday = _DAYS[day.weekday()]
        found = [w for w in schedule.windows if w.days is None or weekday in w.days]
        open_ = _both(open_, [spell for window in found for spell in _spells(_hours(window))])
    for span in schedule.blackout or ():
        open_ = _without(open_, _rest(span, day))
    return bool(open_)


def _hours(window: Window) -> Hours | None:
    return window.hours


def _on_month_day(day: date, wanted: tuple[int, ...]) -> bool:
    after = (day.replace(day=28) + timedelta(days=4)).replace(day=1) if day.year < 9999 else date.max
    length = (after - timedelta(days=1)).day
    return day.day in wanted or day.day - length - 1 in wanted


def _inside(day: date, start: LocalMoment | None, end: LocalMoment | None) -> Spell:
    first, last = 0, _DAY
    if start is not None and start.time is not None and start.day == day:
        first = start.time.hour * 60 + start.time.minute
    if end is not None and end.time is not None and end.day == day:
        last = end.time.hour * 60 + end.time.minute + 1
    return first, last


def _rest(span: Span, day: date) -> Spell:
    if not span.from_.day <= day <= span.until.day:
        return 0, 0
    return _inside(day, span.from_, span.until)


def _spells(hours: Hours | None) -> list[Spell]:
    if hours is None:
        return [(0, _DAY)]
    if hours.start < hours.end:
        return [(hours.start, hours.end)]
    return [spell for spell in ((0, hours.end), (hours.start, _DAY)) if spell[0] < spell[1]]


def _both(some: list[Spell], others: list[Spell]) -> list[Spell]:
    met = [(max(a, c), min(b, d)) for a, b in some for c, d in others]
    return [spell for spell in met if spell[0] < spell[1]]


def _without(some: list[Spell], rest: Spell) -> list[Spell]:
    left = [piece for a, b in some for piece in ((a, min(b, rest[0])), (max(a, rest[1]), b))]
    return some if rest[0] >= rest[1] else [spell for spell in left if spell[0] < spell[1]]
