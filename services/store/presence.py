"""The books for an onlooker: who is there, and one kind of error for whatever kept the database from answering."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg

from services.store.books import Books
from services.store.letters import StoredDeadLetter, stored_letter
from services.store.queries import QUERIES


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
