"""Calendar periods on a local clock: which one a moment is in, and when it ends."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from schemas.promotions.fields import Period
from schemas.promotions.written import Duration
from services.engine.calendar.moments import LAST_DAY, later_day, midnight

_MONTHS: dict[Period, int] = {"month": 1, "quarter": 3, "year": 12}


def period_of(clock: datetime, period: Period) -> int:
    """A number that differs between any two days, weeks (ISO), months, quarters or years of a local clock; 0 for the
    whole campaign. An `order` is no period of the calendar: its number is that of its instant."""
    if period == "campaign":
        return 0
    if period in _MONTHS:
        return (clock.year * 12 + clock.month - 1) // _MONTHS[period]
    if period == "order":
        return int(clock.timestamp()) * 1_000_000 + clock.microsecond
    day = clock.toordinal()
    return day if period == "day" else (day - 1) // 7


def last_of_period(day: date, period: Period, zone: ZoneInfo) -> int:
    """The last instant of the day, week, month, quarter or year that a local day is in."""
    return midnight(_next(day, period), zone) - 1


def expiry_of(day: date, period: Literal["month", "year"], plus: Duration | None, zone: ZoneInfo) -> tuple[int, str]:
    """The last instant of the month or year of a day, or of the day a length after its end; and that day as text.

    Months and years lead from the end of a month to the end of a month: the end of the year and 2 months is the last
    day of February.
    """
    last = _next(day, period) - timedelta(days=1)
    if plus is not None:
        last = later_day(last, plus)
        if plus.unit in ("mo", "y"):
            last = _next(last, "month") - timedelta(days=1)
    return midnight(last + timedelta(days=1), zone) - 1, last.isoformat()


def _next(day: date, period: Period) -> date:
    """The first day of the period after."""
    if day >= LAST_DAY:
        return LAST_DAY
    if period == "day":
        return day + timedelta(days=1)
    if period == "week":
        return day + timedelta(days=7 - day.weekday())
    length = _MONTHS[period]
    months = day.year * 12 + day.month - 1
    year, month = divmod(months - months % length + length, 12)
    return date(year, month + 1, 1)
