"""Events onto Kafka: binary mode, key = member id, in the partition where that member lives.

The producer is idempotent and waits for all replicas, so what is counted as delivered is there, once, in the order of
sending for each member and topic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.envelope import CloudEvent, to_kafka
from schemas.events.catalogue import decode, topic_for
from schemas.topics import shard_of
from services.clock import monotonic

if TYPE_CHECKING:
    from aiokafka.structs import RecordMetadata

_LINGER_MS = 2
_BREATHE_EVERY = 100
"""Sends after which the event loop gets its turn; a full batch gives it one anyway."""
_SLEEP_MIN_S = 0.001


class DeliveryError(Exception):
    """Kafka did not take every record; the message says how many it refused and why the first one."""


class EventPublisher:
    """Sends events to the topic of their channel and counts what Kafka has confirmed.

    Use as `async with EventPublisher(brokers) as publisher`; leaving the block waits until everything sent is confirmed
    and raises DeliveryError when something was not.
    """

    def __init__(self, brokers: str, *, client_id: str = "unisono-publisher") -> None:
        self.sent = 0
        self.delivered = 0
        self.failed = 0
        self._first_failure: BaseException | None = None
        self._partitions: dict[str, int] = {}
        self._pending: set[asyncio.Future[RecordMetadata]] = set()
        self._brokers = brokers
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> Self:
        """Connected; raises KafkaConnectionError when no broker answers."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._brokers,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=_LINGER_MS,
            max_batch_size=256 * 1024,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Everything sent is confirmed or counted as failed, the connection closed."""
        assert self._producer is not None
        try:
            if error is None:
                await self.flush()
        finally:
            await self._producer.stop()

    async def send(self, event: CloudEvent) -> None:
        """Hand one event to the producer; `delivered` grows when Kafka has confirmed it.

        Raises EnvelopeError or UnknownType for an event that nobody could apply; nothing is sent then.
        """
        decoded = decode(event)
        topic = topic_for(decoded)
        headers, value = to_kafka(event)
        member = decoded.member_id
        partition = shard_of(member, await self._partitions_of(topic))
        _ = await self.send_record(topic, value, key=member.encode(), headers=headers, partition=partition)

    async def send_record(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: list[tuple[str, bytes]] | None = None,
        partition: int | None = None,
    ) -> asyncio.Future[RecordMetadata]:
        """Hand over a record exactly as it is, valid or not; the future is done when Kafka has confirmed it."""
        assert self._producer is not None, "the publisher is used inside `async with`"
        future: asyncio.Future[RecordMetadata] = await self._producer.send(
            topic, value=value, key=key, headers=headers, partition=partition
        )
        self.sent += 1
        self._pending.add(future)
        future.add_done_callback(self._settled)
        if self.sent % _BREATHE_EVERY == 0:
            await asyncio.sleep(0)
        return future

    async def send_all(self, events: Iterable[CloudEvent], *, rate: float | None = None) -> int:
        """Send every event, at most `rate` a second (None: as fast as Kafka takes them); the number sent.

        All of them are handed over on return; `flush` waits for their confirmation.
        """
        pace = Pace(rate)
        before = self.sent
        for event in events:
            await pace.wait()
            await self.send(event)
        return self.sent - before

    async def flush(self) -> int:
        """Wait until everything sent is confirmed; the number delivered so far. Raises DeliveryError."""
        assert self._producer is not None
        while self._pending:
            await asyncio.wait(self._pending)
        if self.failed:
            raise DeliveryError(
                f"Kafka did not take {self.failed} records, the first because of {self._first_failure!r}"
            )
        return self.delivered

    async def _partitions_of(self, topic: str) -> int:
        if topic not in self._partitions:
            assert self._producer is not None, "the publisher is used inside `async with`"
            self._partitions[topic] = len(await self._producer.partitions_for(topic))
        return self._partitions[topic]

    def _settled(self, future: asyncio.Future[RecordMetadata]) -> None:
        self._pending.discard(future)
        failure = None if future.cancelled() else future.exception()
        if failure is None and not future.cancelled():
            self.delivered += 1
            return
        self.failed += 1
        self._first_failure = self._first_failure or failure or KafkaError("cancelled")


class Pace:
    """Keeps a steady number of steps a second; a step that came late is made up for, never dropped."""

    def __init__(self, rate: float | None) -> None:
        if rate is not None and rate <= 0:
            raise ValueError("a rate is more than 0 events a second")
        self._step_s = 0.0 if rate is None else 1 / rate
        self._steps = 0
        self._started: float | None = None

    async def wait(self) -> None:
        """Return when the next step is due."""
        if not self._step_s:
            return
        if self._started is None:
            self._started = monotonic()
        ahead_s = self._started + self._steps * self._step_s - monotonic()
        self._steps += 1
        if ahead_s > _SLEEP_MIN_S:
            await asyncio.sleep(ahead_s)
