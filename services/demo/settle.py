"""Waiting until everything has arrived: conditions with a bound, asked of Kafka, PostgreSQL and the touchpoints."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.journal import JournalEntry
from schemas.topics import EVENT_TOPICS, REWARDS
from services.clock import monotonic
from services.demo.touchpoints import Touchpoint
from services.store.books import Books

_ASK_S = 0.05


class NotSettled(Exception):
    """Something did not arrive in time; the message says what."""


async def until(condition: Callable[[], Awaitable[str | None]], seconds: float) -> None:
    """Return when the condition answers None; NotSettled with its last answer when that takes too long."""
    give_up_at = monotonic() + seconds
    while (missing := await condition()) is not None:
        if monotonic() > give_up_at:
            raise NotSettled(f"after {seconds:.0f} s {missing}")
        await asyncio.sleep(_ASK_S)


async def drained(brokers: str, books: Books, *, seconds: float) -> None:
    """Every event on Kafka has been applied and every change published. Raises NotSettled."""
    async with AIOKafkaConsumer(bootstrap_servers=brokers) as consumer:
        ends = await _ends(brokers, consumer, EVENT_TOPICS)

        async def missing() -> str | None:
            cursors = {TopicPartition(c.topic, c.partition): c.next_offset for c in await books.cursors()}
            behind = sum(max(0, end - cursors.get(partition, 0)) for partition, end in ends.items())
            if behind:
                return f"{behind} events wait for the worker"
            outbox = await books.outbox()
            return f"{outbox.depth} records wait for the relay" if outbox.depth else None

        await until(missing, seconds)


async def caught_up(touchpoint: Touchpoint, versions: dict[str, int], *, seconds: float) -> None:
    """The touchpoint has applied every one of these versions. Raises NotSettled."""

    async def missing() -> str | None:
        await touchpoint.poll()
        behind = [m for m, version in versions.items() if touchpoint.versions.get(m, 0) < version]
        return f"{touchpoint.name} lacks the newest wallet of {len(behind)} members" if behind else None

    await until(missing, seconds)


async def journal(brokers: str) -> list[JournalEntry]:
    """Every entry on `loyalty.rewards` up to its end now, each once, in order of recording."""
    async with AIOKafkaConsumer(
        bootstrap_servers=brokers, auto_offset_reset="earliest", enable_auto_commit=False
    ) as consumer:
        ends = {partition: end for partition, end in (await _ends(brokers, consumer, [REWARDS])).items() if end}
        consumer.assign(list(ends))
        entries: dict[str, JournalEntry] = {}
        while ends:
            for partition, records in (await consumer.getmany(timeout_ms=500)).items():
                entries.update((entry.entry_id, entry) for entry in map(_entry, records))
                if records[-1].offset + 1 >= ends[partition]:
                    consumer.pause(partition)
                    del ends[partition]
    return sorted(entries.values(), key=lambda entry: (entry.recorded_at, entry.entry_id))


def _entry(record: ConsumerRecord) -> JournalEntry:
    return JournalEntry.model_validate_json(record.value)


async def _ends(brokers: str, consumer: AIOKafkaConsumer, topics: Sequence[str]) -> dict[TopicPartition, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        described = await admin.describe_topics(list(topics))
    finally:
        await admin.close()
    partitions = [TopicPartition(topic["topic"], p["partition"]) for topic in described for p in topic["partitions"]]
    assert partitions, f"the topics {topics} exist"
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    return ends
