"""One Chromium a session, one context a test; pictures go to a folder for people to look at."""

from __future__ import annotations

import importlib.resources
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.browser.site import Site, open_site

CHROMIUM = os.environ.get("UNISONO_CHROMIUM", "/usr/bin/chromium")
PICTURES = Path(os.environ.get("UNISONO_PICTURES", ".unisono/pictures"))
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
SIZES = {"390": (390, 844), "1280": (1280, 800)}


class Shot(Protocol):
    """Takes pictures."""

    async def __call__(self, page: Page, name: str, *, full: bool = True) -> None: ...


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The machine's own Chromium."""
    if not shutil.which(CHROMIUM):
        pytest.fail(f"{CHROMIUM} is not installed: run `make test-browser`, or name one in UNISONO_CHROMIUM")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def site(kafka: str) -> AsyncIterator[Site]:
    """A console of this test's own."""
    async with open_site(kafka) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A phone, in light, in English."""
    context = await browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB", color_scheme="light")
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A page; what its console or its policy complained about fails the test."""
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []


@pytest.fixture
def shot() -> Shot:
    """Pictures of the whole page, light and dark, on a phone and on a desk."""

    PICTURES.mkdir(parents=True, exist_ok=True)

    async def take(page: Page, name: str, *, full: bool = True) -> None:
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            for size, (width, height) in SIZES.items():
                await page.set_viewport_size({"width": width, "height": height})
                await page.screenshot(
                    path=PICTURES / f"{name}-{size}-{scheme}.png", full_page=full, animations="disabled"
                )

    return take


async def axe(page: Page) -> list[str]:
    """What axe-core finds on the page: rule, selector, and what to do."""
    source = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text()
    await page.evaluate(source)
    found: list[dict[str, Any]] = await page.evaluate(
        "tags => axe.run({runOnly: {type: 'tag', values: tags}}).then(result => result.violations)", _TAGS
    )
    return [f"{one['id']} at {node['target']}: {node['failureSummary']}" for one in found for node in one["nodes"]]


async def axe_everywhere(page: Page) -> list[str]:
    """The same in light and dark, on a phone and on a desk."""
    found = []
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width, height in SIZES.values():
            await page.set_viewport_size({"width": width, "height": height})
            found += [f"{scheme} {width}: {one}" for one in await axe(page)]
    return found


async def sideways(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    return int(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
