"""What the account page shows of one member, and the room that keeps it live."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from typing_extensions import override

from schemas.journal import JournalEntry
from schemas.wallet import WalletRecord
from services.clock import utc_now
from services.console.account.history import Historian
from services.console.rooms import Room
from services.console.voices import Voice
from services.sync.feed import WalletFeed

log = structlog.get_logger(__name__)

HISTORY_MAX = 30
HISTORY_PATIENCE_S = 1.5
RENEW_S = 60.0
"""Without news a page is still rendered this often: "3 days left" becomes 2 and coupons run out."""


class Journal(Protocol):
    """Where the history is read; services.store.books.Books is one."""

    async def history(self, member_id: str, *, entries_max: int = 50) -> list[JournalEntry]:
        """The member's newest entries, newest first."""
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """What the account page needs of the process."""

    feed: WalletFeed
    journal: Journal
    voices: Mapping[str, Voice]

    def record(self, member_id: str) -> WalletRecord | None:
        """The member's wallet as held now; None for one we know nothing of (yet)."""
        held = self.feed.get(member_id)
        return WalletRecord.model_validate_json(held.record) if held and held.record else None

    async def history(self, member_id: str) -> Sequence[JournalEntry] | None:
        """The member's history; None when it cannot be had within a moment, which never holds the wallet up."""
        try:
            async with asyncio.timeout(HISTORY_PATIENCE_S):
                return await self.journal.history(member_id, entries_max=HISTORY_MAX)
        except Exception as error:  # noqa: BLE001 - the books may be away in many ways; the page says so and goes on
            log.warning("history_unavailable", error=repr(error))
            return None

    def wallet_fragment(self, record: WalletRecord | None, language: str) -> str:
        """`#wallet`: points, goal and coupons."""
        voice = self.voices[language]
        view = voice.speaker.wallet(record, utc_now()) if record else None
        return voice.page("account/wallet.html", wallet=view, caught_up=self.feed.is_caught_up)

    def history_fragment(
        self, record: WalletRecord | None, entries: Sequence[JournalEntry] | None, language: str
    ) -> str:
        """`#history`; says so when the entries could not be had."""
        voice = self.voices[language]
        lines = None if entries is None else Historian(voice.speaker).lines(entries, record, utc_now())
        return voice.page("account/history.html", lines=lines)


class AccountRoom(Room):
    """Everyone who looks at one member's account."""

    def __init__(self, account: Account, member_id: str) -> None:
        super().__init__()
        self._account = account
        self._member_id = member_id
        self._entries: Sequence[JournalEntry] | None = None
        self._asked = False

    @override
    async def run(self) -> None:
        async with self._account.feed.subscribe(self._member_id) as news:
            while not news.signal.closed:
                news.take()
                self.show()
                # The wallet is on its way already; what it was made of follows.
                self._entries = await self._account.history(self._member_id)
                self._asked = True
                self.show()
                await news.signal.wait(RENEW_S)

    @override
    def render(self, language: str) -> str | None:
        record = self._account.record(self._member_id)
        wallet = self._account.wallet_fragment(record, language)
        return wallet + self._account.history_fragment(record, self._entries, language) if self._asked else wallet
