"""Rows may arrive in any order and any number of times: the replica ends with the newest of each member."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from services.till.replica import Replica
from services.till.rows import Checkpoint, Row

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """The rows of some members in the order of the log: versions grow, now and then one is erased."""
    rows: list[Row] = []
    versions: dict[str, int] = {}
    for seq, key in enumerate(draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=12)), start=1):
        if versions.get(key) and draw(st.integers(0, 4)) == 0:
            rows.append(Row(key, seq, draw(st.sampled_from([0, versions[key]])), None, NOW, NOW))
        else:
            versions[key] = versions.get(key, 0) + draw(st.integers(1, 3))
            rows.append(Row(key, seq, versions[key], b"{}", NOW, NOW))
    return rows


@settings(max_examples=60, deadline=None)
@given(history=histories(), data=st.data())
def test_any_order_and_any_duplicates_end_with_the_newest(history: list[Row], data: st.DataObject):
    again = data.draw(st.lists(st.sampled_from(history), max_size=8))
    arriving = data.draw(st.permutations([*history, *again]))
    cut = data.draw(st.integers(0, len(arriving)))
    newest = {row.key: row for row in history}
    expected = {key: row.version for key, row in newest.items() if row.record is not None}
    with tempfile.TemporaryDirectory() as folder:
        replica = Replica(Path(folder))
        try:
            seen: dict[str, list[int]] = {}
            for part in (arriving[:cut], arriving[cut:]):
                for row in replica.apply(part, Checkpoint("t", "e", len(part)), NOW):
                    seen.setdefault(row.member_id, []).append(row.version)
            assert {held.member_id: held.version for held in replica.newest(100)} == expected
            assert replica.totals() == (len(expected), sum(expected.values()))
            assert all(versions == sorted(set(versions)) for versions in seen.values())
        finally:
            replica.close()
