"""Finding the promotions that an occasion may meet, without looking at the others.

Every promotion version has a bit. For each thing that documents ask for (a channel, a store, a sku …) the index keeps
who asks for which value and who does not ask at all; one occasion costs a few ANDs of whole numbers as wide as the
programme, whatever the number of promotions that do not match. What is found is a superset: conditions decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.promotions.conditions import LineMatch, Trigger
from services.engine.lines import LINE_FIELDS
from services.engine.meters import asks_for_itself
from services.engine.moments import DAY

if TYPE_CHECKING:
    from services.engine.occasion import Occasion
    from services.engine.programme import Compiled

_DAYS_KEPT = 1024
_BITS_MAX = 64


@dataclass(slots=True)
class _Asked:
    """One thing that documents may ask for: the bits of those who do not, and by value of those who do."""

    nobody: int = 0
    values: dict[str, int] = field(default_factory=dict)

    def add(self, bit: int, names: Iterable[str] | None) -> None:
        if names is None:
            self.nobody |= bit
            return
        values = self.values
        for name in names:
            values[name] = values.get(name, 0) | bit

    def find(self, name: str) -> int:
        return self.nobody | self.values.get(name, 0)

    def find_any(self, names: Iterable[str]) -> int:
        found, values = self.nobody, self.values
        if values:
            for name in names:
                found |= values.get(name, 0)
        return found

    def copy(self) -> _Asked:
        return _Asked(self.nobody, self.values.copy())


class Index:
    """The promotion versions open to everyone, by what they ask for. Grows by `put`; `copy` before it is shared."""

    __slots__ = ("_asked", "_at_least", "_days", "_lines", "_no_lines", "_places", "_versions")

    def __init__(self) -> None:
        self._versions: list[Compiled] = []
        self._places: dict[tuple[str, int], int] = {}
        self._asked = {name: _Asked() for name in _THINGS}
        self._lines: dict[str, dict[str, int]] = {name: {} for name in LINE_FIELDS}
        self._no_lines = 0
        self._at_least = [0] * _BITS_MAX
        """By the number of binary digits of an order's total: who asks for no more than such an order may have."""
        self._days: dict[int, int] = {}
        """By day since 1970: who may be in force and run on it; filled as days are asked for."""

    def copy(self) -> Index:
        """The same index, to add to."""
        other = Index()
        other._versions = self._versions.copy()
        other._places = self._places.copy()
        other._asked = {name: asked.copy() for name, asked in self._asked.items()}
        other._lines = {name: values.copy() for name, values in self._lines.items()}
        other._no_lines = self._no_lines
        other._at_least = self._at_least.copy()
        return other

    def put(self, compiled: Compiled) -> None:
        """One version more; or, compiled anew because it ends now, in the place of itself: its text never changes."""
        self._days = {}
        place = self._places.setdefault((compiled.promotion_id, compiled.version), len(self._versions))
        if place < len(self._versions):
            self._versions[place] = compiled
            return
        bit = 1 << place
        self._versions.append(compiled)
        for name, names_of in _THINGS.items():
            self._asked[name].add(bit, names_of(compiled))
        lines = _of_event(compiled, "lines")
        field_name = _most_selective(lines)
        if field_name is None:
            self._no_lines |= bit
        else:
            values = self._lines[field_name]
            for name in getattr(lines, field_name):
                values[name] = values.get(name, 0) | bit
        for digits in range(_least_digits(compiled), _BITS_MAX):
            self._at_least[digits] |= bit

    def find(self, occasion: Occasion) -> Iterator[Compiled]:
        """Those that may match, in no order."""
        asked = self._asked
        found = asked["trigger"].find(occasion.trigger)
        found &= self._day(occasion.instant // DAY)
        found &= asked["channel"].find(occasion.channel)
        found &= asked["store"].find(occasion.store)
        found &= asked["name"].find(occasion.name)
        found &= asked["tier"].find(occasion.tier or "")
        found &= asked["segment"].find_any(occasion.wallet.segments)
        found &= self._at_least[min(occasion.total.bit_length() if occasion.total > 0 else 0, _BITS_MAX - 1)]
        if found & ~self._no_lines:
            found &= self._no_lines | self._of_lines(occasion)
        return self._of(found)

    def started_by(self, trigger: Trigger) -> Iterator[Compiled]:
        """All that this trigger starts, whatever they ask for: to tell why each did or did not."""
        return self._of(self._asked["trigger"].find(trigger))

    def _of(self, found: int) -> Iterator[Compiled]:
        versions = self._versions
        while found:
            low = found & -found
            yield versions[low.bit_length() - 1]
            found ^= low

    def _of_lines(self, occasion: Occasion) -> int:
        found = 0
        lines = occasion.lines()
        for name in ("sku", "gtin", "brand", "category"):
            values = self._lines[name]
            if values:
                for value in {getattr(line, name) for line in lines}:
                    found |= values.get(value, 0)
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


def _names(value: object) -> tuple[str, ...] | None:
    return value if isinstance(value, tuple) else None


def _activity(compiled: Compiled) -> tuple[str, ...] | None:
    """The activities asked for, where nothing but activities starts the promotion."""
    only: frozenset[Trigger] = frozenset({"activity.recorded"})
    return compiled.promotion.activity if compiled.triggers == only and not asks_for_itself(compiled.goal) else None


def _most_selective(lines: object) -> str | None:
    if not isinstance(lines, LineMatch):
        return None
    return next((name for name in LINE_FIELDS if getattr(lines, name) is not None), None)


def _least_digits(compiled: Compiled) -> int:
    total = compiled.promotion.where.total
    if total is None or total.at_least is None or asks_for_itself(compiled.goal):
        return 0
    return min(total.at_least.minor.bit_length(), _BITS_MAX - 1)


_THINGS: dict[str, Callable[[Compiled], tuple[str, ...] | None]] = {
    "trigger": lambda c: tuple(c.triggers),
    "channel": lambda c: _names(_of_event(c, "channel")),
    "store": lambda c: _names(_of_event(c, "store")),
    "name": _activity,
    "tier": lambda c: c.promotion.audience.tiers,
    "segment": lambda c: c.promotion.audience.segments,
}
