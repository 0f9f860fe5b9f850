"""Every field of the language, set and not set: pairs of documents that differ in one place."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any, Literal

from annotated_types import MinLen

from schemas.promotions.conditions import LineMatch
from schemas.promotions.fields import Part
from schemas.promotions.goals import Goal
from schemas.promotions.rewards import Factor, PointsReward
from schemas.promotions.written import Duration, Hours, LocalMoment, Money, Progress, Share, WholeShare

WRITTEN: dict[type, tuple[str, str]] = {
    Money: ("5.00 EUR", "8.00 EUR"),
    Duration: ("30d", "2w"),
    Share: ("5 %", "7.5 %"),
    WholeShare: ("20 %", "30 %"),
    LocalMoment: ("2026-11-08", "2026-12-24T18:30"),
    Hours: ("07:00-12:00", "22:00-02:00"),
    Factor: ("2", "2.5"),
    Progress: ("3", "4.00 EUR"),
}
BY_PATTERN = {"^[0-9a-f]{64}$": ("ab" * 32, "cd" * 32), "^[A-Z0-9][A-Z0-9-]{2,31}$": ("SPRING", "AUTUMN")}
COMPANIONS: dict[type[Part], dict[str, Any]] = {
    Goal: {"visits": 3},
    PointsReward: {"earn": 10, "times": Factor(300)},
}
"""What a part needs beside a field for the field to mean something."""
Pair = tuple[str, Part, Part]


def changes(model: type[Part], chain: tuple[type[Part], ...] = ()) -> Iterator[Pair]:
    """(path, a, b): two parts that differ in what stands at the path only, for every path of the model."""
    for name, field in model.model_fields.items():
        annotation = field.rebuild_annotation()
        first, second = values(annotation)
        pairs = [(first, second)]
        default = field.get_default(call_default_factory=True)
        if not field.is_required():
            pairs += [(default, value) for value in (first, second) if value != default]
        for before, after in pairs:
            if before != after:
                yield name, build(model, name, before), build(model, name, after)
        for inner in parts(annotation):
            if (*chain, model).count(inner) > (inner is LineMatch):
                continue
            for path, one, other in changes(inner, (*chain, model)):
                a, b = wrapped(annotation, one), wrapped(annotation, other)
                yield f"{name}.{path}", build(model, name, a), build(model, name, b)


def build(model: type[Part], name: str, value: Any) -> Part:
    """The smallest part of the model that says this."""
    said = {
        other: values(field.rebuild_annotation())[0]
        for other, field in model.model_fields.items()
        if field.is_required()
    }
    said |= COMPANIONS.get(model, {})
    return model.model_construct(**{**defaults(model), **said, name: value}, _fields_set={*said, name})


def defaults(model: type[Part]) -> dict[str, Any]:
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
        if not field.is_required()
    }


def parts(annotation: Any) -> list[type[Part]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return [annotation]
    return list(dict.fromkeys(part for inner in typing.get_args(annotation) for part in parts(inner)))


def wrapped(annotation: Any, part: Part) -> Any:
    """The part, in the list or mapping that the field wants."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return wrapped(args[0], part) if not _pairs(args) else (part, values(parts(args[0])[0])[0])
    if origin in (typing.Union, types.UnionType):
        return wrapped(next(each for each in args if parts(each)), part)
    if origin is tuple:
        return (part,)
    return {"some": part} if origin is dict else part


def _pairs(args: tuple[Any, ...]) -> bool:
    return any(
        isinstance(mark, MinLen) and mark.min_length == 2 for each in args[1:] for mark in getattr(each, "metadata", [])
    )


def values(annotation: Any) -> tuple[Any, Any]:
    """Two values of the annotation that are not the same."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _annotated(args)
    if origin in (typing.Union, types.UnionType):
        return values(next(each for each in args if each is not type(None)))
    if origin is Literal:
        return args[-1], args[0]
    if origin is tuple:
        first, second = values(args[0])
        return (first,), (second,)
    if origin is dict:
        keys = values(args[0]) if typing.get_origin(args[0]) is Literal else ("some", "some")
        return {keys[1]: values(args[1])[0]}, {keys[1]: values(args[1])[1]}
    return _plain(annotation)


def _annotated(args: tuple[Any, ...]) -> tuple[Any, Any]:
    for mark in args[1:]:
        pattern = getattr(mark, "pattern", None)
        if pattern in BY_PATTERN:
            return BY_PATTERN[pattern]
    first, second = values(args[0])
    return ((*first, *first), (*second, *second)) if _pairs(args) else (first, second)


def _plain(annotation: Any) -> tuple[Any, Any]:
    if annotation in WRITTEN:
        written = WRITTEN[annotation]
        return annotation.parse(written[0]), annotation.parse(written[1])
    if annotation is bool:
        return True, False
    if annotation is int:
        return 12, 7
    if annotation is str:
        return "some", "other"
    if isinstance(annotation, type) and issubclass(annotation, Part):
        whole = build(annotation, *_first(annotation, 0))
        return whole, build(annotation, *_first(annotation, 1))
    raise AssertionError(annotation)


def _first(model: type[Part], which: int) -> tuple[str, Any]:
    """A field of the model with nothing deep in it, and a value of it."""
    for name, field in model.model_fields.items():
        annotation = field.rebuild_annotation()
        if not parts(annotation):
            return name, values(annotation)[which]
    name, field = next(iter(model.model_fields.items()))
    return name, values(field.rebuild_annotation())[which]
