"""The words for partitions, the relay and touchpoints, as tables: what was seen, second by second, and its word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.ops.readings import PartitionReading
from services.ops.words import (
    Look,
    Step,
    Verdict,
    Word,
    group_code,
    judge_partition,
    judge_relay,
    judge_touchpoint,
    time_lag_s,
    worst,
)

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def look(
    second: float,
    position: int | None,
    end: int,
    *,
    record: float | None = None,
    moved: float | None = None,
    owner: str | None = "worker-1",
    start: int = 0,
    settled: bool = True,
    worker: bool = True,
) -> Look:
    """One look; a worker's position is the books' cursor, another group's what it committed."""
    reading = PartitionReading(
        topic="loyalty.events.checkout",
        partition=3,
        log_start=start,
        log_end=end,
        committed=None if worker else position,
        cursor=position if worker else None,
        moved_at=None if moved is None else at(moved),
        record_at=None if record is None else at(record),
        owner=owner,
    )
    return Look(at(second), reading, settled)


CASES: list[tuple[str, list[Look], Word]] = [
    ("caught up", [look(0, 5, 5)], Word.OK),
    ("an empty log, nothing ever committed", [look(0, None, 0)], Word.OK),
    ("a little behind, moving", [look(0, 5, 9, record=0, moved=0), look(1, 8, 12, record=1, moved=1)], Word.OK),
    ("nobody owns it, nothing waits", [look(0, 5, 5, owner=None)], Word.STOP),
    ("nobody owns it, something waits", [look(0, 5, 9, record=-60, moved=-60, owner=None)], Word.STOP),
    ("nobody owns it while the group rearranges", [look(0, 5, 5, owner=None, settled=False)], Word.OK),
    ("first look: the cursor has not moved since", [look(0, 5, 9, record=-6, moved=-20)], Word.STALL),
    ("first look: the record has just come", [look(0, 5, 9, record=-1, moved=-3600)], Word.OK),
    ("first look: a worker has just started on it", [look(0, 5, 9, record=-3600, moved=-1)], Word.WARN),
    ("seen to stand still", [look(s, 5, 9 + s) for s in range(7)], Word.STALL),
    (
        "a record with an old timestamp came a second ago",
        [look(0, 5, 5, moved=-3600), look(1, 5, 6, record=-9999, moved=-3600)],
        Word.WARN,
    ),
    ("moves, far behind", [look(0, 5, 900, record=-70, moved=0), look(1, 50, 900, record=-60, moved=1)], Word.WARN),
    (
        "moves, falls behind",
        [look(s, 10 * s, 100 + 20 * s, record=s - 3, moved=s) for s in range(6)],
        Word.WARN,
    ),
    (
        "gained once: no trend",
        [look(s, 10 * s, 100 + 20 * s - (90 if s == 4 else 0), record=s - 3, moved=s) for s in range(6)],
        Word.OK,
    ),
    (
        "was caught up in between: no trend",
        [look(s, 10 * s, 10 * s if s == 2 else 100 + 20 * s, record=s - 3, moved=s) for s in range(6)],
        Word.OK,
    ),
    ("went back", [look(0, 50, 60, moved=0), look(1, 20, 60, record=0, moved=1)], Word.REWIND),
    (
        "went back and has made up for it",
        [look(0, 50, 60, moved=0), look(1, 20, 60, moved=1), look(2, 55, 60, record=1, moved=2)],
        Word.OK,
    ),
    (
        "went back to the very start and caught up is not to be",
        [look(0, 9, 9), look(1, 0, 9, record=0, moved=1)],
        Word.REWIND,
    ),
    ("records expired before they were read", [look(0, 5, 30, start=20, record=-1, moved=0)], Word.WARN),
    ("a new group begins at the oldest record", [look(0, 0, 30, start=20, record=-1, moved=0)], Word.OK),
    ("the log ends before the position", [look(0, 50, 9)], Word.STOP),
]


@pytest.mark.parametrize(("looks", "word"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_workers_word(looks: list[Look], word: Word):
    assert judge_partition(looks, worker=True).word is word


OTHERS: list[tuple[str, list[Look], Word]] = [
    ("nobody reads it, nothing waits", [look(0, 5, 5, owner=None, worker=False)], Word.OK),
    ("nobody reads it, something waits", [look(0, 5, 9, owner=None, worker=False)], Word.STOP),
    ("commits now and then", [look(s, 5, 9, worker=False) for s in range(20)], Word.WARN),
    ("has not committed for long", [look(s, 5, 9, worker=False) for s in range(32)], Word.STALL),
]


@pytest.mark.parametrize(("looks", "word"), [case[1:] for case in OTHERS], ids=[case[0] for case in OTHERS])
def test_another_groups_word(looks: list[Look], word: Word):
    assert judge_partition(looks, worker=False).word is word


def test_books_away_is_no_rewind():
    """Kafka's number trails the books'; when only it can be read, it is compared with itself."""
    looks = [look(0, 50, 60, moved=0, record=0), look(1, 45, 60, record=1, worker=False)]
    assert judge_partition(looks, worker=True).word is Word.OK


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (look(0, 5, 5, record=-99), 0.0),
        (look(0, 5, 6, record=-42), 42.0),
        (look(0, 5, 6, record=3), 0.0),  # the producer's clock is ahead of ours
        (look(0, 5, 6), None),
        (look(0, 3, 6, start=6, record=-9), 0.0),  # what was left has expired
    ],
)
def test_time_lag(seen: Look, expected: float | None):
    assert time_lag_s(seen) == expected


@pytest.mark.parametrize(
    ("position", "start", "end", "lag"), [(None, 0, 7, 7), (0, 3, 7, 4), (5, 0, 7, 2), (9, 0, 7, 0), (2, 4, 7, 3)]
)
def test_offset_lag(position: int | None, start: int, end: int, lag: int):
    assert look(0, position, end, start=start).reading.lag == lag


def test_the_worst_word_is_the_groups():
    assert worst([]) is Word.OK
    assert worst([Word.OK, Word.WARN]) is Word.WARN
    assert worst([Word.STALL, Word.STOP, Word.REWIND]) is Word.STOP
    assert [group_code([word]) for word in (Word.OK, Word.WARN, Word.STOP, Word.STALL, Word.REWIND)] == [1, 2, 3, 3, 3]
    assert [word.code for word in (Word.OK, Word.WARN, Word.STOP, Word.STALL, Word.REWIND)] == [1, 2, 4, 5, 6]


@pytest.mark.parametrize(
    ("depth", "age_s", "relays", "word"),
    [
        (0, 0.0, 4, Word.OK),
        (500, 0.2, 4, Word.OK),
        (500, 8.0, 4, Word.WARN),
        (500, 42.0, 4, Word.STALL),
        (0, 0.0, 3, Word.STOP),
        (0, 0.0, 0, Word.STOP),
    ],
)
def test_the_relays_word(depth: int, age_s: float, relays: int, word: Word):
    verdict: Verdict = judge_relay(depth=depth, oldest_age_s=age_s, relays=relays, shards=4)
    assert verdict.word is word
    assert bool(verdict.note) == (word is not Word.OK)


@pytest.mark.parametrize(
    ("behind", "behind_s", "age_s", "step"),
    [
        (0, 0.0, 1, Step.IN_STEP),
        (310, 2.0, 1, Step.IN_STEP),
        (310, 12.0, 1, Step.SLOW),
        (310, None, 1, Step.SLOW),
        (310, 42.0, 1, Step.LATE),
        (0, 0.0, 31, Step.SILENT),
        (310, 42.0, 31, Step.SILENT),
    ],
)
def test_a_touchpoints_word(behind: int, behind_s: float | None, age_s: float, step: Step):
    assert judge_touchpoint(versions_behind=behind, behind_s=behind_s, report_age_s=age_s) is step
