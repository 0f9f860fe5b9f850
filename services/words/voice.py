"""One language: its words for numbers, money, days and lists (Babel formats them), and the choice between two texts.

Every phrase of this package stands once, in both languages side by side, in a call of `say`, `noun` or `count`; another
language is another argument of these three, and the type checker lists what is to be translated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final, Literal, get_args

from babel.core import Locale
from babel.dates import format_date, format_datetime, format_time, get_day_names
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_symbol

from schemas.currencies import EXPONENTS
from schemas.promotions.fields import Day
from schemas.promotions.rewards import Factor
from schemas.promotions.written import Duration, Hours, LocalMoment, Money, Share
from schemas.values import Text

Spoken = Literal["en", "it"]
LANGUAGES: Final[tuple[Spoken, ...]] = get_args(Spoken)
NAMES_SHOWN = 8
"""Of a longer list so many names are told, then how many more there are."""
_LOCALES = {"en": "en_GB", "it": "it_IT"}
_DAYS: tuple[Day, ...] = get_args(Day)
_DAY_OF_YEAR, _DAY, _MOMENT = "d MMMM", "d MMMM y", "d MMMM y, HH:mm"
_MIDNIGHT = 1440


class Voice:
    """Speaks one language; every method is pure."""

    def __init__(self, language: Spoken) -> None:
        self.language: Spoken = language
        self._locale = Locale.parse(_LOCALES[language])

    # -------------------------------------------------------------------------------------------- texts of this package

    def say(self, en: str, it: str) -> str:
        """The text of this language."""
        return it if self.language == "it" else en

    def noun(self, count: int, en: tuple[str, str], it: tuple[str, str]) -> str:
        """The form (one, several) that goes with a count."""
        return self.say(en[0], it[0]) if count == 1 else self.say(en[1], it[1])

    def count(self, count: int, en: tuple[str, str], it: tuple[str, str]) -> str:
        """A counted thing: `1 coupon`, `1,200 coupons`."""
        return f"{self.number(count)} {self.noun(count, en, it)}"

    # ----------------------------------------------------------------------------------------------- texts of documents

    def text(self, texts: Text) -> str:
        """A document's own text in this language, else in English, else in any, else nothing."""
        return texts.get(self.language) or texts.get("en") or next(iter(texts.values()), "")

    def told_in(self, texts: Text) -> str:
        """A document's own text, quoted, and the other languages that it is written in."""
        if not texts:
            return self.say("(no text)", "(nessun testo)")
        others = [self.language_name(name) for name in texts if name != self.language]
        quoted = f"“{self.text(texts)}”"
        if not others:
            return quoted
        if self.language in texts:
            return quoted + self.say(f" (also in {self.all_of(others)})", f" (anche in {self.all_of(others)})")
        missing = self.language_name(self.language)
        return quoted + self.say(f" (not written in {missing})", f" (non scritto in {missing})")

    def language_name(self, name: str) -> str:
        """`Greek` for `el`."""
        return str(self._locale.languages.get(name, name))

    # ---------------------------------------------------------------------------------------------- numbers and amounts

    def number(self, value: int | Decimal) -> str:
        """Grouped as the language does: `1,370`, `1.370`."""
        # A truth value that a trace holds where a count should be is counted, too.
        return str(format_decimal(value + 0, locale=self._locale))

    def money(self, money: Money) -> str:
        """`€5.00`, `5,00 €`; with the short sign, since a programme has one dollar."""
        amount = Decimal(money.minor).scaleb(-EXPONENTS[money.currency])
        told = format_currency(amount, money.currency, locale=self._locale)
        sign, short = (get_currency_symbol(money.currency, locale) for locale in (self._locale, "en_US"))
        return str(told.replace(sign, short))

    def share(self, share: Share) -> str:
        """`5%`, with up to two decimals."""
        return str(format_percent(Decimal(share.basis_points) / 10_000, format="#,##0.##%", locale=self._locale))

    def factor(self, factor: Factor) -> str:
        """`2`, `1.5`."""
        return self.number(Decimal(factor.hundredths) / 100)

    def points(self, count: int, currency: str = "base") -> str:
        """`50 points`; of another currency than the base one, with its name."""
        if currency == "tier":
            return self.count(count, ("tier point", "tier points"), ("punto livello", "punti livello"))
        told = self.count(count, ("point", "points"), ("punto", "punti"))
        return told if currency == "base" else f"{told} ({currency})"

    # ------------------------------------------------------------------------------------------------------------- time

    def length(self, length: Duration) -> str:
        """`30 days`."""
        units = {
            "h": (("hour", "hours"), ("ora", "ore")),
            "d": (("day", "days"), ("giorno", "giorni")),
            "w": (("week", "weeks"), ("settimana", "settimane")),
            "mo": (("month", "months"), ("mese", "mesi")),
            "y": (("year", "years"), ("anno", "anni")),
        }
        return self.count(length.count, *units[length.unit])

    def moment(self, moment: LocalMoment, *, year: bool = True) -> str:
        """A day, or a day and a time; a day may go without its year."""
        if moment.time is None:
            return str(format_date(moment.day, _DAY if year else _DAY_OF_YEAR, locale=self._locale))
        return str(format_datetime(datetime.combine(moment.day, moment.time), _MOMENT, locale=self._locale))

    def exact_day(self, day: date) -> str:
        """With the day of the week: `Monday 2 March 2026`."""
        return str(format_date(day, "EEEE d MMMM y", locale=self._locale))

    def since(self, day: str) -> str:
        """From a day on, without more: `from 1 November`, `dal 1 novembre`, `dall'8 novembre`."""
        return self.say(f"from {day}", f"{_joined('dal', day)}")

    def to(self, day: str) -> str:
        """To a day: `to 8 November`, `all'8 novembre`."""
        return self.say(f"to {day}", f"{_joined('al', day)}")

    def until(self, day: str) -> str:
        """Up to a day: `until 8 November`, `fino all'8 novembre`."""
        return self.say(f"until {day}", f"fino {_joined('al', day)}")

    def on_day(self, day: str) -> str:
        """On one day: `on 8 November`, `l'8 novembre`."""
        return self.say(f"on {day}", _joined("il", day))

    def hours(self, hours: Hours) -> str:
        """`07:00 to 22:00`; the next day's hours are told as such."""
        start, end = self._clock(hours.start), self._clock(hours.end % _MIDNIGHT)
        if hours.end == _MIDNIGHT:
            return self.say(f"{start} to midnight", f"dalle {start} a mezzanotte")
        told = self.say(f"{start} to {end}", f"dalle {start} alle {end}")
        return told + self.say(" of the next day", " del giorno dopo") if hours.end < hours.start else told

    def _clock(self, minutes: int) -> str:
        return str(format_time(time(minutes // 60, minutes % 60), "HH:mm", locale=self._locale))

    def weekday(self, day: Day | int) -> str:
        """The name of a day of the week."""
        number = day if isinstance(day, int) else _DAYS.index(day)
        return str(get_day_names("wide", locale=self._locale)[number])

    def weekdays(self, days: Iterable[Day]) -> str:
        """`Monday to Friday`, or `on Mondays and Thursdays`."""
        numbers = sorted({_DAYS.index(day) for day in days})
        first, last = self.weekday(numbers[0]), self.weekday(numbers[-1])
        if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
            return self.say(f"{first} to {last}", f"{_the_day('dal', first)} {_the_day('al', last)}")
        names = [self.weekday(number) for number in numbers]
        return self.say("on ", "") + self.all_of([self.say(f"{name}s", _the_day("il", name)) for name in names])

    # ------------------------------------------------------------------------------------------------------------ lists

    def any_of(self, names: Collection[str]) -> str:
        """`a, b or c`."""
        return str(format_list(self._shown(names), "or", locale=self._locale))

    def all_of(self, names: Collection[str]) -> str:
        """`a, b and c`."""
        return str(format_list(self._shown(names), "standard", locale=self._locale))

    def between(self, low: str | None, high: str | None) -> str:
        """A range: `at least 3`, `between 3 and 5`."""
        if low is not None and high is not None:
            return self.say(f"between {low} and {high}", f"tra {low} e {high}")
        if low is not None:
            return self.say(f"at least {low}", f"almeno {low}")
        return self.say(f"at most {high}", f"al massimo {high}") if high is not None else self.say("any", "qualunque")

    def _shown(self, names: Collection[str]) -> list[str]:
        shown = list(names)[:NAMES_SHOWN]
        more = len(names) - len(shown)
        return (
            [*shown, self.say(f"{self.number(more)} more", f"altri {self.number(more)}")] if more > 1 else list(names)
        )


def sentence(text: str) -> str:
    """The same with a capital at its start."""
    return text[:1].upper() + text[1:]


def _joined(preposition: str, day: str) -> str:
    """Before a vowel (l'8, l'11) Italian elides."""
    if day.startswith(("8 ", "11 ")):
        return {"dal": "dall'", "al": "all'", "il": "l'"}[preposition] + day
    return f"{preposition} {day}"


def _the_day(preposition: str, name: str) -> str:
    """Sunday is feminine in Italian."""
    if name.startswith("d"):
        preposition = {"dal": "dalla", "al": "alla", "il": "la"}[preposition]
    return f"{preposition} {name}"
