"""Which events count: `where`, compiled to conditions over an occasion.

The lines that match the outermost `where.lines` are those that count (`occasion.places`); inside `all`, `any` and
`none` lines are only asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from schemas.promotions.conditions import Bounds, CountBounds, LineMatch, Where
from schemas.promotions.written import Money
from services.engine.matching.attributes import attribute_conditions
from services.engine.matching.condition import Condition, Holds, one_of
from services.engine.matching.lines import LINE_FIELDS, LineTest, line_test
from services.engine.occasion import Occasion, pieces_of
from services.engine.trace import Miss


def where_conditions(where: Where, path: str = "where", *, counting: bool = True) -> list[Condition]:
    """Every condition of it; `counting`: its lines are those that count."""
    found: list[Condition] = []
    for name, get in _NAMED.items():
        names = getattr(where, name)
        if names is not None:
            found.append(one_of(f"{path}.{name}", names, get))
    if where.region is not None:
        regions = where.region
        found.append(
            Condition(f"{path}.region", list(regions), lambda o: o.store in o.terms.stores_of(regions), _store)
        )
    if where.total is not None:
        found += _money(f"{path}.total", where.total, lambda o: o.total)
    if where.subtotal is not None:
        found += _money(f"{path}.subtotal", where.subtotal, _subtotal)
    if where.quantity is not None:
        found += _counts(f"{path}.quantity", where.quantity, lambda o: sum([pieces_of(x) for x in o.lines()]))
    if where.attributes is not None:
        found += attribute_conditions(f"{path}.attributes", where.attributes, _attributes)
    if where.lines is not None:
        found += _line_conditions(f"{path}.lines", where.lines, counting=counting)
    for word, parts in (("all", where.all), ("any", where.any), ("none", where.none)):
        if parts is not None:
            found.append(_combined(f"{path}.{word}", word, parts))
    return found


def _store(o: Occasion) -> str:
    return o.store


def _payment(o: Occasion) -> str | None:
    return o.order.payment_method if o.order is not None else None


def _name(o: Occasion) -> str:
    return o.name


_NAMED: Mapping[str, Callable[[Occasion], object]] = {
    "channel": lambda o: o.channel,
    "store": _store,
    "payment_method": _payment,
    "promotion": _name,
    "tier": _name,
}


def _subtotal(o: Occasion) -> int:
    order = o.order
    if order is None:
        return o.total
    return order.subtotal if order.subtotal is not None else order.total + abs(order.discount or 0)


def _attributes(o: Occasion) -> Mapping[str, object]:
    return getattr(o.data, "attributes", None) or {}


def _money(path: str, bounds: Bounds, get: Callable[[Occasion], int]) -> list[Condition]:
    found = []
    if bounds.at_least is not None:
        low, currency = bounds.at_least.minor, bounds.at_least.currency
        found.append(
            Condition(
                f"{path}.at_least",
                str(bounds.at_least),
                lambda o: get(o) >= low,
                lambda o: str(Money(get(o), currency)),
                lambda o: Miss("money", low - get(o), currency),
            )
        )
    if bounds.at_most is not None:
        high, money = bounds.at_most.minor, bounds.at_most.currency
        found.append(
            Condition(
                f"{path}.at_most",
                str(bounds.at_most),
                lambda o: get(o) <= high,
                lambda o: str(Money(get(o), money)),
                lambda o: Miss("money", get(o) - high, money),
            )
        )
    return found


def _counts(path: str, bounds: CountBounds, get: Callable[[Occasion], int]) -> list[Condition]:
    found = []
    low, high = bounds.at_least, bounds.at_most
    if low is not None:
        found.append(
            Condition(f"{path}.at_least", low, lambda o: get(o) >= low, get, lambda o: Miss("count", low - get(o)))
        )
    if high is not None:
        found.append(
            Condition(f"{path}.at_most", high, lambda o: get(o) <= high, get, lambda o: Miss("count", get(o) - high))
        )
    return found


def _line_conditions(path: str, wanted: LineMatch, *, counting: bool) -> list[Condition]:
    matches = line_test(wanted)

    def holds(o: Occasion) -> bool:
        places = _places(o, matches)
        if counting:
            o.places = places
        return bool(places)

    found = [Condition(path, _lines_required(wanted), holds, lambda o: len(_places(o, matches)))]
    if wanted.amount is not None:
        found += _money(f"{path}.amount", wanted.amount, lambda o: _amount(o, matches))
    if wanted.quantity is not None:
        found += _counts(f"{path}.quantity", wanted.quantity, lambda o: _pieces(o, matches))
    if wanted.count is not None:
        found += _counts(f"{path}.count", wanted.count, lambda o: len(_places(o, matches)))
    return found


def _places(o: Occasion, matches: LineTest) -> list[int]:
    taken = o.taken
    if not taken:
        return [place for place, line in enumerate(o.lines()) if matches(line)]
    return [place for place, line in enumerate(o.lines()) if place not in taken and matches(line)]


def _amount(o: Occasion, matches: LineTest) -> int:
    counted = o.counted()
    return sum([counted[place] for place in _places(o, matches)])


def _pieces(o: Occasion, matches: LineTest) -> int:
    lines = o.lines()
    return sum([pieces_of(lines[place]) for place in _places(o, matches)])


def _lines_required(wanted: LineMatch) -> dict[str, list[str]]:
    return {name: list(getattr(wanted, name)) for name in LINE_FIELDS if getattr(wanted, name) is not None}


def _none(held: Iterable[bool]) -> bool:
    return not any(held)


_ENOUGH: Mapping[str, Callable[[Iterable[bool]], bool]] = {"all": all, "any": any, "none": _none}


def _combined(path: str, word: str, parts: Sequence[Where]) -> Condition:
    tests = [_whole(part, f"{path}[{place}]") for place, part in enumerate(parts)]
    enough = _ENOUGH[word]
    return Condition(
        path,
        [part.model_dump(exclude_none=True, by_alias=True, mode="json") for part in parts],
        lambda o: enough([test(o) for test in tests]),
        lambda o: [test(o) for test in tests],
    )


def _whole(where: Where, path: str) -> Holds:
    conditions = where_conditions(where, path, counting=False)
    return lambda o: all(condition.holds(o) for condition in conditions)
