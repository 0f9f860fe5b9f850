"""What `POST /v1/events` makes of a body."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from schemas.values import rfc3339
from services.gateway.intake import BATCH_EVENTS_MAX, Invalid, Valid, read
from services.ledger.validate import TimeWindow
from services.problems import Problem

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
WINDOW = TimeWindow(timedelta(days=30), timedelta(days=1))
STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}
ORDER: dict[str, Any] = {
    "order_id": "o1",
    "member_id": "m1",
    "channel": "pos",
    "currency": "EUR",
    "total": 1250,
    "lines": [{"line_no": 1, "sku": "s1", "quantity": 1, "amount": 1250}],
}


def event(**changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "e1",
        "source": "/stores/114/tills/3",
        "type": "unisono.order.completed.v1",
        "time": rfc3339(NOW),
        "data": ORDER,
        **changes,
    }


def one(body: object, headers: dict[str, str] | None = None) -> Valid | Invalid:
    (judged,) = read(headers or STRUCTURED, orjson.dumps(body), NOW, WINDOW)
    return judged


@pytest.mark.parametrize(
    ("changes", "reason", "pointer"),
    [
        ({"id": ""}, "missing_field", "/id"),
        ({"time": "yesterday"}, "invalid_time", "/time"),
        ({"time": "2026-11-22T10:00:00"}, "invalid_time", "/time"),
        ({"time": rfc3339(NOW + timedelta(days=1, seconds=1))}, "too_far_in_future", "/time"),
        ({"time": rfc3339(NOW - timedelta(days=30, seconds=1))}, "too_late", "/time"),
        ({"subject": "m2"}, "key_mismatch", "/subject"),
        ({"type": "unisono.order.complete.v1"}, "unknown_type", "/type"),
        ({"data": {**ORDER, "total": 12.5}}, "invalid_amount", "/data/total"),
        ({"data": {**ORDER, "currency": "EUX"}}, "unknown_currency", "/data/currency"),
        ({"data": {**ORDER, "lines": [{"line_no": 1}]}}, "missing_field", "/data/lines/0/sku"),
        ({"data": {**ORDER, "order_id": "x" * 900_000, "lines": []}}, "wrong_type", "/data/order_id"),
        ({"data": {**ORDER, "payment_method": "x" * 900_000}}, "too_large", "/data"),
        ({"data": None}, "missing_field", "/data"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(changes: dict[str, Any], reason: str, pointer: str):
    judged = one(event(**changes))
    assert isinstance(judged, Invalid)
    assert (judged.faults[0].reason, judged.faults[0].pointer) == (reason, pointer)
    assert judged.problem().body()["errors"][0]["pointer"] == pointer


def test_every_fault_is_listed():
    judged = one(event(data={**ORDER, "total": "12", "currency": "EUX", "lines": None}))
    assert isinstance(judged, Invalid)
    assert {fault.pointer for fault in judged.faults} == {"/data/total", "/data/currency", "/data/lines"}


def test_binary_mode_is_read_from_its_headers():
    headers = {f"ce-{name}": value for name, value in event().items() if name != "data"}
    judged = one(ORDER, {**headers, "content-type": "application/json"})
    assert isinstance(judged, Valid)
    assert judged.event.member_id == "m1"
    assert judged.envelope.subject == "m1"


def test_one_bad_event_does_not_refuse_the_others():
    batch = [event(id="a"), event(id="b", time="never"), 7, event(id="c")]
    judged = read(BATCH, orjson.dumps(batch), NOW, WINDOW)
    assert [isinstance(one, Valid) for one in judged] == [True, False, False, True]
    assert isinstance(judged[1], Invalid)
    assert judged[1].id == "b"


def test_an_id_used_twice_in_a_batch_is_a_duplicate_or_a_conflict():
    batch = [event(), event(), event(data={**ORDER, "total": 1251})]
    judged = read(BATCH, orjson.dumps(batch), NOW, WINDOW)
    assert [isinstance(one, Valid) for one in judged] == [True, True, False]
    assert isinstance(judged[2], Invalid)
    assert judged[2].faults[0].reason == "id_conflict"


@pytest.mark.parametrize(
    ("headers", "body", "kind"),
    [
        ({"content-type": "application/json"}, b"{}", "unsupported-media-type"),
        ({}, b"{}", "unsupported-media-type"),
        ({"content-type": "text/plain"}, b"hello", "unsupported-media-type"),
        (BATCH, b"{}", "invalid-event"),
        (BATCH, b"[", "invalid-event"),
        (BATCH, b"[" + b",".join([b"{}"] * (BATCH_EVENTS_MAX + 1)) + b"]", "too-large"),
    ],
)
def test_a_request_that_is_none_is_a_problem(headers: dict[str, str], body: bytes, kind: str):
    with pytest.raises(Problem) as refused:
        read(headers, body, NOW, WINDOW)
    assert refused.value.kind == kind


def test_an_event_that_is_no_json_is_refused():
    (judged,) = read(STRUCTURED, b"{", NOW, WINDOW)
    assert isinstance(judged, Invalid)
    assert judged.faults[0].reason == "not_json"
