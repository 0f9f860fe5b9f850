"""The only place that turns numbers, money and instants into text for people (Babel, never the browser's Intl)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_datetime, format_skeleton, format_timedelta
from babel.numbers import format_currency, format_decimal, get_currency_symbol
from babel.units import format_unit

from schemas.currencies import EXPONENTS

Translate = Callable[[str], str]
_LOCALES = {"en": "en_GB", "it": "it_IT"}
_CLOCK = "HH:mm"
_CLOCK_EXACT = "HH:mm:ss"
_NARROW = "\u202f"
_LAG_UNITS = (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 86_400))
"""Symbols of the SI and its companions, the same in every language: symbol, its seconds, used below."""


class Formats:
    """Formats of one language in the programme's time zone; every method is pure."""

    def __init__(self, language: str, timezone: str, translate: Translate) -> None:
        self._locale = Locale.parse(_LOCALES.get(language, language))
        self._zone = ZoneInfo(timezone)
        self._translate = translate

    def number(self, value: int) -> str:
        """A count or points, grouped and without decimals: `1.370` in Italian."""
        return format_decimal(value, locale=self._locale)

    def signed(self, value: int) -> str:
        """A change of points with its sign, a true minus."""
        return format_decimal(value, format="+#,##0;−#,##0", locale=self._locale) if value else "0"

    def money(self, minor: int, currency: str) -> str:
        """An amount of minor units: `5,00 €` in Italian; with the short sign, since a programme has one dollar."""
        amount = Decimal(minor).scaleb(-EXPONENTS[currency])
        told = format_currency(amount, currency, locale=self._locale)
        return told.replace(get_currency_symbol(currency, self._locale), get_currency_symbol(currency, "en_US"))

    def milliseconds(self, value: float) -> str:
        """A propagation: `12 ms`; from ten seconds on as a lag, since nobody reads 43 000 ms."""
        if value >= 10_000:
            return self.lag(value / 1000)
        return format_unit(round(value), "duration-millisecond", "short", format="#,##0", locale=self._locale)

    def lag(self, seconds: float) -> str:
        """A time lag in the unit that fits: `0.42 s`, `42 s`, `3 min`, `2 h`, `5 d`."""
        if seconds < 1:
            return f"{format_decimal(round(seconds, 2), format='0.00', locale=self._locale)}{_NARROW}s"
        for symbol, size, below in _LAG_UNITS:
            if seconds < below:
                return f"{format_decimal(seconds // size, locale=self._locale)}{_NARROW}{symbol}"
        return format_unit(seconds // 86_400, "duration-day", "short", format="#,##0", locale=self._locale)

    def local(self, moment: datetime) -> datetime:
        """The instant on the programme's clocks."""
        return moment.astimezone(self._zone)

    def clock(self, moment: datetime) -> str:
        """Hours and minutes, 24-hour: `10:42`."""
        return format_datetime(self.local(moment), _CLOCK, locale=self._locale)

    def clock_exact(self, moment: datetime) -> str:
        """With seconds, where a stream says since when it is silent."""
        return format_datetime(self.local(moment), _CLOCK_EXACT, locale=self._locale)

    def day(self, moment: datetime | date, now: datetime) -> str:
        """A day, with its year only when that is not this year's: `31 dic`."""
        local = self.local(moment).date() if isinstance(moment, datetime) else moment
        skeleton = "MMMd" if local.year == self.local(now).year else "yMMMd"
        return format_skeleton(skeleton, local, locale=self._locale)

    def moment(self, moment: datetime, now: datetime) -> str:
        """Day and time as people say them: `today, 10:42`, `22 Nov, 10:42`."""
        days = (self.local(now).date() - self.local(moment).date()).days
        said = {0: self._translate("today"), 1: self._translate("yesterday")}
        return f"{said.get(days) or self.day(moment, now)}, {self.clock(moment)}"

    def exact(self, moment: datetime) -> str:
        """The whole instant with its zone, for `title`."""
        return format_datetime(self.local(moment), "d MMMM y, HH:mm:ss z", locale=self._locale)

    def left(self, until: datetime, now: datetime) -> str:
        """How long something still lasts: `3 giorni`."""
        remaining = max(until - now, timedelta(0))
        granularity: Literal["day", "hour", "minute"] = "minute"
        if remaining >= timedelta(days=1):
            granularity = "day"
        elif remaining >= timedelta(hours=1):
            granularity = "hour"
        return format_timedelta(remaining, granularity=granularity, threshold=100, locale=self._locale)
