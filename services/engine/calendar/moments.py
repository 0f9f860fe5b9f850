"""Time inside the engine: whole microseconds since 1970, and calendar arithmetic in a time zone.

Rule of the house: a length in hours is exact; one in days or longer ends with the last moment of its local day, so a
coupon valid for 30 days is valid on the whole of the thirtieth day after, whatever daylight saving does meanwhile.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from schemas.promotions.written import Duration, LocalMoment
from schemas.values import rfc3339

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = 3_600_000_000
DAY = 24 * HOUR
LAST_DAY = date(9000, 12, 31)
"""Calendar lengths that would lead past this day end on it."""


def micros(moment: datetime) -> int:
    """Whole microseconds since 1970, exactly."""
    gap = moment - EPOCH
    return (gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds


def moment_of(instant: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return EPOCH + timedelta(microseconds=instant)


@lru_cache(maxsize=4096)
def text_of(instant: int) -> str:
    """The instant as RFC 3339 with milliseconds."""
    return rfc3339(moment_of(instant))


def local(instant: int, zone: ZoneInfo) -> datetime:
    """What the clock on the wall of that zone shows."""
    return moment_of(instant).astimezone(zone)


@lru_cache(maxsize=4096)
def midnight(day: date, zone: ZoneInfo) -> int:
    """The first instant of a local day."""
    return micros(datetime.combine(day, time(), zone))


def opening(moment: LocalMoment, zone: ZoneInfo) -> int:
    """The first instant of a day, or the very minute where one is given."""
    return micros(datetime.combine(moment.day, moment.time or time(), zone))


def closing(moment: LocalMoment, zone: ZoneInfo) -> int:
    """The last instant of a day, or the very minute where one is given."""
    if moment.time is not None:
        return micros(datetime.combine(moment.day, moment.time, zone))
    return midnight(moment.day + timedelta(days=1), zone) - 1


def later_day(day: date, length: Duration) -> date:
    """The day a calendar length after another; months clamp (31 January + 1 month = 28 or 29 February)."""
    if length.unit in ("d", "w"):
        days = length.count * (7 if length.unit == "w" else 1)
        return LAST_DAY if (LAST_DAY - day).days <= days else day + timedelta(days=days)
    months = day.year * 12 + day.month - 1 + length.count * (12 if length.unit == "y" else 1)
    year, month = divmod(months, 12)
    return LAST_DAY if year >= LAST_DAY.year else date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@lru_cache(maxsize=4096)
def last_of(day: date, length: Duration, zone: ZoneInfo) -> tuple[int, str]:
    """The last instant of the day a calendar length after another, and that day in ISO form."""
    last = later_day(day, length)
    return midnight(last + timedelta(days=1), zone) - 1, last.isoformat()


@lru_cache(maxsize=4096)
def last_instant(instant: int, length: Duration, zone: ZoneInfo) -> int:
    """The last instant that still lies within a length of time from this one."""
    if length.unit == "h":
        return instant + length.count * HOUR
    return last_of(local(instant, zone).date(), length, zone)[0]


def first_instant_after(instant: int, length: Duration, zone: ZoneInfo) -> int:
    """When something that waits a length of time is ready: that hour exactly, or the start of that local day."""
    if length.unit == "h":
        return instant + length.count * HOUR
    return midnight(later_day(local(instant, zone).date(), length), zone)
