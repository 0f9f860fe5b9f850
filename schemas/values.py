"""The scalars every schema shares: ids, money, quantities, instants and texts in several languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints
from pydantic_core import PydanticCustomError

from schemas.currencies import EXPONENTS


class Record(BaseModel):
    """Base of what arrives from others: unknown fields are ignored, known ones are strict, instances are frozen."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


def _known_currency(code: str) -> str:
    if code not in EXPONENTS:
        raise PydanticCustomError("unknown_currency", "{code} is no ISO 4217 currency", {"code": code})
    return code


def _minor_units(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        if isinstance(value, float | str):
            raise PydanticCustomError(
                "invalid_amount",
                "an amount is a whole number of minor units (1299 for 12.99 EUR), not {value}",
                {"value": repr(value)},
            )
    return value


def _aware_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise PydanticCustomError("naive_time", "a time needs its offset, e.g. 2026-11-22T10:00:00Z")
    return moment.astimezone(UTC)


_DECIMAL = re.compile(r"\d{1,9}(\.\d{1,6})?")


def _quantity(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise PydanticCustomError("invalid_quantity", "a quantity is an integer, or a decimal string for weighed goods")
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise PydanticCustomError("invalid_quantity", "{value} is no decimal quantity such as 0.482", {"value": value})
    return Decimal(value)


def _plain_quantity(value: Decimal) -> int | str:
    return int(value) if value == value.to_integral_value() else format(value, "f")


def rfc3339(moment: datetime) -> str:
    """An aware instant in UTC with milliseconds, e.g. `2026-11-22T10:00:03.120Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


ForeignId = Annotated[str, StringConstraints(min_length=1, max_length=128)]
"""An id somebody else made: opaque, 1 to 128 characters."""
MemberId = ForeignId
PromotionId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Currency = Annotated[str, StringConstraints(min_length=3, max_length=3), AfterValidator(_known_currency)]
AmountMinor = Annotated[int, BeforeValidator(_minor_units), Field(ge=-(10**15), le=10**15, description="minor units")]
Quantity = Annotated[
    Decimal,
    BeforeValidator(_quantity, json_schema_input_type=int | str),
    PlainSerializer(_plain_quantity, return_type=int | str),
    Field(ge=0),
]
Moment = Annotated[
    datetime,
    AfterValidator(_aware_utc),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
]
Language = Literal["en", "it", "el"]
Text = dict[Language, str]
"""One sentence in several languages, e.g. `{"en": "5 € off", "it": "5 € di sconto"}`."""
Channel = Literal["pos", "app", "web"]
