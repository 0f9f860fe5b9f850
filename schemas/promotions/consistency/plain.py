"""A document's plain values, looked at without trusting their types: they may be mistakes themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic_core import PydanticCustomError

from schemas.promotions.source import Path
from schemas.promotions.written import Duration, LocalMoment, Money, Written

Finding = tuple[Path, str, str]
"""Path, what is wrong, suggestion."""
Plain = Mapping[str, Any]
Value = TypeVar("Value", bound=Written)
OFFERS = frozenset({"offer.issued", "offer.viewed", "offer.activated"})
ORDER = frozenset({"order.completed"})
COMPOSED = ("all", "any", "steps")
MEASURES = ("spend", "visits", "quantity", "distinct", "activities", "stamps")


def part(value: object, *names: str | int) -> Plain:
    """The mapping at a path, empty where there is none."""
    found = at(value, names)
    return found if isinstance(found, Mapping) else {}


def at(value: object, path: Sequence[str | int]) -> object:
    """What stands at a path, None where there is nothing."""
    for name in path:
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list | tuple) and isinstance(name, int) and name < len(value):
            value = value[name]
        else:
            return None
    return value


def items(value: object, path: Path) -> Iterator[tuple[Path, Plain]]:
    """The mappings of a list with their paths; an only element may stand for its list."""
    if isinstance(value, Mapping):
        yield path, value
    elif isinstance(value, list | tuple):
        yield from (((*path, place), item) for place, item in enumerate(value) if isinstance(item, Mapping))


def texts(value: object) -> list[str]:
    """The texts of a list, or the only one."""
    found = value if isinstance(value, list | tuple) else [value]
    return [text for text in found if isinstance(text, str)]


def number(value: object) -> int | None:
    """A whole number, None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def given(mapping: Plain, names: Sequence[str]) -> list[str]:
    """Which of these fields say something."""
    return [name for name in names if mapping.get(name) is not None and mapping.get(name) is not False]


def one_of(mapping: Plain, names: Sequence[str], path: Path, what: str, write: str = "") -> Iterator[Finding]:
    """Exactly one of these fields is needed."""
    found = given(mapping, names)
    if not found:
        yield path, f"{what} needs one of {', '.join(names)}", write
    yield from at_most_one(mapping, names, path, what)


def at_most_one(mapping: Plain, names: Sequence[str], path: Path, what: str) -> Iterator[Finding]:
    """No more than one of these fields says something."""
    for name in given(mapping, names)[1:]:
        yield (*path, name), f"{what} is one of {', '.join(names)}, not several", f"remove `{name}`"


def only_with(mapping: Plain, name: str, needed: Sequence[str], path: Path) -> Iterator[Finding]:
    """A field that means nothing without another."""
    if given(mapping, (name,)) and not given(mapping, needed):
        wanted = " or ".join(f"`{each}`" for each in needed)
        yield (*path, name), f"`{name}` means nothing without {wanted}", f"write {wanted} too, or remove it"


def money(value: object) -> Money | None:
    """An amount that is written rightly, None for anything else."""
    return _parsed(Money, value)


def duration(value: object) -> Duration | None:
    """The length of time, if it is one."""
    return _parsed(Duration, value)


def moment(value: object) -> LocalMoment | None:
    """A local day or moment that is written rightly, None for anything else."""
    return _parsed(LocalMoment, value)


def _parsed(kind: type[Value], value: object) -> Value | None:
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        return kind.parse(value.strip())
    except PydanticCustomError:
        return None


def ends_before(start: LocalMoment, end: LocalMoment) -> bool:
    """Whether a span ends before it starts; a day without a time is meant whole."""
    return (start.day, str(start.time or "")) > (end.day, str(end.time or "24"))


def triggers(value: object, default: frozenset[str]) -> frozenset[str]:
    """What `on` names; the default where it is left out."""
    return frozenset(texts(value)) if value is not None else default


def measures(document: Plain) -> Iterator[tuple[Path, Plain]]:
    """Every measure of the goal: the goal itself, or each part of it."""
    goal = part(document, "goal")
    composed = given(goal, COMPOSED)
    if not composed:
        if goal:
            yield ("goal",), goal
        return
    for name in composed:
        yield from items(goal[name], ("goal", name))


def rewards(document: Plain) -> Iterator[tuple[Path, Plain]]:
    """Every reward, those of the variants included, not those of an instant win's prizes."""
    yield from items(document.get("reward"), ("reward",))
    for path, variant in items(document.get("variants"), ("variants",)):
        yield from items(variant.get("reward"), (*path, "reward"))


def prize_rewards(document: Plain) -> Iterator[tuple[Path, Plain]]:
    """What the prizes of an instant win are."""
    prizes = part(document, "contest", "instant_win").get("prizes")
    for path, prize in items(prizes, ("contest", "instant_win", "prizes")):
        if isinstance(prize.get("reward"), Mapping):
            yield (*path, "reward"), prize["reward"]


def wheres(where: object, path: Path) -> Iterator[tuple[Path, Plain]]:
    """A `where` and all those inside it."""
    if isinstance(where, Mapping):
        yield path, where
        for name in ("all", "any", "none"):
            inner = where.get(name)
            found = inner if isinstance(inner, list | tuple) else [inner]
            for place, each in enumerate(found):
                deeper = (*path, name, place) if isinstance(inner, list | tuple) else (*path, name)
                yield from wheres(each, deeper)
