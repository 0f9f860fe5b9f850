"""Whether the parts of a promotion go together. Looks at plain values, so that it speaks up beside other mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.promotions.consistency import events, examples, goals, rewards
from schemas.promotions.consistency.plain import (
    Finding,
    Plain,
    ends_before,
    given,
    items,
    moment,
    money,
    number,
    one_of,
    part,
)
from schemas.promotions.source import Path, dotted

_MONEY = frozenset(
    {
        "amount_off", "max_amount", "fixed_price", "min_total", "per", "spend", "stamp_for", "value", "max_value",
        "at_least", "at_most", "amount", "from",
    }
)  # fmt: skip
"""Fields that may hold money of the promotion's one currency."""
_OTHER_MONEY = frozenset({"examples", "objective", "attributes", "title", "description", "staff_hint", "message"})
_LIMITS = ("per_member", "per_household", "per_store", "per_channel", "total")


def findings(document: Plain) -> Iterator[Finding]:
    """Everything about the whole that no single field could know."""
    yield from events.findings(document)
    yield from goals.findings(document)
    yield from rewards.findings(document)
    yield from _schedule(document)
    yield from _audience(document)
    yield from _limits(document)
    yield from _bounds(document, ())
    yield from _currencies(document)
    yield from examples.findings(document)


def _schedule(document: Plain) -> Iterator[Finding]:
    schedule = part(document, "schedule")
    yield from _span(schedule, ("schedule",))
    for path, span in items(schedule.get("blackout"), ("schedule", "blackout")):
        yield from _span(span, path)
    for path, window in items(schedule.get("windows"), ("schedule", "windows")):
        if not given(window, ("days", "hours")):
            yield path, "a window needs days, hours or both", "write `{days: tue, hours: 08:00-12:00}`"
    days = schedule.get("month_days")
    if 0 in [number(day) for day in (days if isinstance(days, list | tuple) else [days])]:
        yield ("schedule", "month_days"), "`0` is no day of a month", "write `-1` for its last day"


def _span(span: Plain, path: Path) -> Iterator[Finding]:
    start, end = moment(span.get("from")), moment(span.get("until"))
    if start and end and ends_before(start, end):
        yield (*path, "until"), f"ends on {end}, before it starts on {start}", ""


def _audience(document: Plain) -> Iterator[Finding]:
    audience = part(document, "audience")
    order = audience.get("order")
    if isinstance(order, Mapping) and not given(order, ("nth", "every", "at_most")):
        yield ("audience", "order"), "`order` needs one of nth, every, at_most", "write `order: 1` for the first order"
    attributes: list[tuple[Path, object]] = [(("audience", "attributes"), audience.get("attributes"))]
    attributes += [((*path, "attributes"), where.get("attributes")) for path, where in events.all_wheres(document)]
    for path, matches in attributes:
        for name, match in matches.items() if isinstance(matches, Mapping) else ():
            if match is None or (isinstance(match, Mapping) and not match):
                yield (*path, name), f"nothing is asked of `{name}`", "write a value, or `{present: true}`"


def _limits(document: Plain) -> Iterator[Finding]:
    limits = part(document, "limits")
    for name in _LIMITS:
        yield from limit_findings(limits.get(name), ("limits", name))
    budget = limits.get("budget")
    if isinstance(budget, Mapping):
        write = "write `budget: {amount: 10000.00 EUR}`"
        yield from one_of(budget, ("amount", "points", "pieces"), ("limits", "budget"), "a budget", write)


def limit_findings(limits: object, path: Path) -> Iterator[Finding]:
    """A limit is of times or of points."""
    for place, limit in items(limits, path):
        yield from one_of(limit, ("times", "points"), place, "a limit", "write `{times: 1}`")


def _bounds(value: object, path: Path) -> Iterator[Finding]:
    """Everywhere: a lower bound is not above the upper one."""
    if isinstance(value, Mapping):
        low, high = value.get("at_least"), value.get("at_most")
        if low is not None and high is not None and _above(low, high):
            yield (*path, "at_most"), f"{high} is less than at_least, {low}: nothing ever matches", ""
        for name, inner in value.items():
            yield from _bounds(inner, (*path, name))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            if isinstance(inner, Mapping | list | tuple):
                yield from _bounds(inner, (*path, place))


def _above(low: object, high: object) -> bool:
    least, most = number(low), number(high)
    if least is not None and most is not None:
        return least > most
    lowest, highest = money(low), money(high)
    return (
        lowest is not None
        and highest is not None
        and lowest.currency == highest.currency
        and lowest.minor > highest.minor
    )


def _currencies(document: Plain) -> Iterator[Finding]:
    """One promotion, one currency: an order in another earns nothing, so a mixture could never be met."""
    first: tuple[Path, str] | None = None
    for path, currency in currencies_of(document, ()):
        if first is None:
            first = path, currency
        elif currency != first[1]:
            yield path, f"{currency} here, {first[1]} in {dotted(first[0])}: one promotion, one currency", ""


def currencies_of(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    """Where the document holds money, and of which currency; examples may try another."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in _OTHER_MONEY:
                continue
            found = money(inner) if name in _MONEY else None
            if found is not None:
                yield (*path, name), found.currency
            elif isinstance(inner, Mapping | list | tuple):
                yield from currencies_of(inner, (*path, name))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            if isinstance(inner, Mapping | list | tuple):
                yield from currencies_of(inner, (*path, place))
