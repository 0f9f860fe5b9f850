"""Intake's positions, with the consumer and the books played by plain objects: the races a real group shows rarely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from schemas.topics import APP
from services.ledger.apply_batch import BatchResult
from services.ledger.ports import SourceRecord
from services.settings import Settings
from streams.intake import Intake
from streams.relay import Relay

P0, P1 = TopicPartition(APP, 0), TopicPartition(APP, 1)
END = 5


@dataclass
class Log:
    """A consumer of two partitions of five records each, whose position moves with every fetch, as in Kafka."""

    assigned: set[TopicPartition]
    positions: dict[TopicPartition, int] = field(default_factory=lambda: {P0: 0, P1: 0})
    during_look_up: list[object] = field(default_factory=list)
    """Called one by one, while the offsets are asked for."""

    def assignment(self) -> set[TopicPartition]:
        return set(self.assigned)

    async def getmany(
        self, *tps: TopicPartition, timeout_ms: int, max_records: int = 0
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        """One record of each partition."""
        assert timeout_ms >= 0 <= max_records
        fetched = {}
        for tp in set(tps) & self.assigned:
            if (at := self.positions[tp]) < END:
                fetched[tp] = [_record(tp, at)]
                self.positions[tp] = at + 1
        return fetched

    def highwater(self, _tp: TopicPartition) -> int:
        return END

    async def position(self, tp: TopicPartition) -> int:
        return self.positions[tp]

    async def beginning_offsets(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        if self.during_look_up:
            self.during_look_up.pop(0)()  # type: ignore[operator]
        return dict.fromkeys(tps, 0)

    async def end_offsets(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, END)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.positions[tp] = offset


def _record(tp: TopicPartition, offset: int) -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord(tp.topic, tp.partition, offset, 0, 0, b"m", b"{}", None, 1, 2, ())


@dataclass
class Cursors:
    """Applies a batch as the commit path does: what lies at or above the cursor, which then stands behind the last."""

    intake: Intake | None = None
    at: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0})
    applied: list[tuple[int, int]] = field(default_factory=list)

    async def next_offset(self, _topic: str, partition: int) -> int:
        return self.at[partition]

    async def apply(self, partition: int, records: Sequence[SourceRecord]) -> BatchResult:
        fresh = [r.offset for r in records if r.offset >= self.at[partition]]
        self.applied += [(partition, offset) for offset in fresh]
        self.at[partition] = max([self.at[partition], *[offset + 1 for offset in fresh]])
        result = BatchResult({APP: self.at[partition]})
        if len(fresh) < len(records):
            result.outcomes[APP, "replayed"] = len(records) - len(fresh)
        if sum(self.at.values()) == 2 * END and self.intake is not None:
            self.intake._stopped.set()  # the loop ends with its turn
        return result


def _intake(log: Log, cursors: Cursors) -> Intake:
    intake = Intake(Settings(), Relay(Settings()))
    intake._relay.own = lambda shards: None  # type: ignore[method-assign]  # nothing to publish here
    intake._consumer, intake._ledger, intake._applier = log, cursors, cursors  # type: ignore[assignment]
    cursors.intake = intake
    return intake


async def test_a_rebalance_while_positions_are_looked_up_leaves_no_gap() -> None:
    """The partition that kept its position is fetched together with the new one's first records, which are dropped."""
    log, cursors = Log({P0}), Cursors()
    intake = _intake(log, cursors)

    def rebalance() -> None:
        intake.on_partitions_revoked({P0})
        log.assigned = {P0, P1}
        intake.on_partitions_assigned({P0, P1})

    log.during_look_up.append(rebalance)
    await Intake._consume.fun(intake)
    assert sorted(cursors.applied) == [(partition, offset) for partition in (0, 1) for offset in range(END)]


async def test_a_broker_that_does_not_answer_for_positions_is_asked_again() -> None:
    """Nothing is applied from a position that nobody checked, and the worker stays."""
    log, cursors = Log({P0, P1}), Cursors()
    intake = _intake(log, cursors)

    def silent() -> None:
        raise KafkaTimeoutError

    log.during_look_up += [silent, silent]
    await Intake._consume.fun(intake)
    assert sorted(cursors.applied) == [(partition, offset) for partition in (0, 1) for offset in range(END)]


async def test_records_below_the_cursor_send_the_consumer_back_to_it() -> None:
    """Another owner went on meanwhile: the consumer jumps to where the books are instead of reading all of it again."""
    log, cursors = Log({P0, P1}), Cursors()
    intake = _intake(log, cursors)
    intake._positioned |= {P0, P1}
    cursors.at[0] = 4
    await Intake._consume.fun(intake)
    assert [offset for partition, offset in cursors.applied if partition == 0] == [4]
    assert [offset for partition, offset in cursors.applied if partition == 1] == list(range(END))
    assert log.positions == {P0: END, P1: END}


async def test_a_new_owner_reports_where_it_starts() -> None:
    """What the owner before it applied in its last second would show as lag for as long as nothing new arrives."""
    log, cursors = Log({P0}), Cursors(at={0: 3, 1: 0})
    intake = _intake(log, cursors)
    await intake._position([P0])
    assert intake._done == {P0: 3}
