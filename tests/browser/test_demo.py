"""The demo page over the whole stack: real gateway, Kafka, worker, till and console, and a real browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect

from services.cli.setup import prepare
from services.console.links import account_url
from services.embedded.stack import Stack
from services.ids import uuid7
from services.settings import Settings
from tests.browser.conftest import Shot, axe_everywhere, sideways

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

PROMOTIONS = Path(__file__).parents[2] / "services" / "demo" / "promotions"
ARRIVED_MS = 10_000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Everything, with two stores that have a till."""
    settings = Settings(
        home=tmp_path_factory.mktemp("demo"),
        currency="USD",
        gateway_port=0,
        console_port=0,
        promotions=tuple(sorted(PROMOTIONS.glob("*.yaml"))),
    )
    async with Stack(settings, prepare=prepare, stores=("114", "203")) as stack:
        yield stack


@pytest.fixture
def member() -> str:
    """A member nobody knows yet."""
    return f"m-{uuid7()[-6:]}"


async def test_a_checkin_in_the_app_reaches_all_three_with_its_milliseconds(
    stack: Stack, page: Page, member: str, shot: Shot
):
    await page.goto(f"{stack.console_url}/demo?member={member}")
    for pane in ("app", "till", "web"):
        await expect(page.locator(f"#state-{pane}")).to_have_attribute("data-state", "live", timeout=ARRIVED_MS)
        await expect(page.locator(f"#pane-{pane}")).to_contain_text("Nothing is held for this member yet")
    assert await axe_everywhere(page) == []
    await page.get_by_role("button", name="Check in with the app").click()
    await expect(page.locator("#note")).to_have_text("Check-in sent from the app.")
    for pane in ("app", "till", "web"):
        await expect(page.locator(f"#pane-{pane}-slips li")).to_have_count(1, timeout=ARRIVED_MS)
        await expect(page.locator(f"#pane-{pane}")).to_contain_text("$1 off, thanks for checking in")
        await expect(page.locator(f"#figure-{pane}-last")).to_have_text(re.compile(r"^[\d,]+ ms$"))
    await expect(page.locator("#figure-skew-last")).to_have_text(re.compile(r"^[\d,]+ ms$"))
    await expect(page.locator("#pane-till-hint")).to_contain_text("checked in with the app")


async def test_shopping_and_bringing_it_back(stack: Stack, page: Page, member: str, shot: Shot):
    await page.goto(f"{stack.console_url}/demo?member={member}&lang=it&store=203")
    await expect(page.locator("#state-till")).to_have_attribute("data-state", "live", timeout=ARRIVED_MS)
    await page.get_by_role("button", name="Compra un caffè alla cassa").click()
    await page.get_by_role("button", name="Fai la spesa").click()
    for pane in ("app", "till", "web"):
        await expect(page.locator(f"#pane-{pane}-points")).to_have_text("33", timeout=ARRIVED_MS)
    await expect(page.locator("#pane-till-name")).to_contain_text("negozio 203")
    await shot(page, "demo-it")
    assert await axe_everywhere(page) == []
    await page.get_by_role("button", name="Restituisci l'ultimo acquisto").click()
    for pane in ("app", "till", "web"):
        await expect(page.locator(f"#pane-{pane}-points")).to_have_text("3", timeout=ARRIVED_MS)


async def test_a_coupon_earned_at_the_till_appears_on_the_open_account(
    stack: Stack, page: Page, context: BrowserContext, member: str
):
    await page.goto(account_url(stack.settings, member, "it"))
    await expect(page.get_by_role("heading", name="Ti diamo il benvenuto")).to_be_visible()
    demo = await context.new_page()
    await demo.goto(f"{stack.console_url}/demo?member={member}&lang=it")
    await demo.get_by_role("button", name="Fai la spesa").click()
    await demo.get_by_role("button", name="Fai la spesa").click()
    await page.bring_to_front()
    await expect(page.get_by_role("heading", name="5 $ di sconto sulla spesa")).to_be_visible(timeout=ARRIVED_MS)
    await expect(page.locator("#points-active")).to_have_text("60")
    await expect(page.locator("#story")).to_contain_text("Obiettivo raggiunto", timeout=ARRIVED_MS)
    await expect(page.locator("#story")).to_contain_text("negozio 114")


async def test_the_first_page_leads_there(stack: Stack, page: Page, shot: Shot):
    await page.goto(stack.console_url)
    await shot(page, "landing")
    assert await axe_everywhere(page) == []
    await page.get_by_role("button", name="Watch").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("One event, three touchpoints, the same moment")


async def test_the_demo_fits_a_small_phone(stack: Stack, page: Page, member: str):
    await page.set_viewport_size({"width": 320, "height": 640})
    for path in (f"/demo?member={member}", "/"):
        await page.goto(f"{stack.console_url}{path}")
        assert await sideways(page) == 0
