"""Finding the promotions that an occasion may meet, without looking at the others.

Every promotion version has a bit. For each thing that documents ask for (a channel, a store, a sku …) the index keeps
who asks for which value and who does not ask at all; one occasion costs a few ANDs of whole numbers as wide as the
programme, whatever the number of promotions that do not match. What is found is a superset: conditions decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from schemas.promotions.conditions import LineMatch, Trigger
from schemas.promotions.written import Hours
from services.engine.calendar.moments import DAY
from services.engine.matching.conditions import DAYS, home_of
from services.engine.matching.lines import LINE_FIELDS
from services.engine.meters import asks_for_itself

if TYPE_CHECKING:
    from services.engine.occasion import Occasion
    from services.engine.programme import Compiled

_DAYS_KEPT = 1024
_DIGITS_MAX = 64
_Names = tuple[str, ...] | None


@dataclass(slots=True)
class _Asked:
    """One thing that documents may ask for: the bits of those who do not, and by value of those who do."""

    nobody: int = 0
    values: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    """By value: who asks for it and who does not ask at all; filled as values are looked for."""

    def add(self, bit: int, names: Iterable[str] | None) -> None:
        self.found = {}
        if names is None:
            self.nobody |= bit
        else:
            _add(self.values, bit, names)

    def find(self, name: str) -> int:
        found = self.found.get(name)
        if found is None:
            asking = self.values.get(name)
            if asking is None:
                return self.nobody
            found = self.found[name] = self.nobody | asking
        return found

    def find_any(self, names: Iterable[str]) -> int:
        found, values = self.nobody, self.values
        for name in names:
            if name in values:
                found |= values[name]
        return found

    def copy(self) -> _Asked:
        return _Asked(self.nobody, self.values.copy())


_Zones = Mapping[str, ZoneInfo]
_One = tuple[_Asked, Callable[["Occasion"], str]]
_Any = tuple[_Asked, Callable[["Occasion", _Zones], Iterable[str]]]


def _add(values: dict[str, int], bit: int, names: Iterable[str]) -> None:
    """Names that the same promotions ask for share one number: long lists would else take a number for each name."""
    made: dict[int, int] = {}
    for name in names:
        held = values.get(name, 0)
        grown = made.get(held)
        if grown is None:
            grown = made[held] = held | bit
        values[name] = grown


class Index:
    """The promotion versions open to everyone, by what they ask for. Grows by `put`; `copy` before it is shared."""

    __slots__ = (
        "_any",
        "_asking",
        "_at_least",
        "_days",
        "_lines",
        "_no_lines",
        "_one",
        "_places",
        "_trigger",
        "_versions",
        "_zones",
    )

    def __init__(self) -> None:
        self._versions: list[Compiled] = []
        self._places: dict[tuple[str, int], int] = {}
        self._trigger = _Asked()
        self._one = {name: _Asked() for name in _ONE}
        self._any = {name: _Asked() for name in _ANY}
        self._asking: tuple[list[_One], list[_Any]] | None = None
        """Of those things, what anybody asks for; and what an occasion has of it."""
        self._zones: dict[str, ZoneInfo] = {}
        """Time zones of those who ask for days or hours."""
        self._lines: dict[str, dict[str, int]] = {name: {} for name in LINE_FIELDS}
        self._no_lines = 0
        self._at_least = [0] * _DIGITS_MAX
        """By the number of binary digits of an order's total: who asks for no more than such an order may have."""
        self._days: dict[int, int] = {}
        """By day since 1970: who may be in force and run on it; filled as days are asked for."""

    def copy(self) -> Index:
        """The same index, to add to."""
        other = Index()
        other._versions = self._versions.copy()
        other._places = self._places.copy()
        other._trigger = self._trigger.copy()
        other._one = {name: asked.copy() for name, asked in self._one.items()}
        other._any = {name: asked.copy() for name, asked in self._any.items()}
        other._zones = self._zones.copy()
        other._lines = {name: values.copy() for name, values in self._lines.items()}
        other._no_lines = self._no_lines
        other._at_least = self._at_least.copy()
        return other

    def put(self, compiled: Compiled) -> None:
        """One version more; or, compiled anew because it ends now, in the place of itself: its text never changes."""
        self._days, self._asking = {}, None
        place = self._places.setdefault((compiled.promotion_id, compiled.version), len(self._versions))
        if place < len(self._versions):
            self._versions[place] = compiled
            return
        bit = 1 << place
        self._versions.append(compiled)
        self._trigger.add(bit, compiled.triggers)
        for name, (asks, _) in _ONE.items():
            self._one[name].add(bit, asks(compiled))
        for name, (asks, _) in _ANY.items():
            self._any[name].add(bit, asks(compiled))
        if _weekdays(compiled) is not None or _hours(compiled) is not None:
            self._zones[compiled.zone.key] = compiled.zone
        lines = _of_event(compiled, "lines")
        field_name = _most_selective(lines)
        if field_name is None:
            self._no_lines |= bit
        else:
            _add(self._lines[field_name], bit, getattr(lines, field_name))
        for digits in range(_least_digits(compiled), _DIGITS_MAX):
            self._at_least[digits] |= bit

    def find(self, occasion: Occasion) -> Iterator[Compiled]:
        """Those that may match, in no order."""
        found = self._trigger.find(occasion.trigger) & self._day(occasion.instant // DAY)
        total = occasion.total
        found &= self._at_least[min(total.bit_length() if total > 0 else 0, _DIGITS_MAX - 1)]
        one, several = self._asking or self._asked_for()
        for asked, get in one:
            found &= asked.find(get(occasion))
        if found & ~self._no_lines:
            found &= self._no_lines | self._of_lines(occasion)
        if found:
            for asked, get_all in several:
                found &= asked.find_any(get_all(occasion, self._zones))
        return self._of(found)

    def _asked_for(self) -> tuple[list[_One], list[_Any]]:
        one = [(asked, _ONE[name][1]) for name, asked in self._one.items() if asked.values]
        several = [(asked, _ANY[name][1]) for name, asked in self._any.items() if asked.values]
        self._asking = one, several
        return self._asking

    def started_by(self, trigger: Trigger) -> Iterator[Compiled]:
        """All that this trigger starts, whatever they ask for: to tell why each did or did not."""
        return self._of(self._trigger.find(trigger))

    def _of(self, found: int) -> Iterator[Compiled]:
        versions = self._versions
        while found:
            place = found.bit_length() - 1  # from the highest down: the number gets shorter with each
            yield versions[place]
            found ^= 1 << place

    def _of_lines(self, occasion: Occasion) -> int:
        found = 0
        lines = occasion.lines()
        for name in ("sku", "gtin", "brand", "category"):
            values = self._lines[name]
            if values:
                for value in {getattr(line, name) for line in lines}:
                    if value in values:
                        found |= values[value]
        values = self._lines["tag"]
        if values:
            for tag in {tag for line in lines for tag in line.tags}:
                found |= values.get(tag, 0)
        return found

    def _day(self, day: int) -> int:
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= _DAYS_KEPT:
                self._days.clear()
            start, end = day * DAY, (day + 1) * DAY - 1
            bits = "".join(["1" if _may_run(version, start, end) else "0" for version in reversed(self._versions)])
            found = self._days[day] = int(bits or "0", 2)
        return found


def _may_run(compiled: Compiled, start: int, end: int) -> bool:
    return (
        max(compiled.starts, compiled.campaign_starts) <= end
        and (not compiled.ends or start < compiled.ends)
        and (not compiled.campaign_ends or start <= compiled.campaign_ends)
    )


def _of_event(compiled: Compiled, name: str) -> object:
    """What the promotion's own `where` says, where its goal does not speak for itself."""
    if asks_for_itself(compiled.goal):
        return None
    return getattr(compiled.promotion.where, name)


def _where(name: str) -> Callable[[Compiled], _Names]:
    def asks(compiled: Compiled) -> _Names:
        names = _of_event(compiled, name)
        return names if isinstance(names, tuple) else None

    return asks


def _name(compiled: Compiled) -> _Names:
    """The promotions, tiers or activities that the event may be about; activities where nothing else starts it."""
    about = _where("promotion")(compiled) or _where("tier")(compiled)
    only: frozenset[Trigger] = frozenset({"activity.recorded"})
    if about is not None or compiled.triggers != only or asks_for_itself(compiled.goal):
        return about
    return compiled.promotion.activity


def _payment(occasion: Occasion) -> str:
    return (occasion.order.payment_method or "") if occasion.order is not None else ""


def _weekdays(compiled: Compiled) -> _Names:
    """The days on which it runs at all, each with the time zone."""
    schedule, days = compiled.promotion.schedule, set(DAYS)
    if schedule.days is not None:
        days &= _nights(schedule.days, schedule.hours)
    if schedule.windows is not None:
        days &= {day for window in schedule.windows for day in _nights(window.days or DAYS, window.hours)}
    return tuple([f"{compiled.zone.key} {day}" for day in days]) if len(days) < len(DAYS) else None


def _nights(days: Sequence[str], hours: Hours | None) -> set[str]:
    """These days, and the ones after where the hours pass midnight."""
    if hours is None or hours.start < hours.end:
        return set(days)
    return {*days, *[DAYS[(DAYS.index(day) + 1) % len(DAYS)] for day in days]}


def _hours(compiled: Compiled) -> _Names:
    """The hours in which it runs at all, each with the time zone."""
    schedule, hours = compiled.promotion.schedule, set(range(24))
    if schedule.hours is not None:
        hours &= _touched(schedule.hours)
    if schedule.windows is not None:
        hours &= {hour for window in schedule.windows for hour in _touched(window.hours)}
    return tuple([f"{compiled.zone.key} {hour}" for hour in hours]) if len(hours) < 24 else None


def _touched(hours: Hours | None) -> set[int]:
    if hours is None:
        return set(range(24))
    first, last = hours.start // 60, (hours.end - 1) // 60
    return set(range(first, last + 1)) if hours.start < hours.end else {*range(first, 24), *range(last + 1)}


def _most_selective(lines: object) -> str | None:
    if not isinstance(lines, LineMatch):
        return None
    return next((name for name in LINE_FIELDS if getattr(lines, name) is not None), None)


def _least_digits(compiled: Compiled) -> int:
    total = compiled.promotion.where.total
    if total is None or total.at_least is None or asks_for_itself(compiled.goal):
        return 0
    return min(total.at_least.minor.bit_length(), _DIGITS_MAX - 1)


_ONE: Mapping[str, tuple[Callable[[Compiled], _Names], Callable[[Occasion], str]]] = {
    "channel": (_where("channel"), lambda o: o.channel),
    "store": (_where("store"), lambda o: o.store),
    "name": (_name, lambda o: o.name),
    "payment_method": (_where("payment_method"), _payment),
    "tier": (lambda c: c.promotion.audience.tiers, lambda o: o.tier or ""),
    "home_store": (lambda c: c.promotion.audience.home_store, home_of),
}
"""What an occasion has one of: who asks for which, and what it is."""
_ANY: Mapping[str, tuple[Callable[[Compiled], _Names], Callable[[Occasion, _Zones], Iterable[str]]]] = {
    "segment": (lambda c: c.promotion.audience.segments, lambda o, _: o.wallet.segments),
    "region": (_where("region"), lambda o, _: o.terms.regions_of(o.store)),
    "home_region": (lambda c: c.promotion.audience.home_region, lambda o, _: o.terms.regions_of(home_of(o))),
    "day": (_weekdays, lambda o, zones: [f"{key} {DAYS[o.clock(zone).weekday()]}" for key, zone in zones.items()]),
    "hour": (_hours, lambda o, zones: [f"{key} {o.clock(zone).hour}" for key, zone in zones.items()]),
}
"""What an occasion may have several of: regions of one store, days and hours in different time zones."""
