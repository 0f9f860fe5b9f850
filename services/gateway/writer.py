"""Events onto Kafka, acknowledged by all replicas before anybody is told that they were accepted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.envelope import CloudEvent, to_kafka
from schemas.events.catalogue import Event, topic_for
from schemas.topics import shard_of
from services.sync.backoff import Backoff

log = structlog.get_logger(__name__)

ACKNOWLEDGED_WITHIN_S = 5.0
EVENT_BYTES_MAX = 900_000
"""Bytes of one event's data; Kafka takes records up to 1 MiB with their headers."""


class KafkaAway(Exception):
    """Kafka did not acknowledge in time: nothing is known about these events, they may be sent again."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an event went."""

    topic: str
    partition: int


class EventWriter:
    """An async context manager over an idempotent producer; entering never waits for Kafka.

    `ready` says whether events can be taken. A retry after KafkaAway may put an event on Kafka twice: its source and id
    stay the same, and the worker counts it once.
    """

    def __init__(self, brokers: str) -> None:
        self._brokers = brokers
        self._producer: AIOKafkaProducer | None = None
        self._starting: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether the producer has reached Kafka once."""
        return self._producer is not None

    async def __aenter__(self) -> Self:
        self._starting = asyncio.create_task(self._start(), name="event-writer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._starting is not None:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._starting
        if self._producer is not None:
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(self._producer.stop(), 2)

    async def _start(self) -> None:
        backoff = Backoff(first_s=0.2, most_s=3.0)
        while True:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._brokers,
                acks="all",
                enable_idempotence=True,
                max_request_size=1_048_576,
                metadata_max_age_ms=10_000,
            )
            try:
                await producer.start()
            except (KafkaError, OSError) as error:
                log.warning("event_writer_waits_for_kafka", error=repr(error))
                await producer.stop()
                await asyncio.sleep(backoff.next_s())
            else:
                self._producer = producer
                return

    async def write(self, events: Sequence[tuple[CloudEvent, Event]]) -> list[Placed]:
        """Every event is on its topic, in its member's partition, when this returns. Raises KafkaAway."""
        if self._producer is None:
            raise KafkaAway("Kafka has not been reached yet")
        try:
            return await asyncio.wait_for(self._write(self._producer, events), ACKNOWLEDGED_WITHIN_S)
        except (TimeoutError, KafkaError, OSError) as error:
            log.warning("events_not_acknowledged", events=len(events), error=repr(error))
            raise KafkaAway("Kafka did not acknowledge in time") from error

    async def _write(self, producer: AIOKafkaProducer, events: Sequence[tuple[CloudEvent, Event]]) -> list[Placed]:
        placed, acknowledgements = [], []
        for envelope, event in events:
            topic = topic_for(event)
            partition = shard_of(event.member_id, len(await producer.partitions_for(topic)))
            headers, value = to_kafka(envelope)
            acknowledgements.append(
                await producer.send(topic, value, key=event.member_id.encode(), partition=partition, headers=headers)
            )
            placed.append(Placed(topic, partition))
        await asyncio.gather(*acknowledgements)
        return placed
