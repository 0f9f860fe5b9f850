"""Reading the books: what gateway, pages and ops ask of PostgreSQL outside the commit path."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from schemas.api.sync import TouchpointReport
from schemas.journal import JournalEntry
from services.store.journal import journal_entry
from services.store.letters import StoredDeadLetter, stored_letter
from services.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class StoredWallet:
    """A member's newest wallet as published: `record` is the WalletRecord as JSON bytes."""

    member_id: str
    version: int
    occurred_at: datetime
    recorded_at: datetime
    record: bytes


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """Records committed and not yet published: how many, and the seconds the oldest has waited (0 when none)."""

    depth: int
    oldest_age_s: float


@dataclass(frozen=True, slots=True)
class Cursor:
    """The next offset intake will apply on one partition, and when it last moved."""

    topic: str
    partition: int
    next_offset: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A touchpoint's last report and when it reached us."""

    report: TouchpointReport
    reported_at: datetime


class Books:
    """Read side of the store over a small connection pool."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, *, connections_max: int = 4) -> AsyncIterator[Books]:
        """Books on a pool that is closed on leaving; raises OSError or asyncpg errors when the database is away."""
        pool = await asyncpg.create_pool(dsn, min_size=1, max_size=connections_max, timeout=5, command_timeout=15)
        try:
            yield cls(pool)
        finally:
            pool.terminate()

    async def alive(self) -> bool:
        """Whether the database answers."""
        return bool(await self._pool.fetchval("SELECT true"))

    async def wallet(self, member_id: str) -> StoredWallet | None:
        """The member's newest wallet, None for one we never heard of."""
        row = await self._pool.fetchrow(QUERIES["read_wallet"], member_id)
        return StoredWallet(**dict(row)) if row else None

    async def wallets(self) -> list[StoredWallet]:
        """Every wallet, by member id."""
        return [StoredWallet(**dict(row)) for row in await self._pool.fetch(QUERIES["read_wallets"])]

    async def known_events(self, keys: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these (source, id) pairs have been recorded."""
        rows = await self._pool.fetch(QUERIES["known_events"], [k[0] for k in keys], [k[1] for k in keys])
        return {(row["source"], row["id"]) for row in rows}

    async def history(self, member_id: str, *, entries_max: int = 50) -> list[JournalEntry]:
        """The member's newest ledger entries, newest first."""
        rows = await self._pool.fetch(QUERIES["read_history"], member_id, entries_max)
        return [journal_entry(row) for row in rows]

    async def outbox(self) -> OutboxStatus:
        """How much is committed and not yet published."""
        row = await self._pool.fetchrow(QUERIES["outbox_status"])
        assert row is not None
        return OutboxStatus(row["depth"], row["oldest_age_s"])

    async def versions_total(self) -> tuple[int, int]:
        """(members, sum of their wallet versions): what an up-to-date touchpoint reports too."""
        row = await self._pool.fetchrow(QUERIES["versions_total"])
        assert row is not None
        return row["members"], row["versions_total"]

    async def report(self, report: TouchpointReport) -> None:
        """Keep a touchpoint's report as its newest."""
        await self._pool.execute(
            QUERIES["save_report"], report.kind, report.touchpoint_id, report.store_id, report.model_dump_json()
        )

    async def touchpoints(self) -> list[StoredReport]:
        """The newest report of every touchpoint."""
        rows = await self._pool.fetch(QUERIES["read_reports"])
        return [StoredReport(TouchpointReport.model_validate_json(r["report"]), r["reported_at"]) for r in rows]

    async def dead_letters(self, *, letters_max: int = 100, reason: str | None = None) -> list[StoredDeadLetter]:
        """The newest dead letters, newest first."""
        return [stored_letter(row) for row in await self._pool.fetch(QUERIES["read_dead_letters"], letters_max, reason)]

    async def cursors(self) -> list[Cursor]:
        """Where intake stands on every partition."""
        return [Cursor(**dict(row)) for row in await self._pool.fetch(QUERIES["read_cursors"])]

    async def dead_letters_by_reason(self) -> dict[str, int]:
        """How many dead letters each reason has."""
        return {row["reason"]: row["letters"] for row in await self._pool.fetch(QUERIES["dead_letters_by_reason"])}
