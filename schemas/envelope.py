"""CloudEvents 1.0 envelopes: binary and structured, on Kafka and over HTTP, in both directions.

Source: CloudEvents v1.0.2, its JSON format, its Kafka and its HTTP protocol bindings. Binary mode carries each
attribute in a header (`ce_id` on Kafka, `ce-id` over HTTP) and the data as the value; structured mode carries the whole
event as one JSON object. The `cloudevents` package is the oracle in the tests; this is its hot path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

import orjson

from schemas.values import rfc3339

MESSAGE_MAX = 1_000
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
JSON = "application/json"
_KNOWN = frozenset({"id", "source", "type", "specversion", "time", "subject", "datacontenttype", "dataschema", "data"})
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_HEADER_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
"""What the HTTP binding leaves as it is in a header value: printable ASCII without blank, double quote and percent."""

Headers = Iterable[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: a dead-letter reason code, its place (RFC 6901) and a sentence."""

    reason: str
    pointer: str
    message: str


class EnvelopeError(ValueError):
    """The envelope cannot be read; `reason` is a dead-letter reason code and `pointer` the place (RFC 6901).

    `faults` lists everything that is wrong, the one of `reason` first.
    """

    def __init__(self, reason: str, message: str, pointer: str = "", faults: tuple[Fault, ...] = ()) -> None:
        # What arrived is quoted in it: of any length, and no text column holds a NUL.
        message = message.replace("\x00", "\\0")[:MESSAGE_MAX]
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.pointer = pointer
        self.faults = faults or (Fault(reason, pointer, message),)


@dataclass(slots=True)
class CloudEvent:
    """One event as it crosses a boundary: attributes decoded, `data` still the JSON bytes (None on a tombstone)."""

    id: str
    source: str
    type: str
    time: datetime
    subject: str | None
    data: bytes | None
    dataschema: str | None = None
    extensions: dict[str, str] = field(default_factory=dict)


def parse_time(text: str) -> datetime:
    """An RFC 3339 instant in UTC; EnvelopeError when it is none or lacks its offset."""
    if _RFC3339.fullmatch(text) is None:
        raise EnvelopeError("invalid_time", f"time {text!r:.60} is not RFC 3339 with its offset", "/time")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except ValueError:
        raise EnvelopeError("invalid_time", f"time {text!r:.60} is no moment of the calendar", "/time") from None
    except OverflowError:
        raise EnvelopeError("invalid_time", f"time {text!r:.60} is out of range", "/time") from None


def from_attributes(attributes: Mapping[str, str], data: bytes | None) -> CloudEvent:
    """An event from its attributes by their CloudEvents names; EnvelopeError when a required one is missing."""
    for name in ("id", "source", "type", "time"):
        if not attributes.get(name):
            raise EnvelopeError("missing_field", f"the CloudEvents attribute {name!r} is missing", f"/{name}")
    if attributes.get("specversion") != "1.0":
        raise EnvelopeError("invalid_envelope", "specversion is not 1.0", "/specversion")
    return CloudEvent(
        id=_bounded(attributes, "id", 128),
        source=_bounded(attributes, "source", 256),
        type=_bounded(attributes, "type", 128),
        time=parse_time(attributes["time"]),
        subject=attributes.get("subject"),
        data=data,
        dataschema=attributes.get("dataschema"),
        extensions={name: value for name, value in attributes.items() if name not in _KNOWN},
    )


def _bounded(attributes: Mapping[str, str], name: str, longest: int) -> str:
    value = attributes[name]
    if len(value) > longest or "\x00" in value:
        told = f"{name} is longer than {longest} characters or holds a NUL"
        raise EnvelopeError("invalid_envelope", told, f"/{name}")
    return value


def from_structured(body: bytes) -> CloudEvent:
    """An event from its JSON object (`application/cloudevents+json`)."""
    try:
        return from_object(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise EnvelopeError("not_json", f"the event is not JSON: {error}") from None


def from_object(event: Any) -> CloudEvent:
    """An event from the already decoded JSON object of structured mode."""
    if not isinstance(event, dict):
        raise EnvelopeError("invalid_envelope", "a structured CloudEvent is a JSON object")
    if "data_base64" in event:
        raise EnvelopeError("invalid_envelope", "data_base64 is not accepted: send JSON data", "/data_base64")
    attributes = {}
    for name, value in event.items():
        if name == "data" or value is None:
            continue
        if not isinstance(value, str | int | bool):
            raise EnvelopeError("wrong_type", f"the attribute {name!r} must be a string", f"/{name}")
        if name in _KNOWN and not isinstance(value, str):
            raise EnvelopeError("wrong_type", f"the attribute {name!r} must be a string", f"/{name}")
        attributes[name] = value if isinstance(value, str) else _canonical(value)
    data = event.get("data")
    try:
        return from_attributes(attributes, None if data is None else orjson.dumps(data))
    except orjson.JSONEncodeError as error:  # it reads deeper nesting than it writes
        raise EnvelopeError("not_json", f"the data cannot be written as JSON again: {error}", "/data") from None


def _canonical(value: int | bool) -> str:
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def from_kafka(headers: Headers, value: bytes | None) -> CloudEvent:
    """An event from a Kafka record, in whichever mode its content type says."""
    attributes: dict[str, str] = {}
    content_type = ""
    try:
        for name, raw in headers:
            if raw is None:
                continue
            if name.startswith("ce_"):
                attributes[name[3:]] = raw.decode()
            elif name.lower() == "content-type":
                content_type = raw.decode().lower()
    except UnicodeDecodeError:
        raise EnvelopeError("invalid_envelope", "a header is not UTF-8") from None
    if content_type.startswith("application/cloudevents"):
        if value is None:
            raise EnvelopeError("not_json", "a structured event has no value")
        return from_structured(value)
    if not attributes:
        raise EnvelopeError("invalid_envelope", "neither ce_ headers nor a structured content type")
    return from_attributes(attributes, value)


def to_kafka(event: CloudEvent) -> tuple[list[tuple[str, bytes]], bytes | None]:
    """Headers and value of a binary-mode Kafka record."""
    headers = [(f"ce_{name}", value.encode()) for name, value in _attributes(event)]
    if event.data is not None:
        headers.append(("content-type", JSON.encode()))
    return headers, event.data


def to_kafka_structured(event: CloudEvent) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and value of a structured-mode Kafka record."""
    return [("content-type", f"{STRUCTURED}; charset=UTF-8".encode())], to_structured(event)


def to_structured(event: CloudEvent) -> bytes:
    """The event as one JSON object."""
    body: dict[str, Any] = dict(_attributes(event))
    if event.data is not None:
        body["datacontenttype"] = JSON
        body["data"] = orjson.Fragment(event.data)
    return orjson.dumps(body)


def from_http(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    """An event from one HTTP message in binary or structured mode (header names in lower case)."""
    if headers.get("content-type", "").lower().startswith(STRUCTURED):
        return from_structured(body)
    attributes = {name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")}
    if not attributes:
        raise EnvelopeError("invalid_envelope", f"neither ce- headers nor content-type {STRUCTURED}")
    return from_attributes(attributes, body or None)


def to_http(event: CloudEvent) -> tuple[dict[str, str], bytes]:
    """Headers and body of a binary-mode HTTP message; values are percent-encoded as the HTTP binding says."""
    headers = {f"ce-{name}": quote(value, safe=_HEADER_SAFE) for name, value in _attributes(event)}
    if event.data is None:
        return headers, b""
    return {**headers, "content-type": JSON}, event.data


def _attributes(event: CloudEvent) -> list[tuple[str, str]]:
    pairs = [
        ("specversion", "1.0"),
        ("id", event.id),
        ("source", event.source),
        ("type", event.type),
        ("time", rfc3339_exact(event.time)),
    ]
    if event.subject is not None:
        pairs.append(("subject", event.subject))
    if event.dataschema is not None:
        pairs.append(("dataschema", event.dataschema))
    return pairs + list(event.extensions.items())


def rfc3339_exact(moment: datetime) -> str:
    """An aware instant in UTC with all the digits it has, so that a round trip changes nothing."""
    if moment.microsecond % 1000 == 0:
        return rfc3339(moment)
    return moment.astimezone(UTC).isoformat()[:-6] + "Z"
