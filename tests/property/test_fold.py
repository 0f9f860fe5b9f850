"""P2: arrival order changes no outcome, over the whole language. UNISONO_EXAMPLES raises the number of cases."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.promotions.document import Promotion
from schemas.promotions.programme import ProgrammeDocument
from schemas.wallet import WalletRecord
from services.engine.fold import advance, apply, due, fold, needs_refold, place, refold
from services.engine.orders import spread
from services.engine.programme import PromotionVersion, compile_programme
from services.engine.record import wallet_record
from services.engine.terms import ProgrammeVersion
from services.engine.trace import Trace
from tests.property.programmes import MEMBER, START, TERMS
from tests.property.runs import arrive, fewer, keys, line_of, many, without_index
from tests.property.streams import Case, cases, event

FAR = timedelta(days=800)
hours = st.one_of(st.integers(0, 400), st.integers(0, 15_000))


@many
@given(cases(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_sorted_fold(case: Case, chance: Any):
    arrival = [*case.stream, *chance.sample(case.stream, len(case.stream) // 2)]
    chance.shuffle(arrival)
    wallet, posted = arrive(arrival, case.programme)
    expected = fold(MEMBER, case.stream, case.programme)
    assert wallet.to_json() == expected.wallet.to_json()
    assert posted == Counter(keys(expected.entries))


@many
@given(cases(), st.lists(hours, max_size=6))
def test_many_steps_of_time_are_one(case: Case, steps: list[int]):
    """However often a scheduler looks in, entries are the same and each has a key of its own."""
    start = fold(MEMBER, case.stream, case.programme)
    wallet, entries = start.wallet, list(start.entries)
    for step in sorted(steps):
        next_due = due(wallet, case.programme)
        outcome = advance(wallet, case.newest + timedelta(hours=step), case.programme)
        if next_due is None or next_due > case.newest + timedelta(hours=step):
            assert outcome.wallet.to_json() == wallet.to_json(), "something happened before it was due"
        wallet = outcome.wallet
        entries += outcome.entries
    last = advance(wallet, case.newest + FAR, case.programme)
    whole = fold(MEMBER, case.stream, case.programme, case.newest + FAR)
    assert last.wallet.to_json() == whole.wallet.to_json()
    assert keys([*entries, *last.entries]) == keys(whole.entries)
    twice = [key for key, times in Counter(keys(whole.entries)).items() if times > 1]
    assert twice == []


@many
@given(cases(), st.integers(0, 800))
def test_a_late_event_after_time_has_moved_on(case: Case, step: int):
    """A scheduler brings the wallet up to some time, then an event from before arrives."""
    until = START + timedelta(hours=step)
    programme = case.programme
    *known, late = case.stream
    wallet = fold(MEMBER, known, programme, until).wallet
    old = needs_refold(wallet, late)
    outcome = refold(wallet, case.stream, programme) if old else apply(wallet, late, programme)
    brought = advance(outcome.wallet, until, programme).wallet
    assert brought.to_json() == fold(MEMBER, case.stream, programme, until).wallet.to_json()


@fewer
@given(cases(), st.integers(0, 400))
def test_the_record_is_valid_and_a_trace_changes_nothing(case: Case, step: int):
    until = case.newest + timedelta(hours=step)
    plain = fold(MEMBER, case.stream, case.programme, until)
    traced = fold(MEMBER, case.stream, case.programme, until, trace=Trace())
    assert traced.wallet.to_json() == plain.wallet.to_json()
    assert traced.entries == plain.entries
    body = wallet_record(plain.wallet, version=1, as_of=until, caused_by=["/app e1"], occurred_at=until)
    record = WalletRecord.model_validate_json(body)
    assert record.points["base"].active == plain.wallet.points_active
    for balance in record.points.values():
        assert sum(part.points for part in balance.expiring) <= balance.active
    for offer in record.offers:
        assert 0 <= offer.progress <= max(offer.target, offer.progress * (offer.completed > 0))


@many
@given(cases())
def test_the_index_finds_all_that_match(case: Case):
    found = fold(MEMBER, case.stream, case.programme, case.newest + FAR)
    looked = fold(MEMBER, case.stream, without_index(case.programme), case.newest + FAR)
    assert found.entries == looked.entries
    assert found.wallet.to_json() == looked.wallet.to_json()


@fewer
@given(cases(), st.data())
def test_equal_keys_are_equal_lines(case: Case, data: st.DataObject):
    """A fold of fewer events may share keys with the fold of all of them: then the books need not be touched."""
    fewer = data.draw(st.lists(st.sampled_from(case.stream), unique_by=lambda each: each.id))
    until = case.newest + FAR
    lines = {entry.key: line_of(entry) for entry in fold(MEMBER, case.stream, case.programme, until).entries}
    for entry in fold(MEMBER, fewer, case.programme, until).entries:
        assert lines.get(entry.key, line_of(entry)) == line_of(entry)


@fewer
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_written_decides_nothing(case: Case, chance: Any):
    """Promotions in any order, fields of documents and events in any order."""
    promotions = [
        PromotionVersion(_mixed(each.promotion, chance), each.version, each.effective_from, each.withdrawn_at)
        for each in case.drawn.promotions
    ]
    chance.shuffle(promotions)
    documents = [
        ProgrammeVersion(_mixed(each.document, chance), each.version, each.effective_from)
        for each in reversed(case.drawn.documents)
    ]
    stream = [event_again(each, chance) for each in case.stream]
    one = fold(MEMBER, case.stream, case.programme, case.newest + FAR)
    other = fold(MEMBER, stream, compile_programme(promotions, TERMS, documents), case.newest + FAR)
    assert keys(other.entries) == keys(one.entries)
    assert orjson.loads(other.wallet.to_json()) == orjson.loads(one.wallet.to_json())


def event_again(given: Any, chance: Any) -> Any:
    data = type(given.data).model_validate(_shuffled(given.data.model_dump(), chance))
    return type(given)(given.source, given.id, given.type, given.occurred_at, given.member_id, data)


def _mixed(part: Any, chance: Any) -> Any:
    """The same document with its fields in another order; whoever reads it strictly takes it all the same."""
    kind = Promotion if isinstance(part, Promotion) else ProgrammeDocument
    return kind.model_validate(_shuffled(part.model_dump(exclude_unset=True, by_alias=True), chance))


def _shuffled(value: Any, chance: Any) -> Any:
    if isinstance(value, dict):
        names = list(value)
        chance.shuffle(names)
        return {name: _shuffled(value[name], chance) for name in names}
    return type(value)([_shuffled(each, chance) for each in value]) if isinstance(value, list | tuple) else value


@given(st.integers(-5, 10**9), st.lists(st.integers(-100, 10**6), max_size=20))
def test_spread_sums_to_the_total_and_is_fair(total: int, weights: list[int]):
    parts = spread(total, weights)
    whole = sum(weight for weight in weights if weight > 0)
    assert sum(parts) == (total if whole and total > 0 else 0)
    for part, weight in zip(parts, weights, strict=True):
        assert part >= 0
        if whole and total > 0:
            assert abs(part * whole - total * max(0, weight)) < whole


@pytest.mark.parametrize("hours", [0, 1])
def test_events_of_one_instant_stand_in_a_fixed_order(hours: int):
    offer = event(1, START, "offer.issued", {"offer_id": "o", "promotion_id": "p"}, "/z")
    order = event(0, START + timedelta(hours=hours), "activity.recorded", {"activity": "x"}, "/a")
    assert place(offer) < place(order)
    assert isinstance(place(offer)[0], datetime)
