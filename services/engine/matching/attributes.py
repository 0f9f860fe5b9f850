"""Conditions on attributes: what a source told of a member or an event beside the fields we know."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from schemas.promotions.conditions import AttributeMatch
from services.engine.matching.condition import Condition
from services.engine.occasion import Occasion

Found = Callable[[Occasion], Mapping[str, object]]


def attribute_conditions(path: str, wanted: Mapping[str, AttributeMatch], find: Found) -> list[Condition]:
    """One condition an attribute."""
    return [_condition(f"{path}.{name}", name, match, find) for name, match in wanted.items()]


def _condition(path: str, name: str, match: AttributeMatch, find: Found) -> Condition:
    test = _test(match)
    required = match.model_dump(exclude_none=True, by_alias=True, mode="json")
    return Condition(path, required, lambda o: test(find(o).get(name)), lambda o: find(o).get(name))


def _test(match: AttributeMatch) -> Callable[[object], bool]:
    # 1 and true are equal in Python; in a document they are not.
    wanted = frozenset([_typed(value) for value in match.is_]) if match.is_ is not None else None
    unwanted = frozenset([_typed(value) for value in match.not_]) if match.not_ is not None else None
    low, high, present = match.at_least, match.at_most, match.present

    def holds(value: object) -> bool:
        if wanted is not None and _typed(value) not in wanted:
            return False
        if unwanted is not None and _typed(value) in unwanted:
            return False
        if low is not None or high is not None:
            number = _number(value)
            if number is None or (low is not None and number < low) or (high is not None and number > high):
                return False
        return present is None or (value is not None) is present

    return holds


def _typed(value: object) -> tuple[bool, object]:
    return (isinstance(value, bool), value)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
