"""What an event may say, and what is refused with which reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letters import REASONS
from schemas.envelope import CloudEvent, EnvelopeError
from schemas.events.catalogue import EVENT_TYPES, UnknownType, decode, same_content, topic_for
from schemas.events.orders import OrderCompleted
from schemas.examples import EXAMPLES
from schemas.json_schemas import event_name
from schemas.topics import APP, CHECKOUT, WEB

ORDER = "unisono.order.completed.v1"


def envelope(data: Any, event_type: str = ORDER, subject: str | None = None, source: str = "/app") -> CloudEvent:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return CloudEvent("e1", source, event_type, datetime(2026, 11, 22, 10, tzinfo=UTC), subject, body)


def order(**changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(EXAMPLES["events/order.completed.v1"])), **changes}


def line(**changes: Any) -> dict[str, Any]:
    return order(lines=[{"line_no": 1, "sku": "8001120", "quantity": 2, "amount": 998, **changes}])


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in order().items() if key != name}


def refusal(envelope_: CloudEvent) -> EnvelopeError:
    with pytest.raises(EnvelopeError) as refused:
        decode(envelope_)
    assert refused.value.reason in REASONS
    return refused.value


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_event_round_trips(event_type):
    example = EXAMPLES[event_name(event_type)]
    event = decode(envelope(example, event_type, subject=example["member_id"]))
    again = decode(envelope(event.data.model_dump_json().encode(), event_type))
    assert again.data == event.data
    assert same_content(again, event)
    assert event.member_id == example["member_id"]


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_field_of_an_example_is_read(event_type):
    """A misspelt field in a model would be ignored as unknown: the example must come back whole."""
    example = EXAMPLES[event_name(event_type)]
    written = json.loads(EVENT_TYPES[event_type].model_validate_json(json.dumps(example)).model_dump_json())
    for name, value in example.items():
        if not isinstance(value, list | dict):
            assert written[name] == value


@pytest.mark.parametrize(
    ("data", "reason", "pointer"),
    [
        (b"{", "not_json", "/data"),
        (b"", "not_json", "/data"),
        (b"\xff\xfe", "not_json", "/data"),
        ([], "wrong_type", "/data"),
        ("text", "wrong_type", "/data"),
        (without("member_id"), "missing_field", "/data/member_id"),
        (without("lines"), "missing_field", "/data/lines"),
        (without("currency"), "missing_field", "/data/currency"),
        (line(sku=None), "wrong_type", "/data/lines/0/sku"),
        (order(member_id=42), "wrong_type", "/data/member_id"),
        (order(member_id=""), "wrong_type", "/data/member_id"),
        (order(member_id="m" * 129), "wrong_type", "/data/member_id"),
        (order(member_id="m\x00"), "wrong_type", "/data/member_id"),
        (order(channel="kiosk"), "wrong_type", "/data/channel"),
        (order(training="yes"), "wrong_type", "/data/training"),
        (order(lines={}), "wrong_type", "/data/lines"),
        (order(total=17.87), "invalid_amount", "/data/total"),
        (order(total=17.0), "invalid_amount", "/data/total"),
        (order(total="17.87"), "invalid_amount", "/data/total"),
        (order(total=True), "invalid_amount", "/data/total"),
        (order(total=None), "invalid_amount", "/data/total"),
        (order(total=10**16), "invalid_amount", "/data/total"),
        (line(amount=9.981), "invalid_amount", "/data/lines/0/amount"),
        (line(quantity=-1), "invalid_quantity", "/data/lines/0/quantity"),
        (order(currency="EUX"), "unknown_currency", "/data/currency"),
        (order(currency="eur"), "unknown_currency", "/data/currency"),
        (order(currency="E\x00R"), "unknown_currency", "/data/currency"),
        (order(currency="EURO"), "wrong_type", "/data/currency"),
    ],
)
def test_bad_data_is_refused_with_its_reason_and_place(data, reason, pointer):
    refused = refusal(envelope(data))
    assert (refused.reason, refused.pointer) == (reason, pointer)
    assert "\x00" not in refused.message


def test_the_message_tells_what_to_write_instead():
    assert "1299 for 12.99 EUR" in refusal(envelope(order(total="12.99"))).message


def test_every_fault_is_told_not_only_the_first():
    refused = refusal(envelope({**without("currency"), "total": "1.00"}))
    assert {fault.pointer for fault in refused.faults} == {"/data/currency", "/data/total"}
    assert all(fault.pointer in refused.message for fault in refused.faults)


def test_a_field_of_several_types_is_one_fault():
    for data, pointer in [
        (line(quantity="lots"), "/data/lines/0/quantity"),
        (order(attributes={"a": []}), "/data/attributes/a"),
    ]:
        assert [fault.pointer for fault in refusal(envelope(data)).faults] == [pointer]


def test_a_subject_that_is_not_the_member_is_refused():
    refused = refusal(envelope(order(), subject="m-0043"))
    assert (refused.reason, refused.pointer) == ("key_mismatch", "/subject")


def test_no_data_is_a_missing_field():
    tombstone = envelope(order())
    tombstone.data = None
    assert refusal(tombstone).reason == "missing_field"


@pytest.mark.parametrize("moment", ["2026-12-24T22:59:59", "24.12.2026"])
def test_a_time_inside_the_data_needs_its_offset(moment):
    data = {**EXAMPLES["events/offer.issued.v1"], "valid_until": moment}
    assert refusal(envelope(data, "unisono.offer.issued.v1")).pointer == "/data/valid_until"


def test_an_unknown_type_is_no_error():
    with pytest.raises(UnknownType):
        decode(envelope({}, "acme.parcel.sent.v1"))


def test_an_unknown_field_is_ignored():
    assert decode(envelope(order(loyalty_karma=7))).data == decode(envelope(order())).data


@pytest.mark.parametrize(("text", "pieces"), [("0.482", Decimal("0.482")), (2, Decimal(2)), (0, Decimal(0))])
def test_a_quantity_is_exact(text, pieces):
    data = decode(envelope(line(quantity=text))).data
    assert isinstance(data, OrderCompleted)
    assert Decimal(data.lines[0].quantity) == pieces


@pytest.mark.parametrize(
    "quantity", ["0,482", "1e3", "-1", ".5", "1.", "0.4820000", "", 1.5, None, "9999999999", 1_000_000_001]
)
def test_an_odd_quantity_is_refused(quantity):
    assert refusal(envelope(line(quantity=quantity))).reason == "invalid_quantity"


def test_content_is_compared_by_meaning_not_by_bytes():
    one = decode(envelope(order()))
    spaced = decode(envelope(json.dumps(dict(reversed(order().items())), indent=4).encode()))
    assert same_content(one, spaced)
    assert not same_content(one, decode(envelope(order(total=1788))))


@pytest.mark.parametrize(
    ("data", "event_type", "source", "topic"),
    [
        (order(channel="pos"), ORDER, "/app", CHECKOUT),
        (order(channel="app"), ORDER, "/stores/114/tills/3", APP),
        (order(channel="web"), ORDER, "/app", WEB),
        (EXAMPLES["events/order.voided.v1"], "unisono.order.voided.v1", "/stores/114/tills/3", CHECKOUT),
        (EXAMPLES["events/order.voided.v1"], "unisono.order.voided.v1", "/web", WEB),
        (EXAMPLES["events/member.erased.v1"], "unisono.member.erased.v1", "/app", APP),
    ],
)
def test_an_event_belongs_on_the_topic_of_who_produced_it(data, event_type, source, topic):
    assert topic_for(decode(envelope(data, event_type, source=source))) == topic


@given(st.sampled_from(sorted(EVENT_TYPES)), st.binary(max_size=60) | st.from_type(type(None)).map(lambda _: b"{}"))
def test_any_bytes_are_an_event_or_a_refusal_never_a_crash(event_type, body):
    try:
        decode(envelope(body, event_type))
    except EnvelopeError as refused:
        reason = refused.reason
    else:
        reason = "not_json"
    assert reason in REASONS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(EXAMPLES["events/order.completed.v1"])), JSON)
def test_any_value_in_any_field_is_accepted_or_refused_with_a_known_reason(name, value):
    try:
        decode(envelope(order(**{name: value})))
    except EnvelopeError as refused:
        reasons = {fault.reason for fault in refused.faults}
    else:
        reasons = set()
    assert reasons <= REASONS
