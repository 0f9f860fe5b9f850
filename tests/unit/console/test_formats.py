"""Numbers, money and instants as people read them in their language."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from services.console.formats import Formats
from services.console.languages import messages

NOW = datetime(2026, 11, 22, 9, 42, 5, tzinfo=UTC)
EN = Formats("en", "Europe/Rome", messages("en").one)
IT = Formats("it", "Europe/Rome", messages("it").one)
NARROW, NO_BREAK = "\u202f", "\u00a0"


def test_points_are_grouped_and_whole():
    assert (IT.number(1370), EN.number(1370), IT.number(-5)) == ("1.370", "1,370", "-5")


def test_a_change_carries_its_sign():
    assert [IT.signed(change) for change in (1250, -12, 0)] == ["+1.250", "−12", "0"]


@pytest.mark.parametrize(
    ("minor", "currency", "en", "it"),
    [
        (500, "EUR", "€5.00", f"5,00{NO_BREAK}€"),
        (123456, "EUR", "€1,234.56", f"1.234,56{NO_BREAK}€"),
        (350, "USD", "$3.50", f"3,50{NO_BREAK}$"),
        (1370, "JPY", "¥1,370", f"1.370{NO_BREAK}¥"),
        (1500, "KWD", "KWD1.500", f"1,500{NO_BREAK}KWD"),
    ],
)
def test_money_has_the_currencys_own_digits(minor: int, currency: str, en: str, it: str):
    assert (EN.money(minor, currency).replace(NO_BREAK, ""), IT.money(minor, currency)) == (en, it)


@pytest.mark.parametrize(
    ("milliseconds", "told"),
    [(0, "0 ms"), (12.4, "12 ms"), (1234, "1.234 ms"), (9999, "9.999 ms"), (43_000, f"43{NARROW}s")],
)
def test_milliseconds_have_no_decimals_and_end_at_ten_seconds(milliseconds: float, told: str):
    assert IT.milliseconds(milliseconds).replace(NO_BREAK, " ") == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.42, "0.42 s"), (1, "1 s"), (42.9, "42 s"), (200, "3 min"), (8000, "2 h"), (900_000, "10 days")],
)
def test_a_lag_is_told_in_the_unit_that_fits(seconds: float, told: str):
    assert EN.lag(seconds).replace(NARROW, " ") == told


def test_times_are_those_of_the_programme_and_of_a_24_hour_clock():
    assert (EN.clock(NOW), IT.clock_exact(NOW)) == ("10:42", "10:42:05")
    assert IT.exact(NOW) == "22 novembre 2026, 10:42:05 CET"


def test_a_day_names_its_year_only_when_it_is_another():
    assert IT.day(date(2026, 12, 31), NOW) == "31 dic"
    assert IT.day(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), NOW) == "1 gen 2027", "in Rome it is the next day"


@pytest.mark.parametrize(
    ("hours", "told"), [(0, "oggi, 10:42"), (11, "ieri, 23:42"), (34.9, "ieri, 23:48"), (72, "19 nov, 10:42")]
)
def test_moments_are_told_as_people_say_them(hours: float, told: str):
    past = NOW - timedelta(hours=hours) if hours != 34.9 else datetime(2026, 11, 21, 22, 48, tzinfo=UTC)
    assert IT.moment(past, NOW) == told


def test_what_is_left_is_told_in_days_then_hours_then_minutes():
    left = [timedelta(days=30, hours=5), timedelta(days=1, hours=1), timedelta(hours=5), timedelta(minutes=7)]
    assert [IT.left(NOW + span, NOW) for span in left] == ["30 giorni", "1 giorno", "5 ore", "7 minuti"]
    assert EN.left(NOW - timedelta(hours=1), NOW) == "0 minutes"
