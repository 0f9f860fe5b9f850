"""Intake: the three co-partitioned event topics, one PostgreSQL transaction a micro-batch and partition (steps 1 to 9).

A bare consumer on the Faust worker's loop. PostgreSQL's cursor says where a partition continues; Kafka's committed
offset is reported for lag tools and never is ahead of it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError
from mode import Service
from typing_extensions import override

from schemas.topics import EVENT_TOPICS, WORKER_GROUP
from services.clock import monotonic, utc_now
from services.engine.programme import ProgrammeTerms
from services.ledger.apply_batch import BatchApplier
from services.ledger.ports import SourceRecord, TransientFault
from services.ledger.validate import TimeWindow
from services.metrics import BATCH_EVENTS, DATABASE_RETRIES, EVENTS, PARTITIONS_OWNED, PROCESSING, REBALANCES
from services.settings import Settings
from services.store.ledger import PostgresLedger
from streams.relay import Relay
from streams.topics import partition_count

log = structlog.get_logger(__name__)

_POLL_MS = 200
_RETRY_MAX_S = 1.0


class Intake(Service, ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Applies what the event topics bring to the books, partition by partition."""

    def __init__(self, settings: Settings, relay: Relay, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._relay = relay
        self._positioned: set[TopicPartition] = set()
        self._done: dict[TopicPartition, int] = {}
        self._retry_s = 0.05

    @override
    async def on_start(self) -> None:
        """The group is joined once this returns."""
        settings = self._settings
        opened = PostgresLedger.open(settings.dsn, lock_lease_s=settings.lock_lease_s)
        self._ledger = await self.add_async_context(opened)
        terms = ProgrammeTerms(
            settings.programme_secret.get_secret_value().encode(), settings.timezone, settings.currency
        )
        window = TimeWindow(settings.lateness_horizon, settings.future_tolerance)
        partitions = await partition_count(settings.brokers)
        self._applier = BatchApplier(self._ledger, terms, window, partitions, utc_now)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.brokers,
            group_id=WORKER_GROUP,
            group_instance_id=settings.worker_id,
            client_id=settings.worker_id or "unisono-worker",
            partition_assignment_strategy=(
                RangePartitionAssignor,
            ),  # gives partition n of all three topics to one worker
            enable_auto_commit=False,
            isolation_level="read_committed",  # what a producer's transaction took back has not happened
            auto_offset_reset="earliest",
            max_poll_records=settings.batch_events_max,
            metadata_max_age_ms=10_000,
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=1_000,
        )
        self._consumer.subscribe(list(EVENT_TOPICS), listener=self)
        await self.add_async_context(self._consumer)  # left before the database's pool is closed

    # aiokafka only logs what these two raise, so they do nothing that can fail.
    def on_partitions_revoked(self, _revoked: Iterable[TopicPartition]) -> None:
        """Whatever was fetched is no longer ours to apply."""
        self._positioned.clear()
        self._done.clear()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """The relay follows; positions are set by the loop, where an error is not swallowed."""
        self._positioned.clear()
        owned = {tp.partition for tp in assigned}
        self._relay.own(owned)
        REBALANCES.inc()
        PARTITIONS_OWNED.set(len(owned))
        log.info("partitions_assigned", partitions=sorted(owned))

    @Service.task
    async def _consume(self) -> None:
        while not self.should_stop:
            # Step 1. Take what is there, never wait to fill a batch; while the database is away, to stay in the group.
            batches = await self._consumer.getmany(timeout_ms=_POLL_MS)
            try:
                if self._consumer.assignment() - self._positioned:
                    # Fetched from wherever Kafka thought we were. What is dropped leaves a gap behind the consumer's
                    # position, so every partition starts again from its cursor, also one that had its position.
                    batches = {}
                    self._positioned.clear()
                    await self._position(sorted(self._consumer.assignment()))
                by_partition: dict[int, list[TopicPartition]] = {}
                for tp in sorted(batches):
                    by_partition.setdefault(tp.partition, []).append(tp)
                for partition, tps in by_partition.items():
                    if self._positioned.issuperset(tps):  # else: revoked while we worked on the others
                        await self._apply(partition, [record for tp in tps for record in batches[tp]])
                self._retry_s = 0.05
            except TransientFault as error:
                DATABASE_RETRIES.labels("batch").inc()
                log.warning("database_away", retry_in_s=round(self._retry_s, 2), error=str(error))
                await self._start_again()
            except KafkaError as error:  # nobody told us where the logs begin and end
                log.warning("positions_unknown", retry_in_s=round(self._retry_s, 2), error=repr(error))
                await self._start_again()

    async def _start_again(self) -> None:
        """From the cursors, after a while: what was fetched is dropped."""
        self._positioned.clear()
        await asyncio.sleep(self._retry_s * random.uniform(0.5, 1.0))
        self._retry_s = min(self._retry_s * 2, _RETRY_MAX_S)

    async def _position(self, partitions: Sequence[TopicPartition]) -> None:
        # All at once: each question to the broker may wait behind a fetch for as long as that one does.
        starts, ends, *cursors = await asyncio.gather(
            self._consumer.beginning_offsets(partitions),
            self._consumer.end_offsets(partitions),
            *(self._ledger.next_offset(tp.topic, tp.partition) for tp in partitions),
        )
        for tp, cursor in zip(partitions, cursors, strict=True):
            if cursor > ends[tp]:
                raise RuntimeError(
                    f"{tp.topic}/{tp.partition} ends at {ends[tp]} but {cursor} records were applied:"
                    " are these the books of another cluster?"
                )
            if cursor < starts[tp]:
                lost = starts[tp] - cursor
                log.error("events_lost_to_retention", topic=tp.topic, partition=tp.partition, lost=lost)
            if tp in self._consumer.assignment():  # it may have moved while we asked
                self._consumer.seek(tp, max(cursor, starts[tp]))
                self._positioned.add(tp)
                if cursor >= starts[tp]:
                    self._done[tp] = cursor  # what the owner before us did not get to report

    async def _apply(self, partition: int, fetched: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        started = monotonic()
        records = [SourceRecord(r.topic, partition, r.offset, r.key, r.value, r.headers) for r in fetched]
        result = await self._applier.apply(partition, records)
        # Step 9. Wake the relay; the offsets are reported within a second.
        self._relay.wake(result.shards)
        self._done |= {TopicPartition(topic, partition): offset for topic, offset in result.next_offsets.items()}
        PROCESSING.labels("batch").observe(monotonic() - started)
        BATCH_EVENTS.observe(len(records))
        for (topic, outcome), count in result.outcomes.items():
            EVENTS.labels(topic, outcome).inc(count)
            if outcome == "replayed":  # not where we should be: another owner went on, or the topic was made anew
                self._positioned.discard(TopicPartition(topic, partition))

    @Service.timer(1.0)
    async def _report_progress(self) -> None:
        done, self._done = {tp: o for tp, o in self._done.items() if tp in self._consumer.assignment()}, {}
        try:
            if done:
                await self._consumer.commit(done)
        except KafkaError as error:
            self._done = {**done, **self._done}
            log.info("progress_not_reported", error=repr(error))  # harmless: the cursor is the authority

    async def database_answers(self) -> bool:
        """For /readyz."""
        await self._ledger.next_offset(EVENT_TOPICS[0], 0)
        return True

    async def has_partitions(self) -> bool:
        """For /readyz: the group gave us partitions, and each has its position."""
        assignment = self._consumer.assignment()
        return bool(assignment) and assignment == self._positioned
