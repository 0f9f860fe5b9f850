"""Whether the parts of a programme document go together. Looks at plain values, as `consistency` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.promotions.consistency.document import currencies_of, limit_findings
from schemas.promotions.consistency.plain import Finding, Plain, at_most_one, given, items, number, only_with, part
from schemas.promotions.source import Path, dotted


def findings(document: Plain) -> Iterator[Finding]:
    """Everything about the whole that no single field could know."""
    points = document.get("points")
    for name, currency in points.items() if isinstance(points, Mapping) else ():
        if isinstance(currency, Mapping):
            yield from _points(currency, ("points", name))
    yield from _tiers(part(document, "tiers"))
    yield from _never(part(document, "earning", "except_lines"), ("earning", "except_lines"))
    yield from limit_findings(document.get("cap"), ("cap",))
    groups = document.get("groups")
    for name, group in groups.items() if isinstance(groups, Mapping) else ():
        if isinstance(group, Mapping):
            yield from _group(group, ("groups", name))
    yield from _currency(document)


def _points(currency: Plain, path: Path) -> Iterator[Finding]:
    expires = part(currency, "expires")
    yield from at_most_one(expires, ("after", "end_of", "inactive_for"), (*path, "expires"), "expiry")
    yield from only_with(expires, "plus", ("end_of",), (*path, "expires"))
    yield from only_with(currency, "value_points", ("value",), path)


def _tiers(tiers: Plain) -> Iterator[Finding]:
    before: int | None = None
    names: set[str] = set()
    for path, level in items(tiers.get("levels"), ("tiers", "levels")):
        start, name = number(level.get("from")), level.get("tier")
        if start is not None and before is not None and start <= before:
            message = f"tiers rise: {start} stands after {before}"
            yield (*path, "from"), message, "sort them from the lowest, each higher"
        if isinstance(name, str) and name in names:
            yield (*path, "tier"), f"`{name}` is another tier's name too", ""
        before = start if start is not None else before
        names |= {name} if isinstance(name, str) else set()
    if tiers.get("period") == "ever" and tiers.get("grace") is not None:
        yield ("tiers", "grace"), "with `period: ever` nobody falls, and nobody needs a grace", "remove `grace`"


def _never(lines: Plain, path: Path) -> Iterator[Finding]:
    for name in given(lines, ("amount", "quantity", "count")):
        yield (*path, name), f"this names lines, `{name}` sums them up", f"remove `{name}`"


def _group(group: Plain, path: Path) -> Iterator[Finding]:
    if not given(group, ("mode", "cap")):
        yield path, "nothing is said of the group", "write its `mode`, its `cap` or both"
    yield from limit_findings(group.get("cap"), (*path, "cap"))


def _currency(document: Plain) -> Iterator[Finding]:
    """One programme, one currency of money."""
    own = document.get("currency")
    first: tuple[Path, str] | None = (("currency",), own) if isinstance(own, str) else None
    for path, currency in currencies_of(document, ()):
        if first is None:
            first = path, currency
        elif currency != first[1]:
            yield path, f"{currency} here, {first[1]} in {dotted(first[0])}: one programme, one currency", ""
