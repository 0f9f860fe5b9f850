"""What the gateway's routes work with; made by the process, handed to the application."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Annotated, Self

import structlog
from fastapi import Depends, Request

from services.gateway.writer import EventWriter
from services.problems import unavailable
from services.settings import Settings
from services.store.books import Books
from services.store.faults import TRANSIENT
from services.sync.backoff import Backoff
from services.sync.feed import WalletFeed

log = structlog.get_logger(__name__)


class BooksAtHand:
    """An async context manager that opens the books in the background: the gateway serves wallets without a database.

    `books` is None until the database was reached once.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._opening: asyncio.Task[None] | None = None
        self._exit = AsyncExitStack()
        self.books: Books | None = None

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

    async def _open(self) -> None:
        backoff = Backoff(first_s=0.2, most_s=3.0)
        while True:
            try:
                self.books = await self._exit.enter_async_context(Books.open(self._dsn))
            except TRANSIENT as error:
                log.warning("books_not_open", error=repr(error))
                await asyncio.sleep(backoff.next_s())
            else:
                return

    async def alive(self) -> bool:
        """Whether the database answers."""
        return self.books is not None and await self.books.alive()


@dataclass(frozen=True, slots=True)
class GatewayDeps:
    """The feed of wallets, the writer of events, the books and the settings that bound what is accepted."""

    feed: WalletFeed
    writer: EventWriter
    books: BooksAtHand
    settings: Settings


def _deps(request: Request) -> GatewayDeps:
    deps: GatewayDeps = request.app.state.deps
    return deps


def _feed(request: Request) -> WalletFeed:
    feed = _deps(request).feed
    if not feed.is_caught_up:
        raise unavailable("the wallets are still being read from Kafka")
    return feed


Deps = Annotated[GatewayDeps, Depends(_deps)]
Feed = Annotated[WalletFeed, Depends(_feed)]
"""The feed, once it is complete; 503 before."""
