"""From the body of `POST /v1/events` to events that may be accepted, or to what is wrong with each; no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from schemas.envelope import BATCH, JSON, STRUCTURED, CloudEvent, EnvelopeError, Fault, from_http, from_object
from schemas.events.catalogue import EVENT_TYPES, Event, UnknownType, decode, same_content
from services.gateway.writer import EVENT_BYTES_MAX
from services.ledger.validate import TimeWindow
from services.problems import Problem

BATCH_EVENTS_MAX = 1000
BODY_BYTES_MAX = 8_000_000


@dataclass(frozen=True, slots=True)
class Valid:
    """An event that may go to Kafka."""

    envelope: CloudEvent
    event: Event


@dataclass(frozen=True, slots=True)
class Invalid:
    """What is wrong with one event; source and id as far as they could be read."""

    source: str | None
    id: str | None
    faults: tuple[Fault, ...]

    def problem(self) -> Problem:
        """The refusal, with a JSON pointer into the event (in its structured form) for every fault."""
        errors = [{"pointer": f.pointer, "reason": f.reason, "detail": f.message} for f in self.faults]
        return Problem(
            "invalid-event", "; ".join(f"{f.pointer} {f.message}".strip() for f in self.faults), errors=errors
        )


Judged = Valid | Invalid


def is_batch(headers: Mapping[str, str]) -> bool:
    """Whether the request carries several events."""
    return _media_type(headers) == BATCH


def read(headers: Mapping[str, str], body: bytes, now: datetime, window: TimeWindow) -> list[Judged]:
    """Every event of the request, judged by itself, in their order.

    Raises Problem for a request that is none: an unknown content type, a batch that is no array or too long.
    """
    if is_batch(headers):
        return _told_apart([_judge_object(item, now, window) for item in _batch(body)])
    media_type = _media_type(headers)
    binary = any(name.startswith("ce-") for name in headers)
    if media_type != STRUCTURED and not binary:
        raise Problem(
            "unsupported-media-type",
            f"content-type is {media_type or 'missing'}: send {STRUCTURED}, {BATCH}, or ce- headers with {JSON}",
        )
    try:
        envelope = from_http(headers, body)
    except EnvelopeError as error:
        return [Invalid(headers.get("ce-source"), headers.get("ce-id"), error.faults)]
    return [_judge(envelope, now, window)]


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").split(";")[0].strip().lower()


def _batch(body: bytes) -> list[Any]:
    try:
        items = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        fault = Fault("not_json", "", f"the batch is not JSON: {error}")
        raise Invalid(None, None, (fault,)).problem() from None
    if not isinstance(items, list):
        raise Invalid(None, None, (Fault("invalid_envelope", "", "a batch is a JSON array of events"),)).problem()
    if len(items) > BATCH_EVENTS_MAX:
        raise Problem("too-large", f"{len(items)} events in one batch, at most {BATCH_EVENTS_MAX} are taken")
    return items


def _judge_object(item: Any, now: datetime, window: TimeWindow) -> Judged:
    try:
        return _judge(from_object(item), now, window)
    except EnvelopeError as error:
        named = item if isinstance(item, dict) else {}
        source, id_ = named.get("source"), named.get("id")
        return Invalid(source if isinstance(source, str) else None, id_ if isinstance(id_, str) else None, error.faults)


def _judge(envelope: CloudEvent, now: datetime, window: TimeWindow) -> Judged:
    try:
        event = decode(envelope)
    except UnknownType:
        fault = Fault("unknown_type", "/type", f"type is none of {', '.join(sorted(EVENT_TYPES))}")
        return Invalid(envelope.source, envelope.id, (fault,))
    except EnvelopeError as error:
        return Invalid(envelope.source, envelope.id, error.faults)
    wrong = _untimely(event.occurred_at, now, window) or _too_big(envelope)
    if wrong is not None:
        return Invalid(envelope.source, envelope.id, (wrong,))
    return Valid(replace(envelope, subject=event.member_id), event)


def _untimely(occurred_at: datetime, now: datetime, window: TimeWindow) -> Fault | None:
    if occurred_at - now > window.future_tolerance:
        return Fault("too_far_in_future", "/time", f"time is more than {window.future_tolerance} ahead of our clock")
    if now - occurred_at > window.lateness_horizon:
        return Fault("too_late", "/time", f"time is more than {window.lateness_horizon} ago")
    return None


def _too_big(envelope: CloudEvent) -> Fault | None:
    if envelope.data is not None and len(envelope.data) > EVENT_BYTES_MAX:
        return Fault("too_large", "/data", f"the data are larger than {EVENT_BYTES_MAX} bytes")
    return None


def _told_apart(judged: Sequence[Judged]) -> list[Judged]:
    """Refuses what reuses a source and id of the same batch for other content: the first one counts."""
    first: dict[tuple[str, str], Event] = {}
    result: list[Judged] = []
    for one in judged:
        if isinstance(one, Valid):
            earlier = first.setdefault((one.event.source, one.event.id), one.event)
            if not same_content(earlier, one.event):
                fault = Fault("id_conflict", "/id", "this source and id name another event of the same batch")
                result.append(Invalid(one.event.source, one.event.id, (fault,)))
                continue
        result.append(one)
    return result
