"""Broken records of every kind that may arrive, each made from a real order and sent straight to Kafka."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import orjson

from schemas.dead_letters import Reason
from schemas.envelope import CloudEvent, to_kafka
from services.settings import Settings


@dataclass(frozen=True, slots=True)
class Raw:
    """One Kafka record, byte for byte."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to be wrong: how it is made from a good event just stamped, and the reason it must be refused with."""

    name: str
    reason: Reason
    spoil: Callable[[CloudEvent, Settings], Raw]


def _raw(event: CloudEvent, *, key: bytes | None = None) -> Raw:
    headers, value = to_kafka(event)
    return Raw(key or (event.subject or "").encode(), value or b"", headers)


def _renamed(event: CloudEvent, name: str) -> CloudEvent:
    """An id of its own, so that the good event it was made from stays untouched."""
    return replace(event, id=f"{event.id}-{name}")


def _with(event: CloudEvent, name: str, change: Callable[[dict[str, Any]], object]) -> Raw:
    data = orjson.loads(event.data or b"{}")
    change(data)
    return _raw(replace(_renamed(event, name), data=orjson.dumps(data)))


def _not_json(event: CloudEvent, _: Settings) -> Raw:
    raw = _raw(_renamed(event, "cut-short"))
    return replace(raw, value=raw.value[: len(raw.value) // 2])


def _missing_field(event: CloudEvent, _: Settings) -> Raw:
    return _with(event, "no-total", lambda data: data.pop("total"))


def _wrong_type(event: CloudEvent, _: Settings) -> Raw:
    return _with(event, "lines-in-words", lambda data: data.update(lines="two apples and a loaf of bread"))


def _decimals(event: CloudEvent, _: Settings) -> Raw:
    return _with(event, "decimals", lambda data: data.update(total=12.995))


def _currency(event: CloudEvent, _: Settings) -> Raw:
    return _with(event, "ducats", lambda data: data.update(currency="DUC"))


def _foreign_key(event: CloudEvent, _: Settings) -> Raw:
    return _raw(_renamed(event, "foreign-key"), key=b"somebody-else")


def _other_content(event: CloudEvent, _: Settings) -> Raw:
    data = orjson.loads(event.data or b"{}")
    data["total"] += 100_00
    return _raw(replace(event, data=orjson.dumps(data)))


def _tomorrow(event: CloudEvent, settings: Settings) -> Raw:
    later = event.time + settings.future_tolerance + timedelta(hours=1)
    return _raw(replace(_renamed(event, "tomorrow"), time=later))


def _long_ago(event: CloudEvent, settings: Settings) -> Raw:
    earlier = event.time - settings.lateness_horizon - timedelta(days=1)
    return _raw(replace(_renamed(event, "long-ago"), time=earlier))


KINDS: tuple[Kind, ...] = (
    Kind("cut short, so no JSON", "not_json", _not_json),
    Kind("no total", "missing_field", _missing_field),
    Kind("lines written as a sentence", "wrong_type", _wrong_type),
    Kind("a total of 12.995", "invalid_amount", _decimals),
    Kind("paid in a currency that does not exist", "unknown_currency", _currency),
    Kind("the key is somebody else", "key_mismatch", _foreign_key),
    Kind("an id used before, for another total", "id_conflict", _other_content),
    Kind("more than a day in the future", "too_far_in_future", _tomorrow),
    Kind("older than the horizon", "too_late", _long_ago),
)
