"""Stamping moves an event, and what an offer says about its end, by the same time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson

from schemas.envelope import CloudEvent
from schemas.events.catalogue import decode
from schemas.events.offers import OfferIssued
from services.adapters.stamping import stamped

THEN = datetime(2017, 11, 1, 9, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def offer(**changes: object) -> CloudEvent:
    data = {"offer_id": "o1", "promotion_id": "p1", "member_id": "m1", "valid_until": "2017-12-01T09:00:00Z", **changes}
    return CloudEvent("e1", "/app", "unisono.offer.issued.v1", THEN, "m1", orjson.dumps(data))


def test_an_offer_keeps_its_length():
    moved = decode(stamped(offer(), NOW))
    assert moved.occurred_at == NOW
    assert isinstance(moved.data, OfferIssued)
    assert moved.data.valid_until == NOW + timedelta(days=30)


def test_an_offer_without_an_end_or_with_a_broken_one_only_moves():
    for event in (offer(valid_until=None), offer(valid_until="soon"), offer(valid_until=7)):
        moved = stamped(event, NOW)
        assert (moved.time, moved.data) == (NOW, event.data)


def test_other_events_only_move():
    data = orjson.dumps({"member_id": "m1", "activity": "app.check_in"})
    event = CloudEvent("e1", "/app", "unisono.activity.recorded.v1", THEN, "m1", data)
    assert stamped(event, NOW) == CloudEvent("e1", "/app", "unisono.activity.recorded.v1", NOW, "m1", data)
