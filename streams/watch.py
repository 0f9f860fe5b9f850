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
    """Member → newest version, for the members seen last; forgets the oldest beyond its bound.

    The bound is a shard's, two of these each: a worker of many shards must stay small. The books know the others.
    """

    def __init__(self, members_max: int = 20_000) -> None:
        super().__init__()
        self._members_max = members_max

    def note(self, member_id: str, version: int) -> str | None:
        """Remember the version if it is newer than the one known; the member that was forgotten for it."""
        if version < self.get(member_id, 0):
            return None
        self[member_id] = version
        self.move_to_end(member_id)
        return self.popitem(last=False)[0] if len(self) > self._members_max else None


class Watch:
    """Compares the log's order with what was published; `published` is the relay's own memory of what it sent."""

    def __init__(self, settings: Settings, shard: int, published: Versions, wake: Callable[[], None]) -> None:
        self._settings = settings
        self._partition = TopicPartition(WALLETS, shard)
        self._published = published
        self._newest = Versions()
        """Read back so far; kept over a new start, or what we published before it would seem unknown to nobody."""
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
            fetch_min_bytes=65_536,  # a look every half second is soon enough, and does not wake us for every record
            fetch_max_wait_ms=500,
            metadata_max_age_ms=10_000,
        )
        await consumer.start()
        try:
            consumer.assign([self._partition])
            consumer.seek(self._partition, await books.position() or 0)
            saved_at = 0.0
            while True:
                fetched = await consumer.getmany(timeout_ms=1000, max_records=1000)
                for records in fetched.values():
                    stale = await self._stale(books, records)
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

    async def _stale(self, books: WatchSession, records: Sequence[ConsumerRecord[Any, Any]]) -> list[str]:
        """Members whose last record here is older than one before it, or than what the books say was published."""
        stale: set[str] = set()
        unknown: dict[str, int] = {}
        for record in records:
            member_id, version = _member_id(record), _version(record)
            if version < self._newest.get(member_id, 0):
                stale.add(member_id)
            else:
                stale.discard(member_id)
                if forgotten := self._newest.note(member_id, version):
                    self._published.pop(forgotten, None)  # from now on the books must be asked
            if member_id not in self._published:  # another relay's record: only the books can tell
                unknown[member_id] = max(version, self._newest.get(member_id, 0))
        if unknown:
            settled = await books.settled_versions(sorted(unknown))
            stale |= {member_id for member_id, version in settled.items() if unknown[member_id] < version}
        return sorted(stale)


def _member_id(record: ConsumerRecord[Any, Any]) -> str:
    """Of a record that is nobody's, a name that is nobody's: it must not end the watch, nor is there what to heal."""
    return record.key.decode(errors="replace").replace("\x00", "\ufffd") if record.key else ""


def _version(record: ConsumerRecord[Any, Any]) -> int:
    """What the record says; 0 where a writer that is none of ours says nothing, so that what we know is newer."""
    told = next((content for name, content in record.headers if name == VERSION_HEADER), None)
    return int(told) if told and len(told) < 19 and told.isdigit() else 0
