"""Intake: the three co-partitioned event topics, one PostgreSQL transaction a micro-batch and partition (steps 1 to 9).

A bare consumer on the Faust worker's loop. PostgreSQL's cursor says where a partition continues; Kafka's committed
offset is reported for lag tools and never is ahead of it.
"""

from __future__ import annotations

import asyncio
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
from services.ledger.apply_batch import BatchApplier
from services.ledger.ports import SourceRecord, TransientFault
from services.ledger.validate import TimeWindow
from services.metrics import BATCH_EVENTS, DATABASE_RETRIES, EVENTS, PARTITIONS_OWNED, PROCESSING, REBALANCES
from services.settings import Settings
from services.store.ledger import PostgresLedger
from services.sync.backoff import Backoff
from services.terms import programme_terms
from streams.merge import Merge
from streams.relay import Relay
from streams.topics import partition_count

log = structlog.get_logger(__name__)

_POLL_MS = 200
_HELD_BACK_MS = 5
_SILENT_S = 0.2
"""So long a topic that should have more may show nothing before its siblings go on without it."""
_UNITS_MAX = 4
"""Batches of different partitions that are committed at once, each on a connection of its own."""
_RETRY_MAX_S = 1.0


class Intake(Service, ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Applies what the event topics bring to the books, partition by partition."""

    def __init__(self, settings: Settings, relay: Relay, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._relay = relay
        self._positioned: set[TopicPartition] = set()
        self._done: dict[TopicPartition, int] = {}
        self._merge = Merge()
        self._fed_at: dict[TopicPartition, float] = {}
        self._wait_ms = _POLL_MS
        self._at_once = asyncio.Semaphore(_UNITS_MAX)
        self._backoff = Backoff(first_s=0.05, most_s=_RETRY_MAX_S)

    @override
    async def on_start(self) -> None:
        """The group is joined once this returns."""
        settings = self._settings
        opened = PostgresLedger.open(settings.dsn, lock_lease_s=settings.lock_lease_s, connections_max=_UNITS_MAX + 1)
        self._ledger = await self.add_async_context(opened)
        window = TimeWindow(settings.lateness_horizon, settings.future_tolerance)
        partitions = await partition_count(settings.brokers)
        self._applier = BatchApplier(self._ledger, programme_terms(settings), window, partitions, utc_now)
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
        self._forget()
        self._done.clear()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """The relay follows; positions are set by the loop, where an error is not swallowed."""
        self._forget()
        owned = {tp.partition for tp in assigned}
        self._relay.own(owned)
        REBALANCES.inc()
        PARTITIONS_OWNED.set(len(owned))
        log.info("partitions_assigned", partitions=sorted(owned))

    @Service.task
    async def _consume(self) -> None:
        while not self.should_stop:
            # Step 1. Take what is there, never wait to fill a batch; while the database is away, to stay in the group.
            await self._fetch()
            try:
                if self._consumer.assignment() - self._positioned:
                    # Fetched from wherever Kafka thought we were. What is dropped leaves a gap behind the consumer's
                    # position, so every partition starts again from its cursor, also one that had its position.
                    self._forget()
                    await self._position(sorted(self._consumer.assignment()))
                await self._apply_ready()
                self._backoff.reset()
            except TransientFault as error:
                DATABASE_RETRIES.labels("batch").inc()
                await self._start_again("database_away", error)
            except KafkaError as error:  # nobody told us where the logs begin and end
                await self._start_again("positions_unknown", error)

    async def _fetch(self) -> None:
        """What Kafka has for us waits in the merge, a batch of each topic and partition at most."""
        most = self._settings.batch_events_max
        hungry = [tp for tp in self._consumer.assignment() if self._merge.waiting(tp) < most]
        fetched = await self._consumer.getmany(*hungry, timeout_ms=self._wait_ms) if hungry or not self._merge else {}
        for tp in hungry:  # one topic may have filled the answer while another has older records
            if self._merge and tp not in fetched and not self._merge.waiting(tp):
                fetched |= await self._consumer.getmany(tp, timeout_ms=0, max_records=most)
        now = monotonic()
        for tp, records in fetched.items():
            self._merge.add(tp, records)
            self._fed_at[tp] = now

    async def _apply_ready(self) -> None:
        """The batches that are ready, those of different partitions at once: none waits for another's commit."""
        siblings: dict[int, list[TopicPartition]] = {}
        for tp in sorted(self._positioned):
            siblings.setdefault(tp.partition, []).append(tp)
        behind = {tp for tp in tuple(self._positioned) if await self._has_more(tp)}
        most = self._settings.batch_events_max
        ready = {number: self._merge.take(tps, behind.__contains__, most) for number, tps in siblings.items()}
        batches = [self._apply(number, records) for number, records in ready.items() if records]
        outcomes = await asyncio.gather(*batches, return_exceptions=True)
        faults = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for fault in sorted(faults, key=lambda fault: isinstance(fault, TransientFault)):
            raise fault  # what is not transient first: it ends the worker
        self._wait_ms = _POLL_MS if not self._merge else 0 if batches else _HELD_BACK_MS

    async def _has_more(self, tp: TopicPartition) -> bool:
        """Whether records may follow on this topic that its siblings must not overtake."""
        end = self._consumer.highwater(tp)
        if end is not None and await self._consumer.position(tp) >= end:
            return False
        return self._merge.waiting(tp) > 0 or monotonic() - self._fed_at.get(tp, 0.0) < _SILENT_S

    def _forget(self) -> None:
        self._positioned.clear()
        self._merge.clear()
        self._wait_ms = _POLL_MS

    async def _start_again(self, event: str, error: Exception) -> None:
        """From the cursors, after a while: what was fetched is dropped."""
        self._forget()
        wait_s = self._backoff.next_s()
        log.warning(event, retry_in_s=round(wait_s, 2), error=repr(error))
        await asyncio.sleep(wait_s)

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
                self._fed_at[tp] = monotonic()
                if cursor >= starts[tp]:
                    self._done[tp] = cursor  # what the owner before us did not get to report

    async def _apply(self, partition: int, fetched: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        started = monotonic()
        records = [SourceRecord(r.topic, partition, r.offset, r.key, r.value, r.headers) for r in fetched]
        async with self._at_once:
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
