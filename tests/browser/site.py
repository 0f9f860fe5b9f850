"""A console of a test's own, over a real feed from a real broker; what it shows is written to the topic by the test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from schemas.wallet import WalletRecord
from services.console.app import Console, create_console
from services.console.links import account_url
from services.console.touchpoint import WebTouchpoint
from services.ids import uuid7
from services.serving import serving
from services.settings import Settings
from services.sync.feed import WalletFeed
from tests.integration.wallets import Writer, make_topic, open_writer
from tests.unit.console.samples import Diary


@dataclass
class Site:
    """The running console and the writer of what it shows."""

    url: str
    settings: Settings
    console: Console
    feed: WalletFeed
    touchpoint: WebTouchpoint
    diary: Diary
    writer: Writer
    client: httpx.AsyncClient

    def account_url(self, member_id: str, lang: str | None = None) -> str:
        return account_url(self.settings, member_id, lang)

    def held_version(self, member_id: str) -> int:
        """The version that the feed has; 0 for none."""
        held = self.feed.get(member_id)
        return held.version if held else 0

    async def put(self, record: WalletRecord) -> None:
        """Publish the wallet and wait until the feed has it."""
        await self.writer.put(record)
        async with asyncio.timeout(20), self.feed.subscribe(record.member_id) as news:
            while not ((held := self.feed.get(record.member_id)) and held.version >= record.version):
                await news.signal.wait(1)


@contextlib.asynccontextmanager
async def open_site(kafka: str, **settings: object) -> AsyncIterator[Site]:
    """A console on a topic of its own."""
    topic, diary = f"wallets-{uuid7()}", Diary()
    await make_topic(kafka, topic)
    chosen = Settings(kafka_bootstrap_servers=kafka, programme_secret=SecretStr("a secret of the tests"))
    chosen = chosen.model_copy(update=settings)
    async with open_writer(kafka, topic) as writer, WalletFeed(kafka, topic=topic) as feed:
        touchpoint = WebTouchpoint(feed, "web-test", "0")
        console = create_console(chosen, feed, diary, touchpoint)
        following = asyncio.create_task(touchpoint.follow())
        before_stop = console.close_streams
        try:
            async with (
                serving(console.app, host="127.0.0.1", port=0, role="console", before_stop=before_stop) as where,
                httpx.AsyncClient(base_url=where.url, trust_env=False, timeout=20) as client,
            ):
                await asyncio.wait_for(feed.caught_up(), 20)
                chosen = chosen.model_copy(update={"console_url": where.url})
                yield Site(where.url, chosen, console, feed, touchpoint, diary, writer, client)
        finally:
            following.cancel()
