"""The console as a process: its own feed, the books for histories, its report as a touchpoint, its pages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine

from schemas.api.sync import TouchpointReport
from schemas.journal import JournalEntry
from services.console.app import console_health, create_console, touchpoint_for
from services.health import serve_health
from services.serving import Serving, serving
from services.settings import Settings
from services.store.at_hand import BooksAtHand
from services.sync.feed import WalletFeed


class HistoryAtHand:
    """Journal and reports over books that may be away; both raise while they are."""

    def __init__(self, books: BooksAtHand) -> None:
        self._books = books

    async def history(self, member_id: str, *, entries_max: int = 50) -> list[JournalEntry]:
        """The member's newest entries, newest first."""
        return await self._books.open.history(member_id, entries_max=entries_max)

    async def report(self, report: TouchpointReport) -> None:
        """Keep it as this touchpoint's newest."""
        await self._books.open.report(report)


@contextlib.asynccontextmanager
async def open_console(settings: Settings) -> AsyncIterator[Serving]:
    """Pages, feed and reports, until left; OSError with a sentence when the port is taken."""
    async with WalletFeed(settings.brokers) as feed, BooksAtHand(settings.dsn) as books:
        at_hand = HistoryAtHand(books)
        touchpoint = touchpoint_for(settings, feed)
        console = create_console(settings, feed, at_hand, touchpoint)
        async with (
            _beside(touchpoint.follow(), touchpoint.report(at_hand)),
            serve_health(settings, console_health(feed)),
            serving(
                console.app,
                host=settings.host,
                port=settings.console_port,
                role="console",
                before_stop=console.close_streams,
            ) as where,
        ):
            yield where


@contextlib.asynccontextmanager
async def _beside(*endless: Coroutine[None, None, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one) for one in endless]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
