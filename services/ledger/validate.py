"""Step 2 of the commit path: a record is an event we accept, a dead letter with its reason, or an unknown type."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from schemas.envelope import EnvelopeError, from_kafka
from schemas.events.catalogue import UnknownType, decode
from services.ledger.ports import Accepted, Refused, SourceRecord


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """Which event times are accepted, relative to the moment of recording."""

    lateness_horizon: timedelta
    future_tolerance: timedelta


def validate(record: SourceRecord, now: datetime, window: TimeWindow) -> Accepted | Refused | None:
    """The record's event, or its refusal; None for an unknown type, which is counted and skipped."""
    try:
        envelope = from_kafka(record.headers, record.value)
        event = decode(envelope)
    except UnknownType:
        return None
    except EnvelopeError as error:
        return Refused(record, error.reason, error.message)
    if record.key is None or record.key != event.member_id.encode():
        shown = "none" if record.key is None else repr(record.key.decode(errors="replace"))
        return Refused(record, "key_mismatch", f"the record's key is {shown}, its member id is {event.member_id!r}")
    assert envelope.data is not None
    if event.occurred_at > now:
        if event.occurred_at - now > window.future_tolerance:
            ahead = event.occurred_at - now
            return Refused(record, "too_far_in_future", f"time is {ahead} ahead of the moment of recording")
        return Accepted(record, replace(event, occurred_at=now), envelope.data, stated_at=event.occurred_at)
    if now - event.occurred_at > window.lateness_horizon:
        return Refused(
            record, "too_late", f"time is {now - event.occurred_at} old, the horizon is {window.lateness_horizon}"
        )
    return Accepted(record, event, envelope.data)
