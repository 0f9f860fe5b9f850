"""CloudEvents envelopes against the `cloudevents` package: what either writes, the other reads the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings import http as oracle_http
from cloudevents.core.bindings import kafka as oracle_kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent as OracleEvent
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import (
    MESSAGE_MAX,
    STRUCTURED,
    CloudEvent,
    EnvelopeError,
    from_http,
    from_kafka,
    from_object,
    from_structured,
    parse_time,
    to_http,
    to_kafka,
    to_kafka_structured,
    to_structured,
)

FORMAT = JSONFormat()

# What CloudEvents allows in an attribute: no control characters, no surrogates, no noncharacters.
TEXT = st.text(
    st.characters(
        exclude_categories=("Cc", "Cs", "Cn"),
        include_characters=' "%~é€😀/?#[]{}|\\^`',
        exclude_characters="\ufffe\uffff",
    ),
    min_size=1,
    max_size=20,
)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-9, minutes=-30))])
TIMES = st.datetimes(datetime(1900, 1, 2), datetime(2999, 1, 1), timezones=ZONES)  # noqa: DTZ001  # zones are drawn
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT
JSON_DATA = st.dictionaries(TEXT, SCALARS | st.lists(SCALARS, max_size=2), max_size=3)
EXTENSION_NAMES = st.sampled_from(["partitionkey", "sequence", "traceparent", "recordedtime", "x1"])


@st.composite
def events(draw: st.DrawFn) -> CloudEvent:
    return CloudEvent(
        id=draw(TEXT),
        source=draw(TEXT),
        type=draw(TEXT),
        time=draw(TIMES).astimezone(UTC),
        subject=draw(st.none() | TEXT),
        data=orjson.dumps(draw(JSON_DATA)),
        dataschema=draw(st.none() | st.just("urn:unisono:schemas:events:order.completed.v1")),
        extensions=draw(st.dictionaries(EXTENSION_NAMES, TEXT, max_size=3)),
    )


def as_oracle(event: CloudEvent) -> OracleEvent:
    """The same event in the words of the oracle."""
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": event.time,
        "datacontenttype": "application/json",
        **({"subject": event.subject} if event.subject is not None else {}),
        **({"dataschema": event.dataschema} if event.dataschema is not None else {}),
        **event.extensions,
    }
    assert event.data is not None
    return OracleEvent(attributes, orjson.loads(event.data))


def told(event: Any) -> tuple[dict[str, Any], Any]:
    """An oracle's event as attributes (those that are set) and data."""
    return {name: value for name, value in event.get_attributes().items() if value is not None}, event.get_data()


def assert_same(ours: CloudEvent, other: CloudEvent) -> None:
    """Equal but for the spacing of the data."""
    assert ours.data is not None
    assert other.data is not None
    assert orjson.loads(ours.data) == orjson.loads(other.data)
    ours.data = other.data
    assert ours == other


# Kafka ---------------------------------------------------------------------------------------------------------------


@given(events())
def test_kafka_binary_written_by_us_is_read_by_the_oracle(event: CloudEvent):
    headers, value = to_kafka(event)
    assert value is not None
    read = oracle_kafka.from_kafka(oracle_kafka.KafkaMessage(headers=dict(headers), key=None, value=value), FORMAT)
    assert told(read) == told(as_oracle(event))


@given(events())
def test_kafka_binary_written_by_the_oracle_is_read_by_us(event: CloudEvent):
    message = oracle_kafka.to_binary(as_oracle(event), FORMAT, key_mapper=lambda _: None)
    assert_same(from_kafka(list(message.headers.items()), message.value), event)


@given(events())
def test_kafka_structured_written_by_us_is_read_by_the_oracle(event: CloudEvent):
    headers, value = to_kafka_structured(event)
    read = oracle_kafka.from_kafka(oracle_kafka.KafkaMessage(headers=dict(headers), key=None, value=value), FORMAT)
    assert told(read) == told(as_oracle(event))


@given(events())
def test_kafka_structured_written_by_the_oracle_is_read_by_us(event: CloudEvent):
    message = oracle_kafka.to_structured(as_oracle(event), FORMAT, key_mapper=lambda _: None)
    assert_same(from_kafka(list(message.headers.items()), message.value), event)


@given(events())
def test_kafka_round_trips(event: CloudEvent):
    assert from_kafka(*to_kafka(event)) == event
    assert_same(from_kafka(*to_kafka_structured(event)), event)


def test_a_tombstone_has_attributes_and_no_data():
    event = CloudEvent("1", "/unisono/main", "unisono.wallet.updated.v1", datetime(2026, 1, 1, tzinfo=UTC), "m1", None)
    headers, value = to_kafka(event)
    assert value is None
    assert "content-type" not in dict(headers)
    assert from_kafka(headers, value) == event


def test_foreign_and_null_headers_are_passed_over():
    headers, value = to_kafka(_event())
    assert from_kafka([*headers, ("trace", b"\xff"), ("ce_subject2", None), ("retries", None)], value) == _event()


# HTTP ----------------------------------------------------------------------------------------------------------------


@given(events())
def test_http_binary_written_by_us_is_read_by_the_oracle(event: CloudEvent):
    headers, body = to_http(event)
    read = oracle_http.from_http(oracle_http.HTTPMessage(headers=headers, body=body), FORMAT)
    assert told(read) == told(as_oracle(event))


@given(events())
def test_http_binary_written_by_the_oracle_is_read_by_us(event: CloudEvent):
    message = oracle_http.to_binary(as_oracle(event), FORMAT)
    assert_same(from_http({name.lower(): value for name, value in message.headers.items()}, message.body), event)


@given(events())
def test_http_structured_in_both_directions(event: CloudEvent):
    headers = {"content-type": f"{STRUCTURED}; charset=utf-8"}
    read = oracle_http.from_http(oracle_http.HTTPMessage(headers=headers, body=to_structured(event)), FORMAT)
    assert told(read) == told(as_oracle(event))
    message = oracle_http.to_structured(as_oracle(event), FORMAT)
    assert_same(from_http({name.lower(): value for name, value in message.headers.items()}, message.body), event)


@given(events())
def test_http_header_values_are_printable_ascii_without_blanks(event: CloudEvent):
    headers, body = to_http(event)
    assert all(" " not in value and value.isascii() and value.isprintable() for value in headers.values())
    assert from_http(headers, body) == event


@given(st.lists(events(), max_size=5))
def test_a_batch_is_an_array_of_structured_events(batch: list[CloudEvent]):
    body = b"[" + b",".join(FORMAT.write(as_oracle(event)) for event in batch) + b"]"
    for item, event in zip(json.loads(body), batch, strict=True):
        assert_same(from_object(item), event)


# Refusals ------------------------------------------------------------------------------------------------------------


def _event(**changes: Any) -> CloudEvent:
    whole: dict[str, Any] = {
        "id": "1",
        "source": "/app",
        "type": "unisono.activity.recorded.v1",
        "time": datetime(2026, 11, 22, 10, tzinfo=UTC),
        "subject": "m1",
        "data": b'{"member_id":"m1","activity":"app.check_in"}',
    }
    return CloudEvent(**{**whole, **changes})


def _object(**changes: Any) -> dict[str, Any]:
    return {**json.loads(to_structured(_event())), **changes}


@pytest.mark.parametrize(
    ("changes", "reason", "pointer"),
    [
        ({"id": None}, "missing_field", "/id"),
        ({"id": ""}, "missing_field", "/id"),
        ({"id": "x" * 129}, "invalid_envelope", "/id"),
        ({"id": "a\x00b"}, "invalid_envelope", "/id"),
        ({"id": 7.5}, "wrong_type", "/id"),
        ({"id": 7}, "wrong_type", "/id"),
        ({"source": None}, "missing_field", "/source"),
        ({"type": None}, "missing_field", "/type"),
        ({"time": None}, "missing_field", "/time"),
        ({"time": "yesterday"}, "invalid_time", "/time"),
        ({"time": "2026-11-22T10:00:00"}, "invalid_time", "/time"),
        ({"time": "2026-11-22"}, "invalid_time", "/time"),
        ({"time": "2026-W47-7T10:00:00Z"}, "invalid_time", "/time"),
        ({"time": "20261122T100000Z"}, "invalid_time", "/time"),
        ({"time": "2026-02-30T10:00:00Z"}, "invalid_time", "/time"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "invalid_time", "/time"),
        ({"time": "2026-11-22T10:00:00Z\x00"}, "invalid_time", "/time"),
        ({"specversion": "0.3"}, "invalid_envelope", "/specversion"),
        ({"specversion": None}, "invalid_envelope", "/specversion"),
        ({"data_base64": "e30="}, "invalid_envelope", "/data_base64"),
        ({"subject": ["m1"]}, "wrong_type", "/subject"),
        ({"traceparent": {}}, "wrong_type", "/traceparent"),
    ],
)
def test_a_bad_envelope_is_refused_with_its_reason_and_place(changes, reason, pointer):
    with pytest.raises(EnvelopeError) as refusal:
        from_object(_object(**changes))
    assert (refusal.value.reason, refusal.value.pointer) == (reason, pointer)
    assert "\x00" not in refusal.value.message


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"id": "\\ud800"}', b"[1,", b"NaN"])
def test_what_is_not_json_is_refused(body):
    with pytest.raises(EnvelopeError) as refusal:
        from_structured(body)
    assert refusal.value.reason == "not_json"


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"text"'])
def test_json_that_is_no_object_is_refused(body):
    with pytest.raises(EnvelopeError) as refusal:
        from_structured(body)
    assert refusal.value.reason == "invalid_envelope"


@pytest.mark.parametrize(
    ("headers", "value", "reason"),
    [
        ([], b"{}", "invalid_envelope"),
        ([("ce_id", b"\xff")], b"{}", "invalid_envelope"),
        ([("content-type", b"application/cloudevents+json")], None, "not_json"),
        ([("content-type", b"application/cloudevents-batch+json")], b"[]", "invalid_envelope"),
        ([("ce_id", b"1")], b"{}", "missing_field"),
    ],
)
def test_a_bad_record_is_refused(headers, value, reason):
    with pytest.raises(EnvelopeError) as refusal:
        from_kafka(headers, value)
    assert refusal.value.reason == reason


def test_a_message_quotes_only_so_much_of_what_arrived():
    with pytest.raises(EnvelopeError) as refusal:
        from_object(_object(**{"x" * 10_000: []}))
    assert len(refusal.value.message) <= MESSAGE_MAX


@given(
    st.binary(max_size=200), st.lists(st.tuples(st.text(max_size=12), st.none() | st.binary(max_size=20)), max_size=4)
)
def test_any_bytes_are_read_or_refused_never_a_crash(value, headers):
    for tried in (headers, [("content-type", b"application/cloudevents+json"), *headers]):
        try:
            from_kafka(tried, value)
        except EnvelopeError:
            continue


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22t10:00:00z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T11:30:00.5+01:30", datetime(2026, 11, 22, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-11-22T10:00:00.123456789Z", datetime(2026, 11, 22, 10, 0, 0, 123_456, tzinfo=UTC)),
    ],
)
def test_times_are_rfc_3339(text, moment):
    assert parse_time(text) == moment


def test_an_extension_may_be_a_number_or_a_truth_value():
    """JSON format: integers and booleans are written in their canonical text form elsewhere."""
    event = from_object(_object(sequence=42, sampled=True))
    assert event.extensions == {"sequence": "42", "sampled": "true"}
