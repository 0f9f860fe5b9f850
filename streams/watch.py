"""Step R5: the relay reads back its own partition of `loyalty.wallets` and heals what it sees.

A relay that was stopped with records queued and unsent may append them after its successor's newer ones; an idempotent
producer does not prevent that. Readers ignore an older version while they run, but one that rebuilds from the compacted
topic would end stale. So whatever lands after something newer is published again as it stands now, and the last record
of a member is right within milliseconds of any stale append. The position is kept in the database: a successor goes on
where we were, and no append falls between two watches.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from schemas.topics import WALLETS
from services.clock import monotonic
from services.ledger.ports import TransientFault
from services.metrics import RELAY_HEALS
from services.settings import Settings
from services.store.relay import WatchSession
from streams.publish import VERSION_HEADER

log = structlog.get_logger(__name__)

_SAVE_POSITION_S = 1.0
_START_OVER_S = 0.5


class Versions(OrderedDict[str, int]):
    """Member → newest version, for the members seen last; forgets the oldest beyond its bound."""

    def __init__(self, members_max: int = 100_000) -> None:
        super().__init__()
        self._members_max = members_max

    def note(self, member_id: str, version: int) -> None:
        """Remember the version if it is newer than the one known."""
        if version >= self.get(member_id, 0):
            self[member_id] = version
            self.move_to_end(member_id)
            if len(self) > self._members_max:
                self.popitem(last=False)


class Watch:
    """Compares the log's order with what was published; `published` is the relay's own memory of what it sent."""

    def __init__(self, settings: Settings, shard: int, published: Versions, wake: Callable[[], None]) -> None:
        self._settings = settings
        self._partition = TopicPartition(WALLETS, shard)
        self._published = published
        self._wake = wake

    async def run(self) -> None:
        """Watch until cancelled; a fault starts over from the saved position."""
        while True:
            try:
                async with WatchSession.open(self._settings.dsn, self._partition.partition) as books:
                    await self._watch(books)
            except (TransientFault, KafkaError) as error:
                log.warning("watch_starts_over", shard=self._partition.partition, error=repr(error))
                await asyncio.sleep(_START_OVER_S)

    async def _watch(self, books: WatchSession) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.brokers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            metadata_max_age_ms=10_000,
        )
        await consumer.start()
        try:
            consumer.assign([self._partition])
            consumer.seek(self._partition, await books.position() or 0)
            newest = Versions()
            saved_at = 0.0
            while True:
                fetched = await consumer.getmany(timeout_ms=1000, max_records=1000)
                for records in fetched.values():
                    stale = await self._stale(books, newest, records)
                    if stale:
                        await books.mark(stale)
                        RELAY_HEALS.inc(len(stale))
                        log.warning("relay_heals", shard=self._partition.partition, members=len(stale))
                        self._wake()
                    if monotonic() - saved_at > _SAVE_POSITION_S:
                        await books.move(records[-1].offset + 1)
                        saved_at = monotonic()
        finally:
            await consumer.stop()

    async def _stale(
        self, books: WatchSession, newest: Versions, records: Sequence[ConsumerRecord[Any, Any]]
    ) -> list[str]:
        """Members whose last record here is older than one before it, or than what the books say was published."""
        stale: set[str] = set()
        unknown: set[str] = set()
        for record in records:
            member_id, version = record.key.decode(), _version(record)
            if version < newest.get(member_id, 0):
                stale.add(member_id)
            else:
                stale.discard(member_id)
                newest.note(member_id, version)
            if member_id not in self._published:  # another relay's record: only the books can tell
                unknown.add(member_id)
        if unknown:
            settled = await books.settled_versions(sorted(unknown))
            stale |= {member_id for member_id, version in settled.items() if newest[member_id] < version}
        return sorted(stale)


def _version(record: ConsumerRecord[Any, Any]) -> int:
    return next((int(content) for name, content in record.headers if name == VERSION_HEADER), 0)
