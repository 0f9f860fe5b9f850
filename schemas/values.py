"""The scalars every schema shares: ids, money, quantities, instants and texts in several languages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.currencies import EXPONENTS


class Record(BaseModel):
    """Base of what arrives from others: unknown fields are ignored, known ones are strict, instances are frozen."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


def _known_currency(code: str) -> str:
    if code not in EXPONENTS:
        raise PydanticCustomError("unknown_currency", "{code} is no ISO 4217 currency", {"code": code})
    return code


def _aware_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise PydanticCustomError("naive_time", "a time needs its offset, e.g. 2026-11-22T10:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first or last day of the calendar, which elsewhere is another year
        raise PydanticCustomError("invalid_time", "a time outside the years 1 to 9999") from None


def rfc3339(moment: datetime) -> str:
    """An aware instant in UTC with milliseconds, e.g. `2026-11-22T10:00:03.120Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


ForeignId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00]*$")]
"""An id somebody else made: opaque, 1 to 128 characters, no NUL (no database column holds one)."""
MemberId = ForeignId
AttributeText = Annotated[str, StringConstraints(max_length=1024, pattern=r"^[^\x00]*$")]
AttributeNumber = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Attributes = dict[str, AttributeText | AttributeNumber | bool | None]
"""What a source tells beside the fields we know; each value is one that a database column or a wallet can hold."""
PromotionId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Currency = Annotated[str, StringConstraints(min_length=3, max_length=3), AfterValidator(_known_currency)]
AmountMinor = Annotated[int, Field(ge=-(10**15), le=10**15, description="minor units")]
Quantity = Annotated[int, Field(ge=0, le=10**9)] | Annotated[str, StringConstraints(pattern=r"^\d{1,9}(\.\d{1,6})?$")]
"""Pieces as an integer, weighed goods as a decimal string such as "0.482"; `Decimal(quantity)` is exact for both."""
Moment = Annotated[
    datetime,
    AfterValidator(_aware_utc),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Language = Literal["en", "it", "el"]
Text = dict[Language, str]
"""One sentence in several languages, e.g. `{"en": "5 € off", "it": "5 € di sconto"}`."""
Channel = Literal["pos", "app", "web"]
