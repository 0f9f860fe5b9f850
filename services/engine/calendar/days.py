"""Days that come by themselves: birthdays, anniversaries, and the day on which an absence has grown long."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, time, timedelta

from schemas.promotions.conditions import Trigger
from schemas.promotions.written import Duration, Hours, LocalMoment
from services.engine.calendar.moments import HOUR, LAST_DAY, first_instant_after, local, midnight, opening
from services.engine.matching.conditions import DAYS
from services.engine.programme import Compiled
from services.engine.wallet import AttributeValue, Wallet

_DATE = re.compile(r"(?:(\d{4})-)?(\d{2})-(\d{2})(?:T.*)?")


def next_days(compiled: Compiled, wallet: Wallet, present: int) -> Iterator[tuple[int, Trigger]]:
    """After this instant, the next day of each kind that starts the promotion while it is in force and runs."""
    after = max(present, compiled.starts - 1, compiled.campaign_starts - 1)
    for trigger in ("birthday", "anniversary", "inactivity"):
        if trigger not in compiled.triggers:
            continue
        instant = _NEXT[trigger](compiled, wallet, after)
        if instant and compiled.in_force(instant) and not 0 < compiled.campaign_ends < instant:
            yield instant, trigger


def _birthday(compiled: Compiled, wallet: Wallet, after: int) -> int:
    day = _day_of(wallet.attributes.get("birthday"))
    month = wallet.attributes.get("birth_month")
    if day is None and month is not None and str(month).isdecimal() and 1 <= int(month) <= 12:
        day = (0, int(month), 1)
    return _next_year_day(day, compiled, after) if day is not None else 0


def _anniversary(compiled: Compiled, wallet: Wallet, after: int) -> int:
    of = compiled.promotion.when.anniversary_of
    if of != "registered":
        day = _day_of(wallet.attributes.get(of))
    elif wallet.registered:
        began = local(wallet.registered, compiled.zone)
        day = (began.year, began.month, began.day)
    else:
        day = None
    return _next_year_day(day, compiled, after) if day is not None else 0


def _inactivity(compiled: Compiled, wallet: Wallet, after: int) -> int:
    when = compiled.promotion.when
    since = wallet.last_order or (wallet.registered if when.never_ordered else 0)
    if not since or when.inactive_for is None:
        return 0
    instant = first_instant_after(since, when.inactive_for, compiled.zone)
    if when.inactive_for.unit != "h":
        instant = _opens(local(instant, compiled.zone).date(), compiled)
    return instant if instant > after else 0


_NEXT = {"birthday": _birthday, "anniversary": _anniversary, "inactivity": _inactivity}


def _day_of(value: AttributeValue | None) -> tuple[int, int, int] | None:
    """Year (0: unknown), month and day of a date such as 1990-05-17 or 05-17; None where it is none."""
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    year, month, day = int(match[1] or 0), int(match[2]), int(match[3])
    try:
        date(year or 2000, month, day)
    except ValueError:
        return None
    return year, month, day


def _next_year_day(day: tuple[int, int, int], compiled: Compiled, after: int) -> int:
    """The first instant of the next such day of a year (29 February: the 28th in others), `before` earlier."""
    first, month, of_month = day
    start = local(after, compiled.zone).year
    for year in range(max(start, first + 1), min(max(start, first + 1) + 3, LAST_DAY.year)):
        instant = _earlier(_in_year(year, month, of_month), compiled)
        if instant > after:
            return instant
    return 0


def _in_year(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, month, 28)


def _earlier(day: date, compiled: Compiled) -> int:
    before = compiled.promotion.when.before
    if before is None:
        return _opens(day, compiled)
    if before.unit == "h":
        return midnight(day, compiled.zone) - before.count * HOUR
    return _opens(_days_before(day, before), compiled)


def _opens(day: date, compiled: Compiled) -> int:
    """The first instant of the day; of its first hour, where the promotion keeps hours or windows."""
    schedule = compiled.promotion.schedule
    kept: list[Hours | None] = [schedule.hours] if schedule.hours is not None else []
    if schedule.hours is None:
        today = DAYS[day.weekday()]
        kept = [window.hours for window in schedule.windows or () if window.days is None or today in window.days]
    starts = [0 if hours is None or hours.end < hours.start else hours.start for hours in kept]
    minute = min(starts, default=0)
    return opening(LocalMoment(day, time(minute // 60, minute % 60)), compiled.zone)


def _days_before(day: date, length: Duration) -> date:
    if length.unit in ("d", "w"):
        return day - timedelta(days=length.count * (7 if length.unit == "w" else 1))
    months = day.year * 12 + day.month - 1 - length.count * (12 if length.unit == "y" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
