"""The books for an onlooker: who is there, and one kind of error for whatever kept the database from answering."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from services.engine.wallet import Wallet
from services.ledger.decide import stored_wallet
from services.ledger.explain import Past, Recorded
from services.ledger.ports import Published, Standing, StoredState
from services.store.books import Books
from services.store.letters import StoredDeadLetter, stored_letter
from services.store.promotions import published
from services.store.queries import QUERIES
from services.store.rows import entry_of, event_of


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """An event by its key, and whose it is."""

    source: str
    id: str
    member_id: str


class BooksSilent(Exception):
    """The database did not answer, or has no books; the text says why in a few words, without its address."""


class PresenceBooks(Books):
    """The books with a view of the relays' locks (see RelaySession: the lock is a lease)."""

    async def relays(self) -> frozenset[int]:
        """Shards that some worker's relay holds now: a killed worker's are free at once, a frozen one's in seconds."""
        return frozenset(row["shard"] for row in await self._pool.fetch(QUERIES["relay_locks"]))

    async def dead_letter(self, dead_letter_id: int) -> StoredDeadLetter | None:
        """One dead letter by its number, None when there is none."""
        row = await self._pool.fetchrow(QUERIES["read_dead_letter"], dead_letter_id)
        return stored_letter(row) if row else None

    async def events_named(self, event_id: str, source: str | None = None) -> list[FoundEvent]:
        """The events with this id: of one source, or of all of them, by source."""
        if source is None:
            rows = await self._pool.fetch(QUERIES["events_of_id"], event_id)
        else:
            rows = await self._pool.fetch(QUERIES["event_at"], source, event_id)
        return [FoundEvent(**dict(row)) for row in rows]

    async def past(self, member_id: str) -> tuple[Past, Published]:
        """All there is of a member and all that was ever published, as of one moment."""
        async with self._pool.acquire() as db, db.transaction(isolation="repeatable_read", readonly=True):
            history = [_recorded(row) for row in await db.fetch(QUERIES["member_past"], member_id)]
            state = await db.fetchval(QUERIES["member_state"], member_id)
            stand = await db.fetch(QUERIES["standing_entries"], [member_id])
            everything = await published(db)
        wallet = stored_wallet(member_id, StoredState(0, state, corrected=False)) or Wallet.empty(member_id)
        standing = {row["entry_key"]: Standing(row["entry_id"], row["turn"], entry_of(row)) for row in stand}
        return Past(history, wallet, standing), everything

    async def letters_naming(self, event_id: str, *, letters_max: int = 20) -> list[StoredDeadLetter]:
        """The newest dead letters whose record bears this event id, whichever source it names."""
        written = orjson.dumps(event_id)
        rows = await self._pool.fetch(QUERIES["dead_letters_naming"], event_id.encode(), written, letters_max)
        return [stored_letter(row) for row in rows]

    @classmethod
    @asynccontextmanager
    async def watch(cls, dsn: str) -> AsyncIterator[PresenceBooks]:
        """Books on two connections at most; raises BooksSilent when the database is away."""
        with answering():
            opening = cls.open(dsn, connections_max=2)
            books = await opening.__aenter__()
        try:
            assert isinstance(books, PresenceBooks)
            yield books
        finally:
            await opening.__aexit__(None, None, None)


def _recorded(row: Mapping[str, Any]) -> Recorded:
    return Recorded(event_of(row, row["occurred_at"]), row["recorded_at"], row["stated_at"])


@contextmanager
def answering() -> Iterator[None]:
    """Turns every way in which PostgreSQL may fail to answer into BooksSilent."""
    try:
        yield
    except asyncpg.UndefinedTableError as error:
        raise BooksSilent("no tables yet, run `unisono setup`") from error
    except TimeoutError as error:
        raise BooksSilent("no answer in time") from error
    except ConnectionRefusedError as error:
        raise BooksSilent("connection refused") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise BooksSilent(type(error).__name__) from error
