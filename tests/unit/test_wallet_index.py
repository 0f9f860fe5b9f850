"""What a reader of the wallets topic remembers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sync.index import FeedWallet, InvalidRecord, Rewound, WalletIndex, read_record

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def wallet(member_id: str, version: int, offset: int, *, partition: int = 0, erased: bool = False) -> FeedWallet:
    return FeedWallet(member_id, 0 if erased else version, None if erased else b"{}", NOW, NOW, partition, offset)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6), st.booleans()), max_size=40))
def test_changes_since_any_position_bring_a_reader_to_the_same_state(steps: list[tuple[str, int, bool]]):
    index = WalletIndex([0])
    states: list[dict[str, int]] = [{}]
    for offset, (member_id, version, erased) in enumerate(steps):
        index.apply(wallet(member_id, version, offset, erased=erased and version == 1))
        states.append({held.member_id: held.version for held in index.live()})
    for position, state in enumerate(states):
        reader, reached, more = dict(state), [position], True
        while more:
            changes, reached = index.changes_since(reached, 2)
            more = bool(changes)
            for change in changes:
                if change.record is None:
                    reader.pop(change.member_id, None)
                else:
                    reader[change.member_id] = change.version
        assert reader == states[-1]
        assert reached == index.positions
    assert index.members == len(states[-1])


def test_a_member_that_changed_a_thousand_times_is_one_change():
    index = WalletIndex([0, 0])
    for offset in range(5_000):
        index.apply(wallet(f"m{offset % 5}", offset + 1, offset))
    changes, _ = index.changes_since([0, 0], 100)
    assert [change.version for change in changes] == [4996, 4997, 4998, 4999, 5000]
    assert sum(len(order._offsets) for order in index._orders) < 2_000


def test_an_older_record_after_a_tombstone_stays_dead():
    index = WalletIndex([0])
    index.apply(wallet("a", 5, 0))
    index.apply(wallet("a", 0, 1, erased=True))
    assert index.apply(wallet("a", 4, 2)) is None
    assert index.live() == []
    assert index.apply(wallet("a", 6, 3)) is not None


def test_an_offset_read_before_says_that_the_topic_is_another_one():
    index = WalletIndex([0])
    index.apply(wallet("a", 1, 7))
    with pytest.raises(Rewound):
        index.apply(wallet("b", 1, 7))


@pytest.mark.parametrize(
    ("key", "value", "headers"),
    [
        (None, b'{"version":1}', []),
        (b"\xff", b'{"version":1}', []),
        (b"m1", b"{", []),
        (b"m1", b"[]", []),
        (b"m1", b'{"version":"1"}', []),
        (b"m1", b'{"version":true}', []),
        (b"m1", b'{"version":0}', []),
        (b"m1", b'{"version":1}', [("ce_time", b"yesterday")]),
        (b"m1", b'{"version":1}', [("ce_time", b"\xff")]),
    ],
)
def test_what_is_no_wallet_is_refused(key: bytes | None, value: bytes, headers: list[tuple[str, bytes]]):
    with pytest.raises(InvalidRecord):
        read_record(0, 0, key, value, headers, 0)


def test_a_record_keeps_its_bytes_and_reads_its_times_from_the_headers():
    headers = [("ce_time", b"2026-11-22T10:00:00.120Z"), ("ce_recordedtime", b"2026-11-22T10:00:00.130Z")]
    read = read_record(2, 9, b"m1", b'{"version": 3,\n "x": 1}', headers, 0)
    assert (read.member_id, read.version, read.partition, read.offset) == ("m1", 3, 2, 9)
    assert read.record == b'{"version": 3,  "x": 1}'
    assert (read.recorded_at - read.occurred_at).total_seconds() == pytest.approx(0.01)
