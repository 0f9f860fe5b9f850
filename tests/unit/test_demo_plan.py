"""What the demo sends: the same for the same seed, a tenth twice, each kind of broken record refused for its reason."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from schemas.api.sync import Applied
from schemas.envelope import to_kafka
from services.adapters.stamping import stamped
from services.demo.broken import KINDS
from services.demo.plan import BROKEN_EVERY, expected_letters, plan, purchases
from services.demo.story import appearances, money
from services.demo.touchpoints import Touchpoint
from services.ledger.ports import Accepted, Refused, SourceRecord
from services.ledger.validate import TimeWindow, validate
from services.settings import Settings

EVENTS = 1000
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def events():
    return purchases(EVENTS)


def test_every_event_is_sent_once_and_a_tenth_again_later(events):
    member = next(event.subject for event in events if event.source == "/app")
    steps = plan(events, 1, member)
    firsts = [step.event.id for step in steps if not step.again and step.broken is None]
    assert firsts == [event.id for event in events]
    repeats = Counter(step.event.id for step in steps if step.again)
    assert EVENTS * 0.07 < len(repeats) < EVENTS * 0.13
    assert set(repeats.values()) == {1}
    seen: set[str] = set()
    for step in steps:
        assert not (step.again or step.broken) or step.event.id in seen, "made from what was sent before"
        seen.add(step.event.id)
    in_app = {step.event.id for step in steps if step.in_app}
    assert in_app
    assert in_app.isdisjoint(repeats)


def test_the_plan_follows_from_the_seed(events):
    assert plan(events, 7, "m1") == plan(events, 7, "m1")
    assert plan(events, 7, "m1") != plan(events, 8, "m1")


def test_each_kind_of_broken_record_is_sent(events):
    letters = expected_letters(plan(events, 1, "m1"))
    assert letters == dict.fromkeys(sorted(kind.reason for kind in KINDS), EVENTS // BROKEN_EVERY)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.reason)
def test_a_broken_record_is_refused_for_its_reason(kind, events):
    settings = Settings()
    order = stamped(next(event for event in events if event.type == "unisono.order.completed.v1"), NOW)
    raw = kind.spoil(order, settings)
    record = SourceRecord("loyalty.events.checkout", 0, 0, raw.key, raw.value, raw.headers)
    window = TimeWindow(settings.lateness_horizon, settings.future_tolerance)
    outcome = validate(record, NOW + timedelta(milliseconds=5), window)
    if kind.reason == "id_conflict":  # valid by itself: only the books know the event it contradicts
        assert isinstance(outcome, Accepted)
        headers, value = to_kafka(order)
        assert raw.headers == headers
        assert raw.value != value
    else:
        assert isinstance(outcome, Refused)
        assert outcome.reason == kind.reason


@pytest.mark.parametrize(
    ("minor", "currency", "said"), [(1234, "USD", "$12.34"), (5, "USD", "$0.05"), (7, "JPY", "7 JPY")]
)
def test_money_in_words(minor, currency, said):
    assert money(minor, currency) == said


def test_a_reward_appears_with_the_version_of_its_own_event() -> None:
    """Events have microseconds, the touchpoints' logs milliseconds: that must not make the next version the first."""
    happened = datetime(2026, 11, 22, 10, 0, 0, 600_415, UTC)
    till = Touchpoint("till 433", "till", "http://nowhere", httpx.AsyncClient())
    for version, occurred_at in enumerate((happened, happened + timedelta(seconds=2)), start=1):
        noted = occurred_at.replace(microsecond=occurred_at.microsecond // 1000 * 1000)
        applied_at = noted + timedelta(milliseconds=40)
        till.applied.append(
            Applied(member_id="m1", version=version, occurred_at=noted, recorded_at=noted, applied_at=applied_at)
        )
    [(name, milliseconds_later)] = appearances([till], "m1", happened)
    assert name == "till 433"
    assert 39 <= milliseconds_later <= 41
