"""The account page as a member meets it."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Shot, axe_everywhere, sideways
from tests.browser.site import Site
from tests.unit.console.samples import rich_wallet, told_history

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_new_version_appears_without_a_reload(site: Site, page: Page):
    await site.put(rich_wallet("m1", 1, points=1370))
    await page.goto(site.account_url("m1", lang="it"))
    await expect(page.locator("#points-active")).to_have_text("1.370")
    await expect(page.locator("#pill")).to_have_attribute("data-state", "live")
    await site.put(rich_wallet("m1", 2, points=1417))
    await expect(page.locator("#points-active")).to_have_text("1.417")
    assert "link=" not in page.url


async def test_pictures_and_accessibility(site: Site, page: Page, shot: Shot):
    site.diary.entries["m1"] = told_history("m1")
    await site.put(rich_wallet("m1"))
    for language in ("en", "it"):
        await page.goto(site.account_url("m1", lang=language))
        await expect(page.locator("#pill")).to_have_attribute("data-state", "live")
        await shot(page, f"account-{language}")
        assert await axe_everywhere(page) == []


async def test_a_member_we_know_nothing_of_is_welcomed(site: Site, page: Page, shot: Shot):
    await page.goto(site.account_url("stranger"))
    await expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    await shot(page, "account-new")
    assert await axe_everywhere(page) == []
    await site.put(rich_wallet("stranger", 1))
    await expect(page.locator("#points-active")).to_have_text("1,370")


async def test_the_code_fills_the_screen_at_one_tap_and_stays_through_an_update(site: Site, page: Page, shot: Shot):
    await site.put(rich_wallet("m1", 1))
    await page.goto(site.account_url("m1"))
    await page.get_by_role("button", name="Show the code of 5 € off your shopping").click()
    sheet = page.get_by_role("dialog", name="5 € off your shopping")
    await expect(sheet.locator("svg.qr")).to_be_visible()
    box = await sheet.bounding_box()
    assert box
    assert (box["width"], box["height"]) == (390, 844)
    await site.put(rich_wallet("m1", 2, points=1))
    await expect(page.locator("#points-active")).to_have_text("1")
    await expect(sheet.get_by_text("7KQF-29XM-C1ZP")).to_be_visible()
    await shot(page, "account-code", full=False)
    assert await axe_everywhere(page) == []
    await page.keyboard.press("Escape")
    await expect(sheet).to_be_hidden()


async def test_it_says_when_it_is_offline_and_comes_back(site: Site, page: Page, shot: Shot):
    await page.clock.install()
    await site.put(rich_wallet("m1"))
    await page.goto(site.account_url("m1"))
    pill = page.locator("#pill")
    await expect(pill).to_have_attribute("data-state", "live")
    await page.clock.fast_forward(25_000)
    await expect(pill).to_contain_text("offline, as of")
    await expect(page.locator("body")).to_have_class("account stale")
    await shot(page, "account-offline")


async def test_works_without_javascript(site: Site, browser: Browser):
    await site.put(rich_wallet("m1"))
    context = await browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = await context.new_page()
    await page.goto(site.account_url("m1", lang="it"))
    await expect(page.locator("#points-active")).to_have_text("1.370")
    await page.get_by_role("button", name="Mostra il codice di 5 € di sconto sulla spesa").click()
    await expect(page.get_by_text("7KQF-29XM-C1ZP")).to_be_visible()
    await context.close()


@pytest.mark.parametrize("width", [320, 640])
async def test_no_sideways_scroll(site: Site, page: Page, width: int):
    """320 px, and 1280 px at 200 %, which is a window of 640."""
    site.diary.entries["m1"] = told_history("m1")
    await site.put(rich_wallet("m1", points=10**9))
    await page.set_viewport_size({"width": width, "height": 700})
    for language in ("en", "it"):
        await page.goto(site.account_url("m1", lang=language))
        await expect(page.locator("#points-active")).to_be_visible()
        assert await sideways(page) == 0


async def test_everything_is_reached_by_keyboard(site: Site, page: Page):
    await site.put(rich_wallet("m1"))
    await page.goto(site.account_url("m1"))
    await page.locator("#points-active").wait_for()
    reached = []
    for _ in range(7):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("document.activeElement.textContent.trim()"))
    assert reached == ["Skip to content", "Code", "Code", "Code", "Code", "English", "Italiano"]


async def test_a_broken_link_gets_a_page_that_says_what_to_do(site: Site, context: BrowserContext, shot: Shot):
    page = await context.new_page()
    answer = await page.goto(f"{site.url}/account/open?link=forged")
    assert answer
    assert answer.status == 403
    await expect(page.get_by_role("heading", name="This link is not valid")).to_be_visible()
    await shot(page, "account-forged")
    assert await axe_everywhere(page) == []


async def test_a_lost_stream_is_said_and_taken_up_again_with_what_was_missed(site: Site, page: Page):
    await site.put(rich_wallet("m1", 1))
    await page.goto(site.account_url("m1"))
    pill = page.locator("#pill")
    await expect(pill).to_have_attribute("data-state", "live")
    site.console.close_streams()
    await expect(pill).to_contain_text("reconnecting since")
    await site.put(rich_wallet("m1", 2, points=7))
    await expect(page.locator("#points-active")).to_have_text("7", timeout=10_000)
    await expect(pill).to_have_attribute("data-state", "live")


async def test_motion_stops_where_it_is_not_wanted(site: Site, page: Page):
    await page.emulate_media(reduced_motion="reduce")
    await site.put(rich_wallet("m1", 1))
    await page.goto(site.account_url("m1"))
    await site.put(rich_wallet("m1", 2, points=7))
    await expect(page.locator("#points-active")).to_have_text("7")
    moving = await page.evaluate("document.getAnimations().filter(one => one.playState === 'running').length")
    assert moving == 0
