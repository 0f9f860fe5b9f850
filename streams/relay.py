"""The relay: committed outbox marks become records on Kafka, in order, at least once (steps R1 to R4).

One task, one database session and one idempotent producer for each shard this worker owns. A late append of a relay
that was stopped and woke up is cured by the watch (step R5, streams/watch.py), not prevented.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from mode import Service

from schemas.topics import RECORD_BYTES_MAX, WALLETS
from services.ledger.ports import TransientFault
from services.metrics import PUBLISHED
from services.settings import Settings
from services.store.relay import Marks, RelaySession
from services.sync.backoff import Backoff
from streams.publish import Message, dead_letter_message, journal_message, promotion_message, wallet_message
from streams.watch import Versions, Watch

log = structlog.get_logger(__name__)

_MARKS_MAX = 500
_POLL_S = 0.5
"""Safety net only: intake wakes the relay in process."""
_LOCK_RETRY_S = 0.1
_STOP_S = 5.0
_START_OVER_MAX_S = 1.0

_Session = tuple[RelaySession, AIOKafkaProducer, Versions, asyncio.Future[None]]
"""The outbox under our lock, the producer, what we published, and the watch that runs meanwhile."""


class Relay(Service):
    """Publishes for the shards it is told to own; holding a shard's lock is what makes it the only one."""

    def __init__(self, settings: Settings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._source = f"/unisono/{settings.programme}"
        self._wakeups: dict[int, asyncio.Event] = {}
        self._relays: dict[int, asyncio.Future[None]] = {}

    def own(self, shards: set[int]) -> None:
        """Follow the consumer's assignment. Only a rebalance's outcome counts: eager ones revoke everything first."""
        for lost in set(self._relays) - shards:
            self._relays.pop(lost).cancel()
        for gained in shards - set(self._relays):
            self._wakeups[gained] = asyncio.Event()
            self._relays[gained] = self.add_future(self._run(gained))

    def wake(self, shards: Iterable[int]) -> None:
        """These shards have something to publish."""
        for shard in shards:
            if shard in self._wakeups:
                self._wakeups[shard].set()

    async def _run(self, shard: int) -> None:
        backoff = Backoff(first_s=0.05, most_s=_START_OVER_MAX_S)
        while not self.should_stop:
            try:
                async with self._session(shard) as (outbox, producer, published, watching):
                    backoff.reset()
                    while not self.should_stop:
                        if watching.done():
                            watching.result()  # ended by a bug: a relay whose topic nobody checks must not go on
                        if not await self._publish(shard, outbox, producer, published):
                            await self._wait(shard)
            except (TransientFault, KafkaError) as error:  # a new session: new lock, new producer, marks read again
                wait_s = backoff.next_s()
                log.warning("relay_starts_over", shard=shard, error=repr(error), retry_in_s=round(wait_s, 2))
                await asyncio.sleep(wait_s)

    @asynccontextmanager
    async def _session(self, shard: int) -> AsyncIterator[_Session]:
        settings = self._settings
        async with RelaySession.open(settings.dsn, shard, lock_lease_s=settings.lock_lease_s) as outbox:
            # Step R1. The shard is ours while we hold its lock.
            while not await outbox.try_lock():
                await asyncio.sleep(_LOCK_RETRY_S)
            producer = AIOKafkaProducer(
                bootstrap_servers=settings.brokers,
                acks="all",
                enable_idempotence=True,
                max_request_size=RECORD_BYTES_MAX,
                request_timeout_ms=10_000,
                metadata_max_age_ms=10_000,
            )
            published = Versions()
            watch = Watch(settings, shard, published, lambda: self.wake([shard]))
            try:
                await producer.start()
                log.info("relay_owns_shard", shard=shard)
                watching = asyncio.ensure_future(watch.run())
                try:
                    yield outbox, producer, published, watching
                finally:
                    watching.cancel()
                    await asyncio.wait([watching], timeout=_STOP_S)
            finally:
                await self._stop(producer)

    async def _stop(self, producer: AIOKafkaProducer) -> None:
        """Time to send what is queued, but a broker that is away must not turn our own cancellation into a fault."""
        try:
            await asyncio.wait_for(producer.stop(), _STOP_S)
        except TimeoutError:
            log.warning("producer_not_flushed", timeout_s=_STOP_S)
            producer._sender.sender_task.cancel()  # noqa: SLF001  its own stop was cut short and left it running
            await producer.client.close()

    async def _publish(self, shard: int, outbox: RelaySession, producer: AIOKafkaProducer, published: Versions) -> bool:
        """Whether there may be more to publish already."""
        self._wakeups[shard].clear()  # before the read: a later wake-up is not lost
        # Step R2. Read the oldest marks, and what they stand for now.
        marks = await outbox.read(_MARKS_MAX)
        if not marks.mark_ids:
            return False
        for mark in marks.wallets:
            published.note(mark.member_id, mark.version)
        # Step R3. Send; a send only queues, the acknowledgement is the delivery.
        await self._send(producer, self._messages(marks, shard))
        # Step R4. Forget the marks. Dying before this publishes the same versions again, which readers ignore.
        await outbox.delete(marks.mark_ids)
        return len(marks.mark_ids) == _MARKS_MAX

    def _messages(self, marks: Marks, shard: int) -> list[Message]:
        messages = [wallet_message(mark, shard, self._source) for mark in marks.wallets]
        messages += [journal_message(entry, shard, self._source) for entry in marks.entries]
        messages += [dead_letter_message(letter) for letter in marks.letters]
        return messages + [promotion_message(published, self._source) for published in marks.promotions]

    async def _send(self, producer: AIOKafkaProducer, messages: list[Message]) -> None:
        acknowledgements = [
            await producer.send(m.topic, m.value, key=m.key, partition=m.partition, headers=m.headers) for m in messages
        ]
        await asyncio.gather(*acknowledgements)
        wallets = sum(m.topic == WALLETS for m in messages)
        PUBLISHED.labels(WALLETS).inc(wallets)
        PUBLISHED.labels("other").inc(len(messages) - wallets)

    async def _wait(self, shard: int) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wakeups[shard].wait(), _POLL_S)
