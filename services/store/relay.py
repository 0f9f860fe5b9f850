"""What the relay needs of the database: a shard's lock as a lease, the outbox's marks, and the watch position."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from services.ledger.ports import TransientFault
from services.store.faults import TRANSIENT
from services.store.journal import JournalLine, journal_line
from services.store.letters import StoredDeadLetter, stored_letter
from services.store.queries import BY_KEY, QUERIES


@dataclass(frozen=True, slots=True)
class WalletMark:
    """A member's wallet as it stands now; `record` None is a tombstone."""

    mark_id: int
    member_id: str
    version: int
    record: bytes | None
    occurred_at: datetime | None
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class PublishedPromotion:
    """One published version as `loyalty.promotions` carries it."""

    promotion_id: str
    version: int
    value: bytes
    effective_from: datetime
    published_at: datetime


@dataclass(slots=True)
class Marks:
    """A page of the outbox in id order, split by what is to be published."""

    mark_ids: list[int]
    wallets: list[WalletMark]
    entries: list[JournalLine]
    letters: list[StoredDeadLetter]
    promotions: list[PublishedPromotion]


_ENTRY = 7
"""The column of `read_outbox` where the entry's own begin."""


class RelaySession:
    """A database session that holds one shard's lock.

    The server ends it `lock_lease_s` after we last spoke: that makes the advisory lock a lease. A stopped (not dead)
    process would otherwise hold it for ever, since its kernel still answers TCP keepalives.
    """

    def __init__(self, connection: asyncpg.Connection[Any], shard: int) -> None:
        self._db = connection
        self._shard = shard

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, shard: int, *, lock_lease_s: int) -> AsyncIterator[RelaySession]:
        """A session without the lock yet; TransientFault from anything inside that another try may cure."""
        lease = {"idle_session_timeout": f"{lock_lease_s}s", "idle_in_transaction_session_timeout": f"{lock_lease_s}s"}
        try:
            connection = await asyncpg.connect(dsn, timeout=5, command_timeout=10, server_settings={**lease, **BY_KEY})
            try:
                yield cls(connection, shard)
            finally:
                connection.terminate()
        except TRANSIENT as error:
            raise TransientFault(repr(error)) from error

    async def try_lock(self) -> bool:
        """Whether the shard is ours now."""
        return bool(await self._db.fetchval(QUERIES["lock_shard"], self._shard))

    async def read(self, marks_max: int) -> Marks:
        """The oldest marks and what they stand for at this moment."""
        rows = await self._db.fetch(QUERIES["read_outbox"], self._shard, marks_max)
        marks = Marks([row["id"] for row in rows], [], [], [], [])
        newest = {row["ref"]: _wallet_mark(row) for row in rows if row["mark"] == "wallet"}
        marks.wallets = list(newest.values())
        marks.entries = [journal_line(dict(list(row.items())[_ENTRY:])) for row in rows if row["mark"] == "entry"]
        if refs := [row["ref"] for row in rows if row["mark"] == "dead_letter"]:
            marks.letters = [stored_letter(r) for r in await self._db.fetch(QUERIES["outbox_dead_letters"], refs)]
        if refs := [row["ref"] for row in rows if row["mark"] == "promotion"]:
            marks.promotions = [_promotion(r) for r in await self._db.fetch(QUERIES["outbox_promotions"], refs)]
        return marks

    async def delete(self, mark_ids: Sequence[int]) -> None:
        """These marks have been published."""
        await self._db.execute(QUERIES["delete_outbox"], mark_ids)


class WatchSession:
    """The relay's second look: what the books say of members whose records it reads back."""

    def __init__(self, connection: asyncpg.Connection[Any], shard: int) -> None:
        self._db = connection
        self._shard = shard

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, shard: int) -> AsyncIterator[WatchSession]:
        """A session on a connection of its own; TransientFault from anything inside that another try may cure."""
        try:
            connection = await asyncpg.connect(dsn, timeout=5, command_timeout=10)
            try:
                yield cls(connection, shard)
            finally:
                connection.terminate()
        except TRANSIENT as error:
            raise TransientFault(repr(error)) from error

    async def position(self) -> int | None:
        """The next offset to check; None before the first watch of this shard."""
        value = await self._db.fetchval(QUERIES["read_watch"], self._shard)
        return None if value is None else int(value)

    async def move(self, next_offset: int) -> None:
        """Everything below has been checked."""
        await self._db.execute(QUERIES["move_watch"], self._shard, next_offset)

    async def settled_versions(self, member_ids: Sequence[str]) -> dict[str, int]:
        """The version the topic should end with, for those of these members that have nothing left to publish."""
        rows = await self._db.fetch(QUERIES["settled_versions"], self._shard, member_ids)
        return {row["member_id"]: row["version"] for row in rows}

    async def mark(self, member_ids: Sequence[str]) -> None:
        """Publish these wallets again as they stand, under the same lock as every other change of them."""
        async with self._db.transaction():
            await self._db.execute(QUERIES["mark_wallets"], sorted(member_ids))


def _wallet_mark(row: asyncpg.Record) -> WalletMark:
    return WalletMark(
        row["id"], row["ref"], row["version"], row["record"], row["wallet_occurred_at"], row["wallet_recorded_at"]
    )


def _promotion(row: asyncpg.Record) -> PublishedPromotion:
    value = orjson.dumps(
        {
            "promotion_id": row["promotion_id"],
            "version": row["version"],
            "effective_from": row["effective_from"],
            "withdrawn_at": row["withdrawn_at"],
            "published_at": row["published_at"],
            "document": orjson.Fragment(row["document"]),
        }
    )
    return PublishedPromotion(row["promotion_id"], row["version"], value, row["effective_from"], row["published_at"])
