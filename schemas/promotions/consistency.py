"""Whether the parts of a document go together. Looks at plain values, so that it speaks up beside other mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic_core import PydanticCustomError

from schemas.promotions.source import Path, dotted
from schemas.promotions.written import LocalMoment, Money

Finding = tuple[Path, str, str]
"""Path, what is wrong, suggestion."""


def findings(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Everything about the whole that no single field could know."""
    yield from _goal(document)
    yield from _rewards(document)
    yield from _trigger(document)
    yield from _schedule(document)
    yield from _totals(document)
    yield from _currencies(document)
    yield from _examples(document)


def _part(value: object, *names: str) -> Mapping[str, Any]:
    """The mapping at a path, empty where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _items(value: object) -> list[tuple[int, Mapping[str, Any]]]:
    listed = value if isinstance(value, list | tuple) else [value]
    return [(place, item) for place, item in enumerate(listed) if isinstance(item, Mapping)]


def _rewards_of(document: Mapping[str, Any]) -> list[tuple[Path, Mapping[str, Any]]]:
    reward = document.get("reward")
    alone = isinstance(reward, Mapping)
    return [(("reward",) if alone else ("reward", place), item) for place, item in _items(reward)]


def _one_of(part: Mapping[str, Any], names: tuple[str, ...], path: Path, what: str) -> Iterator[Finding]:
    given = [name for name in names if part.get(name) is not None]
    if len(given) > 1:
        yield (*path, given[1]), f"{what} is one of {', '.join(names)}, not several", f"remove `{given[1]}`"
    elif not given:
        yield path, f"{what} needs one of {', '.join(names)}", ""


def _goal(document: Mapping[str, Any]) -> Iterator[Finding]:
    goal = _part(document, "goal")
    if goal:
        yield from _one_of(goal, ("spend", "visits"), ("goal",), "a goal")


def _rewards(document: Mapping[str, Any]) -> Iterator[Finding]:
    for path, reward in _rewards_of(document):
        yield from _one_of(reward, ("points", "coupon"), path, "a reward")
        coupon = reward.get("coupon")
        if isinstance(coupon, Mapping):
            yield from _one_of(coupon, ("amount_off", "percent_off"), (*path, "coupon"), "a coupon")
        if _part(reward, "points").get("per") is not None and document.get("goal") is not None:
            message = "points per amount go with every order, a goal with a fixed reward"
            yield (*path, "points", "per"), message, "give a fixed number of points, or remove the goal"


def _trigger(document: Mapping[str, Any]) -> Iterator[Finding]:
    if document.get("on") != "activity.recorded":
        if document.get("activity") is not None:
            yield ("activity",), "only activities have a name", "write `on: activity.recorded`"
        return
    needs_order: list[Path] = [("where", "lines"), ("where", "total"), ("goal", "spend")]
    needs_order += [(*path, "points", "per") for path, _ in _rewards_of(document)]
    for path in needs_order:
        if _at(document, path) is not None:
            yield path, "an activity has no amounts and no lines", "write `on: order.completed`, or remove it"


def _at(value: object, path: Path) -> object:
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list | tuple) and isinstance(part, int):
            value = value[part]
        else:
            return None
    return value


def _schedule(document: Mapping[str, Any]) -> Iterator[Finding]:
    schedule = _part(document, "schedule")
    try:
        start = LocalMoment.parse(str(schedule.get("from")))
        end = LocalMoment.parse(str(schedule.get("until")))
    except PydanticCustomError:
        return
    if (start.day, str(start.time or "")) > (end.day, str(end.time or "24")):
        yield ("schedule", "until"), f"ends on {end}, before it starts on {start}", ""


def _money(value: object) -> Money | None:
    try:
        return Money.parse(value) if isinstance(value, str) else None
    except PydanticCustomError:
        return None


def _totals(document: Mapping[str, Any]) -> Iterator[Finding]:
    total = _part(document, "where", "total")
    low, high = _money(total.get("at_least")), _money(total.get("at_most"))
    if low and high and low.currency == high.currency and low.minor > high.minor:
        yield ("where", "total", "at_most"), f"{high} is less than at_least, {low}: nothing ever matches", ""


def _currencies(document: Mapping[str, Any]) -> Iterator[Finding]:
    """One promotion, one currency: an order in another earns nothing, so a mixture could never be met."""
    paths: list[Path] = [("goal", "spend"), ("where", "total", "at_least"), ("where", "total", "at_most")]
    for path, _ in _rewards_of(document):
        paths += [(*path, "points", "per"), (*path, "coupon", "amount_off")]
    paths.append(("offline", "max_value"))
    first: tuple[Path, str] | None = None
    for path in paths:
        money = _money(_at(document, path))
        if money is None:
            continue
        if first is None:
            first = path, money.currency
        elif money.currency != first[1]:
            yield path, f"{money.currency} here, {first[1]} in {dotted(first[0])}: one promotion, one currency", ""


def _examples(document: Mapping[str, Any]) -> Iterator[Finding]:
    things = ("order", "activity", "member", "offer", "returned", "voided")
    for number, example in _items(document.get("examples")):
        if not _part(example, "expect") and isinstance(example.get("expect"), Mapping):
            yield ("examples", number, "expect"), "expects nothing at all", "write `{coupons: 0}` for no coupon"
        for place, step in _items(example.get("given")):
            path: Path = ("examples", number, "given", place)
            yield from _one_of(step, things, path, "a step")
            order = step.get("order")
            if isinstance(order, Mapping) and order.get("total") is None and not order.get("lines"):
                yield (*path, "order"), "an order needs a total or lines", "write `total: 50.00 EUR`"
            if step.get("at") is not None and step.get("after") is not None:
                yield (*path, "after"), "a step happens `at` a time or `after` the step before, not both", ""
            if step.get("offer") is not None and document.get("by") != "offer":
                yield (*path, "offer"), "no offers are issued of this promotion", "write `by: offer` above"
