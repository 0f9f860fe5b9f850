"""Books for a process that serves wallets from Kafka and must start, and go on, while the database is away."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self

import structlog

from services.store.books import Books
from services.store.faults import TRANSIENT

log = structlog.get_logger(__name__)

_AGAIN_S = 1.0


class BooksAwayError(Exception):
    """The database has not been reached since this process started."""


class BooksAtHand:
    """An async context manager that opens the books in the background and tries until it has them."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._opening: asyncio.Task[None] | None = None
        self._exit = AsyncExitStack()
        self.books: Books | None = None
        """None until the database was reached once."""

    async def __aenter__(self) -> Self:
        self._opening = asyncio.create_task(self._open(), name="open-books")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opening is not None:
            self._opening.cancel()
            with suppress(asyncio.CancelledError):
                await self._opening
        await self._exit.aclose()

    @property
    def open(self) -> Books:
        """The books; raises BooksAwayError while there are none."""
        if self.books is None:
            raise BooksAwayError("the books were not reached yet")
        return self.books

    async def alive(self) -> bool:
        """Whether the database answers."""
        return self.books is not None and await self.books.alive()

    async def _open(self) -> None:
        while True:
            try:
                self.books = await self._exit.enter_async_context(Books.open(self._dsn))
            except TRANSIENT as error:
                log.warning("books_not_open", error=repr(error))
                await asyncio.sleep(_AGAIN_S)
            else:
                return
