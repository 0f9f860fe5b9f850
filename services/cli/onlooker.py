"""The books for a command that only reads them: a database that does not answer becomes one sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from services.cli.errors import UsageError

if TYPE_CHECKING:
    from services.store.presence import PresenceBooks


@asynccontextmanager
async def open_books() -> AsyncIterator[PresenceBooks]:
    """The books that the settings name; raises UsageError when they do not answer, also later inside."""
    from services.settings import Settings
    from services.store.presence import BooksSilent, PresenceBooks, answering

    try:
        with answering():
            async with PresenceBooks.watch(Settings().dsn) as books:
                yield books
    except BooksSilent as error:
        raise UsageError(f"the books do not answer: {error}") from error
