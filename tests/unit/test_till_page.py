"""What the cashier sees, without a browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from string import Formatter

import httpx
import pytest
import pytest_asyncio

from services.clock import utc_now
from services.settings import Settings
from services.till.app import create_app
from services.till.link import OFFLINE_AFTER, Link
from services.till.replica import Replica
from services.till.rows import Checkpoint, Row
from services.till.till import Till
from services.till.words import chosen, known_parts
from tests.integration.wallets import wallet_record
from tests.unit.console.samples import rich_wallet


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    replica = Replica(tmp_path)
    yield Till(replica, "114", "1")
    replica.close()


@pytest_asyncio.fixture
async def client(till: Till) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(till, Settings()))
    async with httpx.AsyncClient(transport=transport, base_url="http://till") as client:
        yield client


def arrives(till: Till, member_id: str, version: int) -> None:
    record = wallet_record(member_id, version, points=1370)
    value = record.model_dump_json().encode()
    row = Row(member_id, version, version, value, record.occurred_at, record.as_of)
    till.apply([row], Checkpoint(f"t{version}", "e1", 1))


async def test_a_member_page_shows_points_coupons_and_what_to_say(till: Till, client: httpx.AsyncClient):
    arrives(till, "m1", 1)
    page = (await client.get("/members/m1", headers={"accept-language": "it,en;q=0.5"})).text
    assert '<html lang="it">' in page
    assert '<h1 class="hero">m1</h1>' in page
    assert "1.370" in page
    assert "−5,00\xa0€" in page
    assert "5 € di sconto" in page
    assert "Il buono è già nel portafoglio" in page
    assert "mancano 35,00\xa0€" in page
    assert page.count('id="card"') == page.count('id="pill"') == 1


async def test_a_coupon_is_shown_where_it_can_be_used_with_what_it_gives(till: Till, client: httpx.AsyncClient):
    """Not at another store's till, and not where it is for the app alone."""
    record = rich_wallet("m1")
    three_for_two = record.coupons[-1]
    elsewhere = three_for_two.model_copy(update={"coupon_id": "c6", "stores": ("7",), "code": "ELSEWHERE"})
    in_app = three_for_two.model_copy(update={"coupon_id": "c7", "channels": ("app",), "code": "IN-APP"})
    record = record.model_copy(update={"coupons": (three_for_two, elsewhere, in_app)})
    row = Row("m1", 17, 17, record.model_dump_json().encode(), record.occurred_at, record.as_of)
    till.apply([row], Checkpoint("t1", "e1", 1))
    page = (await client.get("/members/m1", params={"lang": "en"})).text
    for said in (three_for_two.code, "2 + 1", "Buy 2, get 1 more free · on coffee", "1 stamp to go", "1 step to go"):
        assert said in page, said
    assert "Gold until" in page
    assert "Autumn is here" in page
    assert "ELSEWHERE" not in page
    assert "IN-APP" not in page


async def test_a_page_is_strict_about_scripts_and_escapes_what_others_wrote(till: Till, client: httpx.AsyncClient):
    name = "<script>alert(1)</script>"
    answer = await client.get("/find", params={"member": name})
    assert answer.status_code == 303
    page = await client.get(answer.headers["location"])
    assert page.status_code == 200
    assert name not in page.text
    assert "&lt;script&gt;" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert not re.search(r"\son\w+=|<style|style=", page.text)


async def test_the_board_lists_what_came_last_and_its_assets_exist(till: Till, client: httpx.AsyncClient):
    assert "Nothing has arrived yet" in (await client.get("/")).text
    arrives(till, "a/b", 1)
    page = (await client.get("/")).text
    assert 'href="/members/a%2Fb?lang=en"' in page
    assert "a/b" in (await client.get("/members/a%2Fb")).text
    for asset in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        assert (await client.get(asset)).status_code == 200


async def test_the_till_answers_from_its_replica(till: Till, client: httpx.AsyncClient):
    assert (await client.get("/readyz")).status_code == 503
    arrives(till, "m1", 1)
    assert (await client.get("/readyz")).status_code == 200
    answer = await client.get("/v1/members/m1/wallet")
    assert answer.headers["etag"] == '"1"'
    assert answer.json()["points"]["base"]["active"] == 1370
    assert (await client.get("/v1/members/m2/wallet")).json()["type"] == "urn:unisono:problem:member-not-found"
    arrives(till, "m1", 2)
    lines = (await client.get("/v1/applied", params={"since": 2})).text.splitlines()
    assert len(lines) == 1
    assert '"version":2' in lines[0]
    assert (await client.get("/livez")).status_code == (await client.get("/version")).status_code == 200


async def test_a_viewer_sees_each_version_once_and_each_turn_of_the_link(till: Till):
    arrives(till, "m1", 1)
    async with till.view("m1", after_version=1) as viewer:
        first = viewer.take()
        assert first is not None
        assert (first.wallet, first.status) == (None, "reconnecting")
        assert viewer.take() is None
        till.heard()
        arrives(till, "m1", 2)
        assert await viewer.signal.wait(1)
        seen = viewer.take()
        assert seen is not None
        assert seen.wallet is not None
        assert (seen.wallet.version, seen.status) == (2, "live")
        gone = Row("m1", 9, 0, None, utc_now(), utc_now())
        till.apply([gone], Checkpoint("t9", "e1", 1))
        ended = viewer.take()
        assert ended is not None
        assert ended.gone


def test_the_link_is_live_then_reconnecting_then_offline():
    now, link = utc_now(), Link()
    assert link.status(now) == "reconnecting"
    link.heard(now)
    assert link.status(now) == "live"
    link.lost(now + timedelta(seconds=1))
    assert link.status(now + timedelta(seconds=2)) == "reconnecting"
    assert link.status(now + OFFLINE_AFTER + OFFLINE_AFTER) == "offline"
    link.heard(now + timedelta(minutes=5))
    assert link.status(now + timedelta(minutes=5)) == "live"


def test_both_languages_say_everything_with_the_same_parts():
    english, italian = known_parts()["en"], known_parts()["it"]
    assert english.keys() == italian.keys()
    for name, sentence in english.items():
        parts = {part for _, part, _, _ in Formatter().parse(sentence) if part}
        assert parts == {part for _, part, _, _ in Formatter().parse(italian[name]) if part}, name


@pytest.mark.parametrize(
    ("asked", "language"), [("it-IT,it;q=0.9", "it"), ("de,it", "it"), ("en-GB", "en"), ("", "en"), ("el", "en")]
)
def test_the_browser_chooses_the_language(asked: str, language: str):
    assert chosen(asked) == language
