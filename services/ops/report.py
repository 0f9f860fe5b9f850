"""From looks to a report: who is how far behind, in numbers and in words. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.topics import WALLETS, WORKER_GROUP
from services.ops.readings import BooksReading, GroupReading, PartitionReading, Reading, TouchpointReading
from services.ops.words import (
    Look,
    Step,
    Verdict,
    Word,
    judge_partition,
    judge_relay,
    judge_touchpoint,
    time_lag_s,
    worst,
)

RATE_WINDOW = timedelta(seconds=10)
FORGOTTEN_AFTER = timedelta(days=1)
FRESH_S = 5.0


@dataclass(frozen=True, slots=True)
class PartitionRow:
    """One group on one partition. `lag_s` is None when the record at the position could not be read in time.

    `moved_age_s`: seconds since the position last moved (workers: the books say; others: as far as we have looked).
    """

    reading: PartitionReading
    word: Word
    note: str
    lag_s: float | None
    still_s: float
    moved_age_s: float | None


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One consumer group; `members_expected` is the most members seen while we looked, rates are records a second."""

    group: str
    state: str
    members: int
    members_expected: int
    word: Word
    partitions: tuple[PartitionRow, ...]
    in_rate: float | None
    out_rate: float | None

    @property
    def is_worker(self) -> bool:
        """Whether these are the workers, who must own every event partition at all times."""
        return self.group == WORKER_GROUP

    @property
    def owned(self) -> int:
        """Partitions that a member owns."""
        return sum(row.reading.owner is not None for row in self.partitions)

    @property
    def lag(self) -> int:
        """Records still to be read, over all partitions."""
        return sum(row.reading.lag for row in self.partitions)

    @property
    def lag_s(self) -> float:
        """The worst partition's time lag, as far as it is known."""
        return max((row.lag_s or 0.0 for row in self.partitions), default=0.0)


@dataclass(frozen=True, slots=True)
class RelayRow:
    """From the books to Kafka: what is committed and not yet published, and which shards a relay serves."""

    word: Word
    note: str
    depth: int
    oldest_age_s: float
    relays: int
    shards: int


@dataclass(frozen=True, slots=True)
class TouchpointRow:
    """One till or web process, by its own newest report; `behind_s` is None when that cannot be told."""

    kind: str
    touchpoint_id: str
    store_id: str | None
    step: Step
    versions_behind: int
    behind_s: float | None
    last_propagation_ms: int | None
    last_applied_at: datetime | None
    reported_at: datetime
    report_age_s: float
    outbox_pending: int
    members: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one look shows, judged with the looks before it.

    `relay` and what else comes from the books is None or empty when they did not answer; `forgotten` counts touchpoints
    not heard of for over a day, which are left out.
    """

    at: datetime
    groups: tuple[GroupRow, ...]
    relay: RelayRow | None
    touchpoints: tuple[TouchpointRow, ...]
    forgotten: int
    dead_letters: Mapping[str, int]
    members: int | None
    versions_total: int | None
    logs: Mapping[tuple[str, int], tuple[int, int]]
    kafka_error: str
    books_error: str

    @property
    def well(self) -> bool:
        """Whether nobody has to act: both systems answer, nothing stands, stops or goes back, no touchpoint is late."""
        words = [group.word for group in self.groups] + ([self.relay.word] if self.relay else [])
        late = any(row.step is Step.LATE for row in self.touchpoints)
        seen = not self.kafka_error and not self.books_error and bool(self.logs)
        return seen and not late and not any(word.bad for word in words)


def report(readings: Sequence[Reading]) -> Report:
    """The report on the newest reading (the last; at least one), with those before it for trends."""
    newest = readings[-1]
    kafka, books = newest.kafka, newest.books
    logs = kafka.logs if kafka else {}
    forgotten_before = newest.at - FORGOTTEN_AFTER
    touchpoints = books.touchpoints if books else ()
    heard = [found for found in touchpoints if found.reported_at >= forgotten_before]
    return Report(
        at=newest.at,
        groups=tuple(_group_row(group, readings) for group in kafka.groups) if kafka else (),
        relay=_relay_row(readings, books, sum(topic == WALLETS for topic, _ in logs)) if books and kafka else None,
        touchpoints=tuple(_touchpoint_row(found, readings) for found in heard),
        forgotten=len(touchpoints) - len(heard),
        dead_letters=books.dead_letters if books else {},
        members=books.members if books else None,
        versions_total=books.versions_total if books else None,
        logs=logs,
        kafka_error=newest.kafka_error,
        books_error=newest.books_error,
    )


def _group_row(group: GroupReading, readings: Sequence[Reading]) -> GroupRow:
    past = [(reading.at, found) for reading in readings if (found := _group(reading, group.group)) is not None]
    looks: dict[tuple[str, int], list[Look]] = {}
    for at, found in past:
        for partition in found.partitions:
            look = Look(at, partition, found.settled)
            looks.setdefault((partition.topic, partition.partition), []).append(look)
    worker = group.group == WORKER_GROUP
    rows = tuple(_partition_row(looks[p.topic, p.partition], worker=worker) for p in group.partitions)
    in_rate, out_rate = _rates(past)
    return GroupRow(
        group=group.group,
        state=group.state,
        members=group.members,
        members_expected=max(found.members for _, found in past),
        word=worst(row.word for row in rows),
        partitions=rows,
        in_rate=in_rate,
        out_rate=out_rate,
    )


def _group(reading: Reading, name: str) -> GroupReading | None:
    groups = reading.kafka.groups if reading.kafka else ()
    return next((group for group in groups if group.group == name), None)


def _partition_row(looks: Sequence[Look], *, worker: bool) -> PartitionRow:
    newest = looks[-1]
    verdict: Verdict = judge_partition(looks, worker=worker)
    return PartitionRow(
        newest.reading, verdict.word, verdict.note, time_lag_s(newest), verdict.still_s, _moved_age_s(looks)
    )


def _moved_age_s(looks: Sequence[Look]) -> float | None:
    newest = looks[-1]
    moved_at = newest.reading.moved_at
    if moved_at is None:
        changes = [
            later.at
            for earlier, later in itertools.pairwise(looks)
            if earlier.reading.position != later.reading.position
        ]
        if not changes:
            return None
        moved_at = changes[-1]
    return max(0.0, (newest.at - moved_at).total_seconds())


def _rates(past: Sequence[tuple[datetime, GroupReading]]) -> tuple[float | None, float | None]:
    """Records written and records applied a second, over the last ten seconds at most."""
    at, newest = past[-1]
    recent = [(then, group) for then, group in past if at - then <= RATE_WINDOW]
    then, oldest = recent[0]
    span_s = (at - then).total_seconds()
    if span_s <= 0 or len(oldest.partitions) != len(newest.partitions):
        return None, None
    written = sum(p.log_end for p in newest.partitions) - sum(p.log_end for p in oldest.partitions)
    applied = sum(p.position or 0 for p in newest.partitions) - sum(p.position or 0 for p in oldest.partitions)
    return max(0.0, written / span_s), max(0.0, applied / span_s)


def _relay_row(readings: Sequence[Reading], books: BooksReading, shards: int) -> RelayRow:
    # A relay that starts over is without its lock for a moment: missing is what two looks in a row do not find.
    before = readings[-2].books if len(readings) > 1 else None
    held = books.relays | before.relays if before else books.relays
    relays = len([shard for shard in held if shard < shards])
    verdict = judge_relay(depth=books.outbox_depth, oldest_age_s=books.outbox_age_s, relays=relays, shards=shards)
    return RelayRow(verdict.word, verdict.note, books.outbox_depth, books.outbox_age_s, relays, shards)


def _touchpoint_row(found: TouchpointReading, readings: Sequence[Reading]) -> TouchpointRow:
    at, mine = readings[-1].at, found.report
    totals = [(reading.at, reading.books.versions_total) for reading in readings if reading.books]
    behind = max(0, round(_total_at(found.reported_at, totals)) - mine.versions_total)
    behind_s = _behind_s(found, totals) if behind else 0.0
    age_s = max(0.0, (at - found.reported_at).total_seconds())
    return TouchpointRow(
        kind=mine.kind,
        touchpoint_id=mine.touchpoint_id,
        store_id=mine.store_id,
        step=judge_touchpoint(versions_behind=behind, behind_s=behind_s, report_age_s=age_s),
        versions_behind=behind,
        behind_s=behind_s,
        last_propagation_ms=mine.last_propagation_ms,
        last_applied_at=mine.last_applied_at,
        reported_at=found.reported_at,
        report_age_s=age_s,
        outbox_pending=mine.outbox_pending,
        members=mine.members,
    )


def _total_at(moment: datetime, totals: Sequence[tuple[datetime, int]]) -> float:
    """The sum of all versions in the books at that moment, between looks on a straight line, else the nearest look's.

    A touchpoint is compared with the books of the moment of its report: what came since, it may well have.
    """
    for (then, before), (later, after) in itertools.pairwise(totals):
        if then <= moment <= later and later > then:
            return before + (after - before) * ((moment - then) / (later - then))
    return totals[0][1] if moment < totals[0][0] else totals[-1][1]


def _behind_s(found: TouchpointReading, totals: Sequence[tuple[datetime, int]]) -> float | None:
    """Seconds since the books were where the touchpoint said it was, at the moment it said so."""
    mine, applied_at = found.report, found.report.last_applied_at
    idle_s = (found.reported_at - applied_at).total_seconds() if applied_at else None
    for (then, before), (later, after) in itertools.pairwise(totals):
        if before <= mine.versions_total < after:
            passed = then + (later - then) * ((mine.versions_total - before) / (after - before))
            return max(0.0, (found.reported_at - passed).total_seconds())
    if found.reported_at >= totals[0][0] and idle_s is not None and idle_s > FRESH_S:
        return idle_s  # it reported after our first look, still without what the books held then
    fresh = idle_s is not None and idle_s <= FRESH_S
    if fresh and mine.last_propagation_ms is not None and mine.last_propagation_ms <= FRESH_S * 1000:
        return max(0, mine.last_propagation_ms) / 1000
    return None
