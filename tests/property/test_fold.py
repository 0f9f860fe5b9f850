"""P2: arrival order does not change the outcome. Raise UNISONO_EXAMPLES for more cases, e.g. 10000."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.events.catalogue import Event
from schemas.wallet import WalletRecord
from services.engine.coupons import coupon_id
from services.engine.entries import POINTS, Entry
from services.engine.fold import advance, apply, fold, needs_refold, place, refold
from services.engine.orders import spread
from services.engine.programme import Programme
from services.engine.record import wallet_record
from services.engine.trace import Trace
from services.engine.wallet import Wallet
from tests.property.programmes import MEMBER, START, events, programmes

EXAMPLES = int(os.environ.get("UNISONO_EXAMPLES", "60"))
COUPONS = [coupon_id(f"p{p}", MEMBER, "", k) for p in range(3) for k in "12"] + ["unknown"]
END = START + timedelta(days=40)
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def arrive(stream: list[Event], programme: Programme) -> tuple[Wallet, Counter[str]]:
    """What the live path does: each event once, applied or refolded, entries kept by the difference of their keys."""
    wallet, posted = Wallet.empty(MEMBER), Counter[str]()
    history: dict[tuple[str, str], Event] = {}
    for event in stream:
        if (event.source, event.id) in history:
            continue
        history[event.source, event.id] = event
        if needs_refold(wallet, event):
            outcome = refold(wallet, history.values(), programme)
            posted = Counter(entry.key for entry in outcome.entries)
        else:
            before = wallet.to_json()
            outcome = apply(wallet, event, programme)
            assert wallet.to_json() == before, "apply changed the wallet it was given"
            posted.update(entry.key for entry in outcome.entries)
        wallet = Wallet.from_json(outcome.wallet.to_json())
        assert wallet == outcome.wallet
    return wallet, posted


@many
@given(programmes(), events(COUPONS), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_sorted_fold(programme: Programme, stream: list[Event], chance):
    arrival = [*stream, *chance.sample(stream, len(stream) // 2)]
    chance.shuffle(arrival)
    wallet, posted = arrive(arrival, programme)
    expected = fold(MEMBER, stream, programme)
    assert wallet.to_json() == expected.wallet.to_json()
    assert posted == Counter(entry.key for entry in expected.entries)


@many
@given(programmes(), events(COUPONS))
def test_every_entry_has_a_key_of_its_own(programme: Programme, stream: list[Event]):
    keys = [entry.key for entry in fold(MEMBER, stream, programme, END).entries]
    assert [key for key, times in Counter(keys).items() if times > 1] == []


@many
@given(programmes(), events(COUPONS), st.lists(st.integers(0, 1000), max_size=5))
def test_time_passes_alike_in_one_step_or_many(programme: Programme, stream: list[Event], hours: list[int]):
    start = fold(MEMBER, stream, programme)
    wallet, entries = start.wallet, list(start.entries)
    for step in sorted(hours):
        outcome = advance(wallet, max(event.occurred_at for event in stream) + timedelta(hours=step), programme)
        wallet = outcome.wallet
        entries += outcome.entries
    outcome = advance(wallet, END + timedelta(days=30), programme)
    whole = fold(MEMBER, stream, programme, END + timedelta(days=30))
    assert outcome.wallet.to_json() == whole.wallet.to_json()
    assert [e.key for e in entries + outcome.entries] == [e.key for e in whole.entries]


@many
@given(programmes(), events(COUPONS), st.integers(0, 400))
def test_a_late_event_after_time_has_moved_on(programme: Programme, stream: list[Event], hours: int):
    """A scheduler brings the wallet up to some time, then an event from before arrives."""
    until = START + timedelta(hours=hours)
    *known, late = stream
    wallet = fold(MEMBER, known, programme, until).wallet
    old = needs_refold(wallet, late)
    outcome = refold(wallet, stream, programme) if old else apply(wallet, late, programme)
    brought = advance(outcome.wallet, until, programme).wallet
    assert brought.to_json() == fold(MEMBER, stream, programme, until).wallet.to_json()


@many
@given(programmes(), events(COUPONS), st.integers(0, 1000))
def test_parts_sum_to_the_whole(programme: Programme, stream: list[Event], hours: int):
    """The balance is what the ledger says: of points by account, of coupons by state."""
    outcome = fold(MEMBER, stream, programme, START + timedelta(hours=hours))
    balance = balances(outcome.entries)
    assert balance["member:points_active"] == outcome.wallet.points_active
    assert balance["member:points_pending"] == outcome.wallet.points_pending
    assert balance["member:points_active"] >= 0
    earned = sum(entry.amount for entry in outcome.entries if entry.kind == "points.earned")
    expired = sum(entry.amount for entry in outcome.entries if entry.kind == "points.expired")
    assert earned - expired == outcome.wallet.points_active + outcome.wallet.points_pending


@many
@given(programmes(), events(COUPONS))
def test_the_record_is_valid_and_a_trace_changes_nothing(programme: Programme, stream: list[Event]):
    trace = Trace()
    outcome = fold(MEMBER, stream, programme, trace=trace)
    plain = fold(MEMBER, stream, programme)
    assert outcome.wallet.to_json() == plain.wallet.to_json()
    assert [e.key for e in outcome.entries] == [e.key for e in plain.entries]
    rewarded = {(d.cause, d.promotion_id) for d in trace.decisions if d.result == "rewarded"}
    granted = {(e.cause, e.promotion_id) for e in plain.entries if e.kind in ("points.earned", "coupon.issued")}
    assert granted <= rewarded
    body = wallet_record(plain.wallet, version=1, as_of=END, caused_by=["/app e1"], occurred_at=END)
    record = WalletRecord.model_validate_json(body)
    assert record.points["base"].active == plain.wallet.points_active
    assert sum(part.points for part in record.points["base"].expiring) <= record.points["base"].active


@given(st.integers(-5, 10**9), st.lists(st.integers(-100, 10**6), max_size=20))
def test_spread_sums_to_the_total_and_is_fair(total: int, weights: list[int]):
    parts = spread(total, weights)
    whole = sum(weight for weight in weights if weight > 0)
    assert sum(parts) == (total if whole and total > 0 else 0)
    for part, weight in zip(parts, weights, strict=True):
        assert part >= 0
        if whole and total > 0:
            assert abs(part * whole - total * max(0, weight)) < whole


def balances(entries: list[Entry]) -> Counter[str]:
    """What each account of points holds after these entries."""
    held = Counter[str]()
    for entry in entries:
        if entry.unit == POINTS:
            held[entry.credit] += entry.amount
            held[entry.debit] -= entry.amount
    return held


@pytest.mark.parametrize("hours", [0, 1])
def test_events_of_one_instant_stand_in_a_fixed_order(hours: int):
    from tests.property.programmes import event

    offer = event(1, 0, "offer.issued", {"offer_id": "o", "promotion_id": "p"}, "/z")
    order = event(0, hours, "activity.recorded", {"activity": "x"}, "/a")
    assert place(offer) < place(order)
    assert isinstance(place(offer)[0], datetime)
