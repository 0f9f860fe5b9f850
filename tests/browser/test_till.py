"""The till's page as a cashier meets it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from services.serving import serving
from services.settings import Settings
from services.till.app import create_app
from services.till.replica import Replica
from services.till.rows import Checkpoint, Row
from services.till.till import Till
from tests.browser.conftest import Shot, axe_everywhere, sideways
from tests.integration.wallets import wallet_record

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@dataclass(frozen=True)
class Counter:
    """A till and its page."""

    till: Till
    url: str

    def arrives(self, member_id: str, version: int, points: int) -> None:
        """The gateway sent this version."""
        record = wallet_record(member_id, version, points=points)
        value = record.model_dump_json().encode()
        row = Row(member_id, version, version, value, record.occurred_at, record.as_of)
        self.till.apply([row], Checkpoint(f"t{version}", "e1", 1))


@pytest_asyncio.fixture(loop_scope="session")
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    till = Till(Replica(tmp_path), "114", "1")
    app = create_app(till, Settings())
    async with serving(app, host="127.0.0.1", port=0, role="till", before_stop=till.close_viewers) as where:
        till.heard()
        yield Counter(till, where.url)
    till.replica.close()


async def test_a_coupon_appears_by_itself_and_the_pill_tells_of_the_link(counter: Counter, page: Page, shot: Shot):
    await page.goto(f"{counter.url}/members/m1?lang=en")
    await expect(page.get_by_text("This till knows no member m1")).to_be_visible()
    counter.arrives("m1", 1, 1370)
    await expect(page.get_by_role("heading", name="5 € off")).to_be_visible()
    await expect(page.locator(".points strong")).to_have_text("1,370")
    await expect(page.locator("#pill")).to_contain_text("live")
    counter.till.link.lost(counter.till.link.last_heard_at)  # type: ignore[arg-type]
    await expect(page.locator("#pill")).to_contain_text("reconnecting")
    counter.arrives("m1", 2, 1371)
    await expect(page.locator(".points strong")).to_have_text("1,371")
    await shot(page, "till-member")
    assert await axe_everywhere(page) == []


async def test_a_member_is_found_by_keyboard_and_the_page_fits_a_small_screen(counter: Counter, page: Page, shot: Shot):
    counter.arrives("a/b", 1, 5)
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(f"{counter.url}/?lang=it")
    assert await sideways(page) <= 0
    await page.get_by_label("Numero o tessera").press_sequentially("a/b")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="a/b")).to_be_visible()
    assert await sideways(page) <= 0
    await page.get_by_role("link", name="Tutti i clienti").click()
    await expect(page.get_by_role("link", name="a/b")).to_be_visible()
    await shot(page, "till-board")
    assert await axe_everywhere(page) == []


async def test_a_silent_stream_is_said_to_be_offline(counter: Counter, page: Page):
    counter.arrives("m1", 1, 5)
    await page.clock.install()
    await page.goto(f"{counter.url}/members/m1?lang=en")
    await expect(page.locator("#pill")).to_contain_text("live")
    await page.route("**/live*", lambda route: route.abort())
    counter.till.close_viewers()
    await page.clock.run_for(25_000)
    await expect(page.locator("#pill")).to_contain_text("offline (as of")
    await expect(page.locator("body")).to_have_class("stale")
