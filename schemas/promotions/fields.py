"""What the parts of a document are made of: the strict base, names and lists of them, prices, periods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from schemas.promotions.written import Money, refuse
from schemas.values import Channel, PromotionId

NAMES_MAX = 10_000
"""A list in a document (of skus, stores …) holds at most this many."""


class Part(BaseModel):
    """Base of every part of a document: strict, frozen, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )


def listed(value: object) -> object:
    """A single value is a list of one."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def named(value: object) -> object:
    """Ids that look like numbers (store: 114) are names all the same."""
    return (
        tuple(str(v) if isinstance(v, int) and not isinstance(v, bool) else v for v in value)
        if isinstance(value, Sequence) and not isinstance(value, str)
        else value
    )


class AlsoOne:
    """For editors: a list may be written as its only element, and a name as a number."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The element, or the list."""
        found = handler(schema)
        item = handler.resolve_ref_schema(found)["items"]
        if item.get("type") == "string" and "enum" not in item:
            item = {"anyOf": [item, {"type": "integer"}]}
            found = {**found, "items": item}
        return {"anyOf": [item, found]}


class Also:
    """For editors: what may be written as a bare value instead of its fields, by these schemas."""

    def __init__(self, *shapes: JsonSchemaValue) -> None:
        self._shapes = shapes

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The value, or the fields."""
        return {"anyOf": [*self._shapes, handler(schema)]}


class AlsoNumber(Also):
    """For editors: what may be written as a bare whole number instead."""

    def __init__(self) -> None:
        super().__init__({"type": "integer"})


class AlsoText(Also):
    """For editors: what may be written as a bare text instead."""

    def __init__(self) -> None:
        super().__init__({"type": "string"})


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise refuse(f"`{name}` is no time zone of the IANA database", "Europe/Rome") from None
    return name


def _positive(money: Money) -> Money:
    if money.minor <= 0:
        raise refuse(f"`{money}`: more than nothing is needed here")
    return money


Price = Annotated[Money, AfterValidator(_positive)]
"""More than nothing."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Names = Annotated[
    tuple[Name, ...],
    BeforeValidator(named),
    BeforeValidator(listed),
    Field(min_length=1, max_length=NAMES_MAX),
    AlsoOne(),
]
"""One name or a list of them; any of them matches."""
Promotions = Annotated[tuple[PromotionId, ...], BeforeValidator(listed), Field(min_length=1, max_length=100), AlsoOne()]
"""One promotion's id or a list of them."""
Zone = Annotated[str, AfterValidator(_known_zone)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Period = Literal["order", "day", "week", "month", "quarter", "year", "campaign"]
"""`order`: one order or other event; weeks start on Monday."""
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Days = Annotated[tuple[Day, ...], BeforeValidator(listed), Field(min_length=1, max_length=7), AlsoOne()]
Channels = Annotated[tuple[Channel, ...], BeforeValidator(listed), Field(min_length=1, max_length=3), AlsoOne()]
Rounding = Literal["down", "half_up", "up"]
