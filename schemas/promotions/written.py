"""The values a promotion document spells out in words: `10.00 EUR`, `30d`, `5 %`, `2026-11-01`, `07:00-22:00`.

Each type parses its text exactly, prints the same text again, and refuses anything else with the form it expects.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, ClassVar, Literal, Self, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from typing_extensions import override

from schemas.currencies import EXPONENTS


def refuse(message: str, suggestion: str = "") -> PydanticCustomError:
    """The error of a value that is not written as it should be; braces in the words are harmless."""
    return PydanticCustomError("written_wrong", "{message}", {"message": message, "suggestion": suggestion})


class Written:
    """Base of a value with a written form: `parse` reads it, `str` writes it."""

    pattern: ClassVar[str]
    example: ClassVar[str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """The value of this text; raises PydanticCustomError saying what was expected."""
        raise NotImplementedError

    @classmethod
    def _validate(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise refuse(f"expected text such as `{cls.example}`", cls.example)
        return cls.parse(str(value).strip())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accept the text or an instance, write the text."""
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """For editors: a string of this pattern."""
        return {"type": "string", "pattern": cls.pattern, "examples": [cls.example]}


@dataclass(frozen=True, slots=True)
class Money(Written):
    """An exact amount: integer minor units of an ISO 4217 currency, written `10.00 EUR`."""

    minor: int
    currency: str

    pattern: ClassVar[str] = r"^\d{1,12}(\.\d{1,3})? [A-Z]{3}$"
    example: ClassVar[str] = "10.00 EUR"

    @override
    @classmethod
    def parse(cls, text: str) -> Self:
        """Refuses a missing or unknown currency and more decimals than the currency has."""
        match = re.fullmatch(r"(\d{1,12})(?:\.(\d+))?(?: ?([A-Za-z]{3}))?", text)
        if match is None:
            raise refuse(f"`{text}` is no amount of money", cls.example)
        whole, decimals, code = match[1], match[2] or "", match[3] or ""
        if not code:
            raise refuse(f"`{text}` lacks its currency", f"{text} EUR")
        digits = EXPONENTS.get(code)
        if digits is None:
            known = code.upper() in EXPONENTS
            raise refuse(f"`{code}` is no ISO 4217 currency", f"{text[:-3].strip()} {code.upper() if known else 'EUR'}")
        if len(decimals) > digits:
            raise refuse(f"{code} has {digits} decimals, `{text}` has {len(decimals)}")
        return cls(int(whole) * 10**digits + int(decimals.ljust(digits, "0") or "0"), code)

    @override
    def __str__(self) -> str:
        """The written form, with all decimals of the currency."""
        digits = EXPONENTS[self.currency]
        if not digits:
            return f"{self.minor} {self.currency}"
        return f"{self.minor // 10**digits}.{self.minor % 10**digits:0{digits}} {self.currency}"


Unit = Literal["h", "d", "w", "mo", "y"]


@dataclass(frozen=True, slots=True)
class Duration(Written):
    """A length of time: hours are exact; days, weeks, months and years are counted on the local calendar."""

    count: int
    unit: Unit

    pattern: ClassVar[str] = r"^[1-9]\d{0,3} ?(h|d|w|mo|y)$"
    example: ClassVar[str] = "30d"

    @override
    @classmethod
    def parse(cls, text: str) -> Self:
        """Refuses zero and units other than h, d, w, mo and y."""
        match = re.fullmatch(r"([1-9]\d{0,3}) ?([a-z]+)", text)
        if match is None:
            raise refuse(f"`{text}` is no length of time", f"{text}d" if re.fullmatch(r"[1-9]\d{0,3}", text) else "30d")
        if match[2] not in get_args(Unit):
            unit = {"m": "mo"}.get(match[2], match[2][:1])
            unit = unit if unit in get_args(Unit) else "d"
            raise refuse(f"`{match[2]}` is no unit of time: h, d, w, mo or y", f"{match[1]}{unit}")
        return cls(int(match[1]), match[2])  # type: ignore[arg-type]  # just checked against the Literal

    @override
    def __str__(self) -> str:
        """The written form."""
        return f"{self.count}{self.unit}"


@dataclass(frozen=True, slots=True)
class Share(Written):
    """A share of members or of a price in hundredths of a percent, written `5 %`."""

    basis_points: int

    pattern: ClassVar[str] = r"^\d{1,3}(\.\d{1,2})? ?%$"
    example: ClassVar[str] = "5 %"

    @override
    @classmethod
    def parse(cls, text: str) -> Self:
        """Refuses more than 100 % and more than two decimals."""
        match = re.fullmatch(r"(\d{1,3})(?:\.(\d{1,2}))? ?(%?)", text)
        if match is None or not match[3]:
            raise refuse(f"`{text}` is no percentage", f"{text} %" if match else cls.example)
        share = cls(int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")))
        if share.basis_points > 10_000:
            raise refuse(f"`{text}` is more than 100 %")
        return share

    @override
    def __str__(self) -> str:
        """The written form."""
        whole, rest = divmod(self.basis_points, 100)
        return f"{whole} %" if not rest else f"{whole}.{rest:02} %"


class WholeShare(Share):
    """A percentage off a price: a whole number from 1 to 100."""

    pattern: ClassVar[str] = r"^\d{1,3} ?%$"
    example: ClassVar[str] = "20 %"

    @override
    @classmethod
    def parse(cls, text: str) -> Self:
        """Refuses fractions of a percent and zero."""
        share = super().parse(text)
        if share.basis_points % 100 or not share.basis_points:
            raise refuse(f"`{text}`: a discount is a whole percentage from 1 % to 100 %", cls.example)
        return share

    @property
    def percent(self) -> int:
        """Whole percent, 1 to 100."""
        return self.basis_points // 100


@dataclass(frozen=True, slots=True)
class LocalMoment(Written):
    """A day, or a day and a time, on the promotion's own clock; an offset is refused because the time zone says it."""

    day: date
    time: time | None = None

    pattern: ClassVar[str] = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?$"
    example: ClassVar[str] = "2026-11-01"

    @override
    @classmethod
    def parse(cls, text: str) -> Self:
        """Refuses days that do not exist."""
        if not re.fullmatch(cls.pattern, text):
            raise refuse(f"`{text}` is no day (or day and time)", f"{cls.example}` or `{cls.example}T08:00")
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise refuse(f"`{text}` does not exist: {error}") from None
        return cls(moment.date(), moment.time() if len(text) > 10 else None)

    @override
    def __str__(self) -> str:
        """The written form."""
        return self.day.isoformat() + (f"T{self.time.isoformat()}" if self.time is not None else "")


@dataclass(frozen=True, slots=True)
class Hours(Written):
    """A span of the local day in minutes since midnight, start included, end excluded; it may pass midnight."""

    start: int
    end: int

    pattern: ClassVar[str] = r"^\d{2}:\d{2}-\d{2}:\d{2}$"
    example: ClassVar[str] = "07:00-22:00"

    @override
    @classmethod
    def parse(cls, text: str) -> Self:
        """Refuses times that do not exist and an empty span."""
        match = re.fullmatch(r"(\d{1,2}):(\d{2}) ?- ?(\d{1,2}):(\d{2})", text)
        if match is None:
            raise refuse(f"`{text}` is no span of hours", cls.example)
        start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
        if start >= 1440 or end > 1440 or int(match[2]) > 59 or int(match[4]) > 59 or start == end:
            raise refuse(f"`{text}` is no span of a day's hours", cls.example)
        return cls(start, end)

    @override
    def __str__(self) -> str:
        """The written form."""
        return f"{self.start // 60:02}:{self.start % 60:02}-{self.end // 60:02}:{self.end % 60:02}"


@dataclass(frozen=True, slots=True)
class Progress(Written):
    """How far a goal has come in an example: an amount of money or a plain count."""

    count: int
    currency: str | None = None

    pattern: ClassVar[str] = r"^\d{1,12}(\.\d{1,3} [A-Z]{3})?$"
    example: ClassVar[str] = "15.00 EUR"

    @override
    @classmethod
    def parse(cls, text: str) -> Self:
        """Money when there is a currency, else a count."""
        if text.isdecimal() and len(text) <= 9:
            return cls(int(text))
        money = Money.parse(text)
        return cls(money.minor, money.currency)

    @override
    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """For editors: a count may be a bare number."""
        text = {"type": "string", "pattern": cls.pattern, "examples": [cls.example]}
        return {"anyOf": [{"type": "integer", "minimum": 0}, text]}

    @override
    def __str__(self) -> str:
        """The written form."""
        return str(self.count) if self.currency is None else str(Money(self.count, self.currency))
