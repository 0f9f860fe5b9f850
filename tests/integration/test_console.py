"""The console over a real broker: what it notes down as a touchpoint, and how viewers share what is rendered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import httpx
import pytest_asyncio
from httpx_sse import aconnect_sse

from schemas.api.sync import TouchpointReport
from services.sync.index import FeedWallet
from tests.browser.site import Site, open_site
from tests.integration.wallets import eventually, wallet_record

VIEWERS = 12


@pytest_asyncio.fixture
async def site(kafka: str) -> AsyncIterator[Site]:
    async with open_site(kafka) as site:
        yield site


async def test_every_version_is_noted_once_with_when_it_was_applied(site: Site):
    seen: list[tuple[int, datetime]] = []

    def witness(wallet: FeedWallet, applied_at: datetime) -> None:
        seen.append((wallet.version, applied_at))

    with site.touchpoint.witness("m1", witness):
        for version in (1, 2, 3):
            await site.put(wallet_record("m1", version))
            await site.put(wallet_record("m2", version))
            await eventually(lambda: len(list(site.touchpoint.applied.since(0))) == 2 * site.held_version("m2"))
        await site.writer.put(wallet_record("m1", 2))
        await site.writer.erase("m2")
        await eventually(lambda: site.touchpoint.state().members == 1)
    lines = (await site.client.get("/v1/applied")).text.splitlines()
    noted = [line for _, line in site.touchpoint.applied.since(0)]
    assert len(lines) == len(noted) == 6, "an older version and an erasure are no new version"
    assert [(one.version, one.applied_at) for one in noted if one.member_id == "m1"] == seen
    assert {one.via for one in noted} == {"stream"}
    assert all(one.applied_at >= one.recorded_at for one in noted)
    state = site.touchpoint.state()
    assert (state.kind, state.members, state.versions_total) == ("web", 1, 3)
    held = (await site.client.get("/v1/held")).text.splitlines()
    assert len(held) == 1


async def test_what_lay_there_before_tells_nothing_about_speed(site: Site):
    await site.put(wallet_record("m1", 1))
    await eventually(lambda: site.touchpoint.state().members == 1)
    later = type(site.touchpoint)(site.feed, "web-later", "0")
    following = asyncio.create_task(later.follow())
    try:
        await eventually(lambda: later.state().members == 1)
        await site.put(wallet_record("m1", 2))
        await eventually(lambda: later.state().versions_total == 2)
    finally:
        following.cancel()
    assert [(one.version, one.via) for _, one in later.applied.since(0)] == [(1, "snapshot"), (2, "stream")]


async def test_reports_what_changed_and_tries_again(site: Site):
    kept: list[TouchpointReport] = []

    class Reports:
        away = True

        async def report(self, report: TouchpointReport) -> None:
            if self.away:
                self.away = False
                raise ConnectionError
            kept.append(report)

    reporting = asyncio.create_task(site.touchpoint.report(Reports()))
    try:
        await site.put(wallet_record("m1", 4))
        await eventually(lambda: kept and kept[-1].versions_total == 4)
    finally:
        reporting.cancel()
    assert kept[-1].last_propagation_ms is not None


async def test_viewers_of_one_member_share_what_was_rendered_once(site: Site):
    asked = 0
    told = site.diary.history

    async def counted(member_id: str, *, entries_max: int = 50) -> object:
        nonlocal asked
        asked += 1
        return await told(member_id, entries_max=entries_max)

    site.diary.history = counted  # type: ignore[method-assign,assignment]
    await site.put(wallet_record("m1", 1, points=10))
    streams = [asyncio.create_task(_until(site, "m1", ">1,234<")) for _ in range(VIEWERS)]
    room = site.console.account.rooms
    await eventually(lambda: (open_ := room.room("m1")) and sum(map(len, open_._viewers.values())) == VIEWERS)
    before = asked
    await site.put(wallet_record("m1", 2, points=1234))
    seen = await asyncio.gather(*streams)
    assert len(set(seen)) == 1, "the same bytes for everyone"
    assert asked - before <= 2, "the history is read once a version, not once a viewer"
    await eventually(lambda: room.room("m1") is None)


async def test_a_stopping_console_ends_its_streams(kafka: str):
    async with open_site(kafka) as site:
        await site.put(wallet_record("m1", 1, points=10))
        watching = asyncio.create_task(_until(site, "m1", "never shown"))
        await eventually(lambda: site.console.account.rooms.room("m1"))
        site.console.close_streams()
        assert await asyncio.wait_for(watching, 10) == ""


async def _until(site: Site, member_id: str, wanted: str) -> str:
    """The first message that holds the wanted text; empty when the stream ended without it."""
    async with httpx.AsyncClient(trust_env=False, timeout=20, follow_redirects=True) as client:
        page = await client.get(site.account_url(member_id, "en"))
        address = f"{str(page.url).partition('?')[0]}/live?lang=en"
        async with aconnect_sse(client, "GET", address) as source:
            async for event in source.aiter_sse():
                if event.event == "html" and wanted in event.data:
                    return event.data
    return ""
