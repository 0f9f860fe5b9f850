"""Who is there, seen from the database: a live worker holds the locks of the shards it relays."""

from __future__ import annotations

from services.store.books import Books

_RELAY_LOCKS = """
SELECT objid::int AS shard FROM pg_locks
WHERE locktype = 'advisory' AND classid = 7001 AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class PresenceBooks(Books):
    """The books with a view of the relays' locks (see RelaySession: the lock is a lease)."""

    async def relays(self) -> frozenset[int]:
        """Shards that some worker's relay holds now: a killed worker's are free at once, a frozen one's in seconds."""
        return frozenset(row["shard"] for row in await self._pool.fetch(_RELAY_LOCKS))
