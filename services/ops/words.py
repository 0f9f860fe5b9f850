"""One word for how a consumer, the relay or a touchpoint is doing. Pure: readings in, words out.

The words are Burrow's. Burrow judges commits, which only it sees; we judge looks at the position a second or so apart
and, for workers, the moment the books' cursor last moved. Where that makes a difference it is said at the rule.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.ops.readings import PartitionReading

STILL_WORKER_S = 5.0
"""A worker commits many times a second: work waiting this long without a move means it does not work."""
STILL_OTHERS_S = 30.0
"""Other groups may commit at leisure (Kafka's clients: every 5 s)."""
BEHIND_S = 30.0
"""Time lag from which progress is not good enough, the shipped alert's threshold."""
LOOKS_MIN = 3
"""Looks before a trend is called one."""


class Word(StrEnum):
    """Burrow's status words; OK and WARN pass, the others mean that somebody has to act."""

    OK = "OK"
    WARN = "WARN"
    STOP = "STOP"
    STALL = "STALL"
    REWIND = "REWIND"

    @property
    def code(self) -> int:
        """Burrow's numeric code of a partition status."""
        return _CODES[self]

    @property
    def bad(self) -> bool:
        """Whether somebody has to act."""
        return self not in (Word.OK, Word.WARN)


_CODES = {Word.OK: 1, Word.WARN: 2, Word.STOP: 4, Word.STALL: 5, Word.REWIND: 6}
_GRAVITY = {Word.OK: 0, Word.WARN: 1, Word.REWIND: 2, Word.STALL: 3, Word.STOP: 4}
ERR_CODE = 3
"""Burrow's code of a group that has a partition in STOP, STALL or REWIND."""


def worst(words: Iterable[Word]) -> Word:
    """The gravest of these words; OK when there are none."""
    return max(words, key=_GRAVITY.__getitem__, default=Word.OK)


def group_code(words: Iterable[Word]) -> int:
    """Burrow's numeric group status: OK 1, WARN 2, ERR 3."""
    return min(worst(words).code, ERR_CODE)


@dataclass(frozen=True, slots=True)
class Look:
    """One reading of a partition, when it was taken, and whether the group was settled then."""

    at: datetime
    reading: PartitionReading
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """A word, why in a few words, and how long the position has stood still with work waiting."""

    word: Word
    note: str = ""
    still_s: float = 0.0


def judge_partition(looks: Sequence[Look], *, worker: bool) -> Verdict:
    """The word for one group on one partition, from its looks (oldest first, at least one); the first rule wins.

    `worker`: a group that must own every partition at all times, and whose cursor says when it moved.
    """
    newest = looks[-1]
    reading = newest.reading
    if reading.beyond:
        return Verdict(Word.STOP, f"the log ends {reading.beyond} records before its position")
    unowned = newest.settled and reading.owner is None
    if worker and unowned:
        return Verdict(Word.STOP, "no worker owns it", _still_s(looks))
    if reading.lag == 0:
        return Verdict(Word.OK)
    still_s = _still_s(looks)
    if unowned:
        return Verdict(Word.STOP, "nobody reads it", still_s)
    looks = _same_source(looks)
    if _rewound(looks):
        return Verdict(Word.REWIND, "went back to an earlier record", still_s)
    # Burrow asks this after "was it ever caught up?"; the looks are too close for that order: a minute would pass.
    if still_s >= (STILL_WORKER_S if worker else STILL_OTHERS_S):
        return Verdict(Word.STALL, f"stands still for {still_s:.0f} s", still_s)
    lag_s = time_lag_s(newest)
    if reading.expired:
        return Verdict(Word.WARN, f"{reading.expired} records expired unread", still_s)
    if lag_s is not None and lag_s > BEHIND_S:
        return Verdict(Word.WARN, "moves, far behind", still_s)
    if _falling_behind(looks):
        return Verdict(Word.WARN, "moves, falling behind", still_s)
    return Verdict(Word.OK, still_s=still_s)


def time_lag_s(look: Look) -> float | None:
    """Seconds since the oldest record still to be applied was written; 0 when caught up, None when not known."""
    if look.reading.lag == 0:
        return 0.0
    if look.reading.record_at is None:
        return None
    return max(0.0, (look.at - look.reading.record_at).total_seconds())


def _still_s(looks: Sequence[Look]) -> float:
    """How long the newest position has surely stood still while a record waited at it."""
    newest = looks[-1]
    if newest.reading.lag == 0:
        return 0.0
    since, before = newest.at, None
    for look in reversed(looks):
        if look.reading.position != newest.reading.position:
            break
        if look.reading.lag == 0:
            before = look.at
            break
        since = look.at
    moved_at, record_at = newest.reading.moved_at, newest.reading.record_at
    if moved_at is not None and record_at is not None:
        # The cursor knows what happened before our first look; a look that found nothing waiting knows better.
        waiting_since = max(moved_at, record_at) if before is None else max(moved_at, record_at, before)
        since = min(since, waiting_since)
    return max(0.0, (newest.at - since).total_seconds())


def _same_source(looks: Sequence[Look]) -> Sequence[Look]:
    """The trailing looks that read the position where the newest did: Kafka's number may trail the books'."""
    by_cursor = looks[-1].reading.cursor is not None
    return [look for look in looks if (look.reading.cursor is not None) == by_cursor]


def _rewound(looks: Sequence[Look]) -> bool:
    positions = [look.reading.position for look in looks if look.reading.position is not None]
    highest = 0
    for position in positions:
        highest = max(highest, position)
    return bool(positions) and positions[-1] < highest


def _falling_behind(looks: Sequence[Look]) -> bool:
    """Never caught up and never gained between two looks, over enough of them to call it a trend."""
    lags = [look.reading.lag for look in looks]
    span_s = (looks[-1].at - looks[0].at).total_seconds()
    if len(lags) < LOOKS_MIN or span_s < STILL_WORKER_S or 0 in lags:
        return False
    return all(later >= earlier for earlier, later in itertools.pairwise(lags))


class Step(StrEnum):
    """How a touchpoint keeps up with the books."""

    IN_STEP = "in step"
    SLOW = "slow"
    LATE = "late"
    SILENT = "silent"


IN_STEP_S = 5.0
LATE_S = 30.0
SILENT_S = 30.0


def judge_touchpoint(*, versions_behind: int, behind_s: float | None, report_age_s: float) -> Step:
    """The word for one touchpoint; silent (nothing known) when its last report is older than 30 s."""
    if report_age_s > SILENT_S:
        return Step.SILENT
    if versions_behind == 0 or (behind_s is not None and behind_s <= IN_STEP_S):
        return Step.IN_STEP
    return Step.LATE if behind_s is not None and behind_s > LATE_S else Step.SLOW


def judge_relay(*, depth: int, oldest_age_s: float, relays: int, shards: int) -> Verdict:
    """The word for the way from the books to Kafka: each shard needs a relay, and nothing may wait for long."""
    if relays < shards:
        missing = shards - relays
        note = "no relay runs" if relays == 0 else f"{missing} of {shards} shards have no relay"
        return Verdict(Word.STOP, note)
    if depth and oldest_age_s > BEHIND_S:
        return Verdict(Word.STALL, f"the oldest waits for {oldest_age_s:.0f} s")
    if depth and oldest_age_s > STILL_WORKER_S:
        return Verdict(Word.WARN, f"the oldest waits for {oldest_age_s:.0f} s")
    return Verdict(Word.OK)
