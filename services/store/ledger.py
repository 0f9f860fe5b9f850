"""The ledger's port on PostgreSQL: one connection, one transaction a unit, a handful of statements each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from schemas.events.catalogue import Event
from services.ledger.ports import (
    Accepted,
    Decision,
    EventKey,
    Position,
    Published,
    Refused,
    Standing,
    StoredState,
    TransientFault,
)
from services.store.faults import TRANSIENT
from services.store.promotions import EVERYTHING, published
from services.store.queries import BY_KEY, QUERIES
from services.store.rows import entry_of, event_of


class PostgresLedger:
    """Implements `services.ledger.ports.Ledger`.

    The server ends a session that stays idle inside a transaction for `lock_lease_s`: a stopped (not dead) process
    would otherwise keep its row locks for as long as it is stopped.
    """

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, *, lock_lease_s: int, connections_max: int = 2) -> AsyncIterator[PostgresLedger]:
        """A ledger on a pool of its own, closed on leaving."""
        pool = await asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=connections_max,
            timeout=5,
            command_timeout=15,
            server_settings={"idle_in_transaction_session_timeout": f"{lock_lease_s}s", **BY_KEY},
            reset=_nothing,
        )
        try:
            yield cls(pool)
        finally:
            pool.terminate()

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[PostgresUnit]:
        """A transaction that commits on leaving; TransientFault when the database is away or asks for another try."""
        try:
            async with self._pool.acquire(timeout=5) as connection:
                try:
                    await connection.execute(QUERIES["begin_unit"])
                    yield PostgresUnit(connection)
                    await connection.execute("COMMIT")
                except BaseException:
                    connection.terminate()  # nothing of it is kept, and its locks are gone at once
                    raise
        except TRANSIENT as error:
            raise TransientFault(repr(error)) from error

    async def next_offset(self, topic: str, partition: int) -> int:
        """Where intake continues on this partition; TransientFault as for a unit."""
        try:
            async with self._pool.acquire(timeout=5) as connection:
                await connection.execute(QUERIES["ensure_cursor"], topic, partition)
                return int(await connection.fetchval(QUERIES["read_cursor"], topic, partition))
        except TRANSIENT as error:
            raise TransientFault(repr(error)) from error


async def _nothing(_connection: Any) -> None:
    """A unit leaves its session as it found it, or ends it: the pool's own reset would cost a round trip a batch."""


class PostgresUnit:
    """Implements `services.ledger.ports.Unit` on a connection inside a transaction."""

    def __init__(self, connection: Any) -> None:
        self._db = connection

    async def lock_cursors(self, topics: Sequence[str], partition: int) -> tuple[dict[str, int], int]:
        """See Unit."""
        rows = await self._db.fetch(QUERIES["lock_cursors"], topics, partition)
        return {row["topic"]: row["next_offset"] for row in rows}, rows[0]["revision"]

    async def programme(self, since: int | None = None) -> Published:
        """See Unit."""
        return await published(self._db, EVERYTHING if since is None else since)

    async def record_events(
        self, accepted: Sequence[Accepted], shards: Mapping[str, int], now: datetime
    ) -> set[EventKey]:
        """See Unit."""
        events = [a.event for a in accepted]
        rows = await self._db.fetch(
            QUERIES["record_events"],
            [e.source for e in events],
            [e.id for e in events],
            [e.member_id for e in events],
            [shards[e.member_id] for e in events],
            [e.type for e in events],
            [e.occurred_at for e in events],
            [a.stated_at for a in accepted],
            [a.data for a in accepted],
            now,
        )
        return {(row["source"], row["id"]) for row in rows}

    async def stored_events(self, keys: Sequence[EventKey]) -> dict[EventKey, Event]:
        """See Unit."""
        rows = await self._db.fetch(QUERIES["stored_events"], [k[0] for k in keys], [k[1] for k in keys])
        return {(r["source"], r["id"]): event_of(r, r["stated_at"] or r["occurred_at"]) for r in rows}

    async def lock_wallets(self, shards: Mapping[str, int]) -> dict[str, StoredState]:
        """See Unit."""
        members = sorted(shards)
        rows = await self._db.fetch(QUERIES["lock_wallets"], members)
        if len(rows) < len(members):
            missing = sorted(set(members) - {row["member_id"] for row in rows})
            await self._db.execute(QUERIES["ensure_wallets"], missing, [shards[m] for m in missing])
            rows += await self._db.fetch(QUERIES["lock_wallets"], missing)
        return {row["member_id"]: StoredState(row["version"], row["state"], row["corrected"]) for row in rows}

    async def histories(self, member_ids: Sequence[str]) -> dict[str, list[Event]]:
        """See Unit."""
        found: dict[str, list[Event]] = {member_id: [] for member_id in member_ids}
        for row in await self._db.fetch(QUERIES["member_history"], member_ids):
            found[row["member_id"]].append(event_of(row, row["occurred_at"]))
        return found

    async def standing_entries(self, member_ids: Sequence[str]) -> dict[str, dict[str, Standing]]:
        """See Unit."""
        found: dict[str, dict[str, Standing]] = {member_id: {} for member_id in member_ids}
        for row in await self._db.fetch(QUERIES["standing_entries"], member_ids):
            found[row["member_id"]][row["entry_key"]] = Standing(row["entry_id"], row["turn"], entry_of(row))
        return found

    async def write(
        self, decisions: Sequence[Decision], refused: Sequence[Refused], position: Position, now: datetime
    ) -> None:
        """See Unit."""
        lines = [(d, p, p.entry) for d in decisions for p in d.postings]
        marks = [(d.shard, "wallet", d.member_id) for d in decisions]
        marks += [(d.shard, "entry", p.entry_id) for d, p, _ in lines]
        if refused:
            marks += await self._write_refused(refused, now)
        if any(entry.coupon_id for _, _, entry in lines):
            await self._write_coupons(decisions, now)
        await self._db.execute(
            QUERIES["write_batch"],
            now,
            [d.member_id for d in decisions],
            [d.version for d in decisions],
            [d.wallet.to_json() for d in decisions],
            [d.record for d in decisions],
            [d.occurred_at for d in decisions],
            [d.corrected for d in decisions],
            [p.entry_id for _, p, _ in lines],
            [d.member_id for d, _, _ in lines],
            [d.shard for d, _, _ in lines],
            [e.key for _, _, e in lines],
            [p.turn for _, p, _ in lines],
            [e.kind for _, _, e in lines],
            [e.unit for _, _, e in lines],
            [e.debit for _, _, e in lines],
            [e.credit for _, _, e in lines],
            [e.amount for _, _, e in lines],
            [e.promotion_id for _, _, e in lines],
            [e.promotion_version for _, _, e in lines],
            [e.offer_id for _, _, e in lines],
            [e.coupon_id for _, _, e in lines],
            [e.cause for _, _, e in lines],
            [e.occurred_at for _, _, e in lines],
            [p.reverses for _, p, _ in lines],
            [orjson.dumps(e.detail).decode() if e.detail else None for _, _, e in lines],
            [shard for shard, _, _ in marks],
            [kind for _, kind, _ in marks],
            [ref for _, _, ref in marks],
            list(position.next_offsets),
            list(position.next_offsets.values()),
            position.partition,
        )

    async def _write_coupons(self, decisions: Sequence[Decision], now: datetime) -> None:
        shown: list[tuple[Decision, dict[str, Any]]] = []
        gone: set[str] = set()
        for decision in decisions:
            touched = {p.entry.coupon_id for p in decision.postings if p.entry.coupon_id}
            held = {coupon_id: c.shown for coupon_id, c in decision.wallet.coupons.items() if coupon_id in touched}
            shown += [(decision, coupon) for coupon in held.values()]
            revoked = {p.entry.coupon_id for p in decision.postings if p.reverses and p.entry.kind == "coupon.issued"}
            gone |= {coupon_id for coupon_id in revoked if coupon_id} - held.keys()
        if gone:
            await self._db.execute(QUERIES["cancel_coupons"], sorted(gone), now)
        if shown:
            await self._db.execute(
                QUERIES["write_coupons"],
                [c["coupon_id"] for _, c in shown],
                [d.member_id for d, _ in shown],
                [d.shard for d, _ in shown],
                [c["promotion_id"] for _, c in shown],
                [c["promotion_version"] for _, c in shown],
                [c["code"] for _, c in shown],
                [c["status"] for _, c in shown],
                [datetime.fromisoformat(c["valid_from"]) for _, c in shown],
                [datetime.fromisoformat(c["valid_until"]) for _, c in shown],
                now,
            )

    async def _write_refused(self, refused: Sequence[Refused], now: datetime) -> list[tuple[int, str, str]]:
        marks = []
        for letter in refused:
            record = letter.record
            letter_id = await self._db.fetchval(
                QUERIES["write_dead_letter"],
                record.topic,
                record.partition,
                record.offset,
                letter.reason,
                letter.message[:2000].replace("\x00", "\\0"),
                record.key,
                record.value,
                [name.replace("\x00", "\\0") for name, _ in record.headers],
                [content for _, content in record.headers],
                now,
            )
            if letter_id is not None:
                marks.append((record.partition, "dead_letter", letter_id))
        return marks
