"""Conditions that no event meets, and conditions that every event meets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.promotions.conditions import AttributeMatch, Audience, Bounds, CountBounds, LineMatch, Where
from schemas.promotions.document import Promotion
from schemas.promotions.goals import Goal, Measure
from schemas.promotions.lint.remark import Remark
from schemas.promotions.source import Path, dotted
from schemas.promotions.written import Duration

_NAMES = ("channel", "store", "region", "payment_method", "promotion", "tier")
_RANGES = ("total", "subtotal", "quantity")
_LINE_NAMES = ("category", "brand", "sku", "gtin", "tag")
_ALL_CHANNELS = frozenset({"pos", "app", "web"})
_EVERY_EVENT = "every event meets this"
_DAYS_IN = {"h": 1 / 24, "d": 1, "w": 7, "mo": 30, "y": 365}


def findings(promotion: Promotion) -> Iterator[Remark]:
    """Contradictions and empty conditions of audience, where and goal."""
    yield from _audience(promotion.audience)
    orders_only = set(promotion.on) == {"order.completed"}
    yield from _Known(orders_only=orders_only).take(promotion.where, ("where",))
    for path, measure in measures_of(promotion.goal):
        if measure.where is not None:
            own = set(measure.on or promotion.on) == {"order.completed"}
            yield from _Known(orders_only=own).take(measure.where, (*path, "where"))
        yield from _measure(measure, measure.where or promotion.where, path)
    if promotion.goal is not None:
        yield from _per_order(promotion.goal, promotion.where)


def measures_of(goal: Goal | None) -> Iterator[tuple[Path, Measure]]:
    """Every measure with its place: the goal itself, or its parts."""
    if goal is None:
        return
    composed = [(word, parts) for word in ("all", "any", "steps") if (parts := getattr(goal, word)) is not None]
    if not composed:
        yield ("goal",), goal
    for word, parts in composed:
        yield from ((("goal", word, place), part) for place, part in enumerate(parts))


@dataclass(slots=True)
class _Known:
    """What the conditions that were read so far leave possible."""

    orders_only: bool
    names: dict[str, tuple[frozenset[str], Path]] = field(default_factory=dict)
    ranges: dict[str, tuple[int | None, int | None, Path]] = field(default_factory=dict)

    def copy(self) -> _Known:
        """The same, to go on with one of several alternatives."""
        return _Known(self.orders_only, dict(self.names), dict(self.ranges))

    def take(self, where: Where, path: Path) -> Iterator[Remark]:
        """Take these conditions in; tell those that cannot hold together with what is known."""
        for name in _NAMES:
            value = getattr(where, name)
            if value is not None:
                yield from self._named(name, frozenset(value), (*path, name))
        for name in _RANGES:
            value = getattr(where, name)
            if value is not None:
                yield from self._ranged(name, value, (*path, name))
        yield from self._amounts(where, path)
        if where.lines is not None:
            yield from _lines(where.lines, (*path, "lines"))
        for name, match in (where.attributes or {}).items():
            yield from _attribute(match, (*path, "attributes", name))
        yield from self._combined(where, path)

    def _named(self, name: str, names: frozenset[str], path: Path) -> Iterator[Remark]:
        if name == "channel" and self.orders_only and names >= _ALL_CHANNELS:
            yield Remark("always-true", path, "every order has one of these channels", "remove it")
        before = self.names.get(name)
        if before is not None and before[0].isdisjoint(names):
            message = f"no event meets this and `{dotted(before[1])}`"
            yield Remark("never-true", path, message, f"name one of {_some(before[0])}")
        self.names[name] = (names & before[0] if before is not None else names, path)

    def _ranged(self, name: str, bounds: Bounds | CountBounds, path: Path) -> Iterator[Remark]:
        low, high = _ends(bounds)
        if not low and high is None:
            yield Remark("always-true", path, _EVERY_EVENT, "remove it, or write a bound")
        before = self.ranges.get(name)
        if before is not None:
            least = max(x for x in (low, before[0], 0) if x is not None)
            most = min((x for x in (high, before[1]) if x is not None), default=None)
            if most is not None and least > most:
                yield Remark("never-true", path, f"no event meets this and `{dotted(before[2])}`", "")
            low, high = least, most
        self.ranges[name] = low, high, path

    def _amounts(self, where: Where, path: Path) -> Iterator[Remark]:
        """What was paid is no more than before discounts, and its lines no more than the whole."""
        total_high = _ends(where.total)[1]
        lines_low = _ends(where.lines.amount)[0] if where.lines is not None else None
        if total_high is not None and lines_low is not None and lines_low > total_high:
            message = f"lines cannot cost more than the whole order, `{dotted((*path, 'total', 'at_most'))}`"
            yield Remark("never-true", (*path, "lines", "amount"), message)
        subtotal_high, total_low = _ends(where.subtotal)[1], _ends(where.total)[0]
        if subtotal_high is not None and total_low is not None and total_low > subtotal_high:
            message = f"more is never paid than before discounts, `{dotted((*path, 'subtotal', 'at_most'))}`"
            yield Remark("never-true", (*path, "total", "at_least"), message)

    def _combined(self, where: Where, path: Path) -> Iterator[Remark]:
        empty = Where()
        for place, each in enumerate(where.all or ()):
            yield from self._nothing(each, (*path, "all", place), empty)
            yield from self.take(each, (*path, "all", place))
        for place, each in enumerate(where.any or ()):
            yield from self._nothing(each, (*path, "any", place), empty)
            yield from self.copy().take(each, (*path, "any", place))
        for place, each in enumerate(where.none or ()):
            here = (*path, "none", place)
            if each == empty:
                yield Remark(
                    "never-true", here, "every event meets this, and so none is left", "write what is left out"
                )
            yield from self.copy().take(each, here) if each.none or each.all or each.any else ()
            yield from self._leaves_nothing(each, here)

    def _nothing(self, each: Where, path: Path, empty: Where) -> Iterator[Remark]:
        if each == empty:
            yield Remark("always-true", path, _EVERY_EVENT, "remove it, or write a condition")

    def _leaves_nothing(self, each: Where, path: Path) -> Iterator[Remark]:
        """One condition alone that excludes all that another lets in."""
        said = each.model_fields_set
        name = next(iter(said)) if len(said) == 1 else ""
        if name not in _NAMES:
            return
        left = self.names.get(name)
        if left is None and name == "channel" and self.orders_only:
            left = _ALL_CHANNELS, ()
        if left is not None and left[0] <= frozenset(getattr(each, name)):
            beside = f" that `{dotted(left[1])}` lets in" if left[1] else ""
            yield Remark("never-true", (*path, name), f"this excludes every {name}{beside}", "exclude fewer")


def _lines(lines: LineMatch, path: Path) -> Iterator[Remark]:
    if not lines.model_fields_set:
        yield Remark("always-true", path, "every line matches this", "name categories, brands or skus, or remove it")
    for name in ("amount", "quantity", "count"):
        bounds = getattr(lines, name)
        low, high = _ends(bounds)
        least = 1 if name == "count" else 0
        if bounds is not None and high is None and (low or 0) <= least:
            yield Remark("always-true", (*path, name), "all that match meet this", "remove it, or write a bound")
        if bounds is not None and name == "count" and high == 0:
            message = "at least one line matches, or the condition does not hold"
            yield Remark("never-true", (*path, name), message, "write it under `none`")
    out = lines.except_
    if out is None:
        return
    said = out.model_fields_set
    name = next(iter(said)) if len(said) == 1 else ""
    wanted, unwanted = getattr(lines, name, None), getattr(out, name, None)
    if name in _LINE_NAMES and wanted and set(wanted) <= set(unwanted or ()):
        place = (*path, "except", name)
        yield Remark("never-true", place, f"this leaves out all of `{dotted((*path, name))}`", "leave out fewer")


def _attribute(match: AttributeMatch, path: Path) -> Iterator[Remark]:
    numbers = [value for value in match.is_ or () if isinstance(value, int) and not isinstance(value, bool)]
    low, high = match.at_least, match.at_most
    bounded = low is not None or high is not None
    within = [n for n in numbers if (low is None or n >= low) and (high is None or n <= high)]
    typed = {(type(value), value) for value in match.is_ or ()}
    if match.is_ is not None and bounded and not within:
        yield Remark("never-true", path, "none of its values is within its bounds")
    elif typed and typed <= {(type(value), value) for value in match.not_ or ()}:
        yield Remark("never-true", (*path, "not"), "this excludes every value that `is` names", "remove one of them")
    if match.present is False and (match.is_ is not None or bounded):
        yield Remark("never-true", (*path, "present"), "an attribute that is not there has no value", "remove it")


def _audience(audience: Audience) -> Iterator[Remark]:
    path: Path = ("audience",)
    if audience.segments and set(audience.segments) <= set(audience.outside or ()):
        message = "this leaves out every segment that `segments` names"
        yield Remark("never-true", (*path, "outside"), message, "leave out others")
    if audience.holdout is not None and audience.holdout.basis_points == 10_000:
        yield Remark("never-true", (*path, "holdout"), "everybody is left out", "write `holdout: 10 %`")
    if audience.holdout is not None and audience.holdout.basis_points == 0:
        yield Remark("always-true", (*path, "holdout"), "nobody is left out", "remove it, or write `10 %`")
    for name, match in (audience.attributes or {}).items():
        yield from _attribute(match, (*path, "attributes", name))
    if audience.new is not None and audience.lapsed is not None and _length(audience.lapsed) >= _length(audience.new):
        message = f"who registered within {audience.new} did not order {audience.lapsed} ago"
        yield Remark("never-true", (*path, "lapsed"), message, "remove `new` or `lapsed`")
    order = audience.order
    if order is None:
        return
    fitting = [
        n
        for n in order.nth or ()
        if (order.every is None or n % order.every == 0) and (order.at_most is None or n <= order.at_most)
    ]
    if order.nth and not fitting:
        yield Remark("never-true", (*path, "order", "nth"), "none of these is within `every` and `at_most`")
    elif not order.nth and order.every and order.at_most and order.every > order.at_most:
        yield Remark("never-true", (*path, "order", "every"), f"the first is number {order.every}, beyond `at_most`")
    if order.every == 1 and order.nth is None and order.at_most is None:
        yield Remark("always-true", (*path, "order", "every"), "every order is an every first", "remove it")
    if audience.lapsed is not None and (order.nth == (1,) or order.at_most == 1):
        message = "who makes a first order has no last one, and so never lapsed"
        yield Remark("never-true", (*path, "lapsed"), message, "remove `order` or `lapsed`")


def _measure(measure: Measure, where: Where, path: Path) -> Iterator[Remark]:
    """More different things than the conditions let in."""
    if measure.distinct is None:
        return
    lines = where.lines
    let_in: dict[str, Sequence[str] | None] = {
        "product": lines.sku if lines is not None else None,
        "category": lines.category if lines is not None else None,
        "brand": lines.brand if lines is not None else None,
        "store": where.store,
        "channel": where.channel or tuple(_ALL_CHANNELS),
        "activity": measure.activity,
    }
    names = let_in.get(measure.distinct.of)
    if names is not None and len(set(names)) < measure.distinct.count:
        kind = measure.distinct.of
        message = f"{measure.distinct.count} different ones are never reached: there {_are(len(set(names)))} of {kind}"
        yield Remark("never-true", (*path, "distinct", "count"), message, f"write {len(set(names))} or less")


def _per_order(goal: Goal, where: Where) -> Iterator[Remark]:
    """What one order can never bring together."""
    if goal.every != "order":
        return
    for name in ("visits", "activities"):
        if (getattr(goal, name) or 0) > 1:
            yield Remark(
                "never-true", ("goal", name), "one order is one visit", "write `every: week`, or another period"
            )
    distinct = goal.distinct
    if distinct is not None and distinct.count > 1 and distinct.of in ("store", "channel", "activity", "day"):
        message = f"one order has one {distinct.of}"
        yield Remark("never-true", ("goal", "distinct"), message, "write `every: week`, or another period")
    high = _ends((goal.where or where).total)[1]
    if goal.spend is not None and high is not None and high < goal.spend.minor:
        message = "no order that `where.total` lets in reaches this"
        yield Remark("never-true", ("goal", "spend"), message)


def _ends(bounds: Bounds | CountBounds | None) -> tuple[int | None, int | None]:
    """Both ends as whole numbers: pieces, or minor units (a promotion has one currency)."""
    if bounds is None:
        return None, None
    return _minor(bounds.at_least), _minor(bounds.at_most)


def _minor(value: Any) -> int | None:
    return value if value is None or isinstance(value, int) else value.minor


def _length(duration: Duration) -> float:
    return duration.count * _DAYS_IN[duration.unit]


def _some(names: frozenset[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:5]) + (" …" if len(found) > 5 else "")


def _are(count: int) -> str:
    return f"is {count}" if count == 1 else f"are {count}"
