"""The routes without a browser and without Kafka: what is served, to whom, and under which headers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html.parser import HTMLParser
from itertools import pairwise

import httpx
import orjson
import pytest
import pytest_asyncio
from pydantic import SecretStr
from typing_extensions import override

from schemas.wallet import WalletRecord
from services.clock import utc_now
from services.console.app import POLICY, Console, create_console
from services.console.links import Links, account_url
from services.console.touchpoint import WebTouchpoint
from services.settings import Settings
from services.sync.feed import WalletFeed
from services.sync.index import FeedWallet, WalletIndex
from tests.unit.console.samples import Diary, rich_wallet, told_history

VOID = {"meta", "link", "input", "br", "img", "hr"}


class Outline(HTMLParser):
    """Ids, headings, and whether every element is closed where it should be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.styled: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], self._open

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.styled += [name for name in named if name == "style" or name.startswith("on")]
        if tag not in VOID:
            self._open.append(tag)
        if tag in {"h1", "h2", "h3"}:
            self.headings.append((int(tag[1]), ""))

    @override
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, tag

    @override
    def handle_data(self, data: str) -> None:
        self.text += data
        if self.headings and self._open and self._open[-1][0] == "h" and self._open[-1][1:].isdigit():
            level, said = self.headings[-1]
            self.headings[-1] = (level, said + data.strip())


class Room:
    """A console over wallets put there by hand."""

    def __init__(self, **settings: object) -> None:
        self.settings = Settings(programme_secret=SecretStr("x"), console_url="http://test").model_copy(update=settings)
        self.feed = WalletFeed("nowhere:1")
        self.index = WalletIndex([0])
        self.diary = Diary()
        self.touchpoint = WebTouchpoint(self.feed, "web-test", "0")
        self.console: Console = create_console(self.settings, self.feed, self.diary, self.touchpoint)
        self.caller = ("127.0.0.1", 1)

    def caught_up(self) -> None:
        self.feed._index = self.index
        self.feed._caught_up.set()
        self.feed.connected = True

    def hold(self, record: WalletRecord) -> None:
        now, place = utc_now(), self.index.positions[0]
        body = record.model_dump_json().encode()
        self.index.apply(FeedWallet(record.member_id, record.version, body, now, now, 0, place))
        self.caught_up()

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.console.app, client=self.caller)
        return httpx.AsyncClient(transport=transport, base_url="http://test", follow_redirects=True)

    async def opened(self, member_id: str, lang: str = "en") -> httpx.Response:
        async with self.client() as client:
            return await client.get(account_url(self.settings, member_id, lang))


@pytest_asyncio.fixture
async def room() -> AsyncIterator[Room]:
    yield Room()


async def test_the_account_tells_points_goal_coupons_and_history(room: Room):
    room.hold(rich_wallet("m1"))
    room.diary.entries["m1"] = told_history("m1")
    answer = await room.opened("m1", "it")
    page = Outline(answer.text)
    assert answer.status_code == 200
    assert page.headings[:4] == [
        (1, "Il tuo account"),
        (2, "I tuoi punti"),
        (2, "Prossimo obiettivo"),
        (3, "5 € ogni 50 €"),
    ]
    assert [said for level, said in page.headings if level == 2][2:] == ["Buoni", "Messaggi", "Che cosa è successo"]
    assert {"wallet", "points-active", "goals", "tickets", "history", "story", "pill"} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    for said in (
        "1.370",
        "30 punti in arrivo",
        "Mancano 12,50\xa0€",
        "37,50\xa0€ di 50,00\xa0€",
        "7KQF-29XM-C1ZP",
        "+1.250",
    ):
        assert said in page.text, said
    assert "Già usato" not in page.text, "a redeemed coupon is no longer offered"
    assert page.text.index("sul caffè") < page.text.index("frutta e verdura") < page.text.index("sulla spesa")


async def test_the_account_tells_benefits_stamps_tier_and_messages(room: Room):
    """What a promotion can give beyond an amount off, each in the member's language."""
    room.hold(rich_wallet("m1"))
    page = Outline((await room.opened("m1", "it")).text)
    for said in (
        "2 + 1",
        "Ogni 2 acquistati, 1 in omaggio · su coffee · da 15,00\xa0€ di spesa",
        "· solo in negozio · nel negozio 114 o 115",
        "Il 5º caffè è gratis",
        "Manca 1 bollino",
        "3 di 4",
        "Manca 1 passo",
        "fatto",
        "mancano 8,00\xa0€",
        "Oro fino al",
        "640 punti livello",
        "È autunno: nuove tostature in negozio",
    ):
        assert said in page.text, said


async def test_levels_of_headings_skip_nothing(room: Room):
    room.hold(rich_wallet("m1"))
    for path in (account_url(room.settings, "m1"), "/", "/demo?member=m1", "/demo?member=nobody"):
        async with room.client() as client:
            levels = [level for level, _ in Outline((await client.get(path)).text).headings]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels)), (path, levels)


async def test_no_page_needs_inline_style_or_script(room: Room):
    room.hold(rich_wallet("m1"))
    for path in (account_url(room.settings, "m1"), "/", "/demo?member=m1"):
        async with room.client() as client:
            answer = await client.get(path)
        assert Outline(answer.text).styled == []
        assert "<style" not in answer.text
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["cache-control"] == "no-store"


async def test_a_link_is_exchanged_for_a_cookie_of_its_page_alone(room: Room):
    room.hold(rich_wallet("m1"))
    async with room.client() as client:
        answer = await client.get(account_url(room.settings, "m1"), follow_redirects=False)
    handle = Links.of(room.settings).handle("m1")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/account/{handle}")
    cookie = answer.headers["set-cookie"]
    assert f"Path=/account/{handle};" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie


async def test_over_https_the_cookie_stays_there():
    room = Room(console_url="https://shop.example")
    async with room.client() as client:
        answer = await client.get(
            account_url(room.settings, "m1").removeprefix("https://shop.example"), follow_redirects=False
        )
    assert "Secure" in answer.headers["set-cookie"]


async def test_without_a_visit_nothing_is_shown(room: Room):
    room.hold(rich_wallet("m1"))
    handle = Links.of(room.settings).handle("m1")
    async with room.client() as client:
        for path in (f"/account/{handle}", f"/account/{handle}/live", "/account/m1"):
            answer = await client.get(path)
            assert answer.status_code == 410
            assert "This link has expired" in answer.text
            assert "1,370" not in answer.text
        forged = await client.get("/account/open", params={"link": "m1", "lang": "it"})
    assert forged.status_code == 403
    assert "Questo link non è valido" in forged.text


async def test_another_members_visit_opens_nothing(room: Room):
    links = Links.of(room.settings)
    async with room.client() as client:
        client.cookies.set("unisono_visit", links.visit("m1"))
        answer = await client.get(f"/account/{links.handle('m2')}")
    assert answer.status_code == 403


async def test_before_the_wallets_are_read_nobody_is_called_new(room: Room):
    assert "One moment" in (await room.opened("m1")).text
    room.caught_up()
    assert "Welcome" in (await room.opened("m1")).text


async def test_without_the_books_the_wallet_is_still_shown(room: Room):
    room.hold(rich_wallet("m1"))
    room.diary.away = True
    answer = await room.opened("m1")
    assert answer.status_code == 200
    assert "1,370" in answer.text
    assert "Your history cannot be shown right now" in answer.text


async def test_what_members_and_promotions_are_called_cannot_change_the_page(room: Room):
    evil = '"><script>alert(1)</script>'
    record = rich_wallet("m1")
    coupon = record.coupons[0].model_copy(update={"coupon_id": evil, "title": {"en": evil}, "code": "<b>"})
    room.hold(record.model_copy(update={"coupons": (coupon,), "tier": record.tier}))
    assert evil not in (await room.opened("m1")).text
    async with room.client() as client:
        assert evil not in (await client.get("/demo", params={"member": evil, "store": evil})).text
        assert evil not in (await client.get("/", params={"lang": evil})).text


async def test_files_are_kept_for_ever_under_the_address_of_their_content(room: Room):
    async with room.client() as client:
        page = (await client.get("/")).text
        address = page.split('rel="stylesheet" href="')[1].split('"')[0]
        first = await client.get(address)
        again = await client.get(address, headers={"if-none-match": first.headers["etag"]})
        plain = await client.get(address.split("?")[0])
        absent = await client.get("/static/../app.py")
    assert first.headers["content-type"].startswith("text/css")
    assert "immutable" in first.headers["cache-control"]
    assert (again.status_code, again.content) == (304, b"")
    assert plain.headers["cache-control"] == "no-cache"
    assert absent.status_code == 404


async def test_what_is_held_is_told_to_this_machine_only(room: Room):
    record = rich_wallet("m1")
    room.hold(record)
    async with room.client() as client:
        lines = (await client.get("/v1/held")).text.splitlines()
        one = await client.get("/v1/held/m1")
        none = await client.get("/v1/held/m2")
        proxied = await client.get("/v1/held", headers={"x-forwarded-for": "203.0.113.7"})
    held = orjson.loads(lines[0])
    assert (len(lines), held["member_id"], held["version"]) == (1, "m1", 17)
    assert WalletRecord.model_validate(held["record"]) == WalletRecord.model_validate_json(one.content)
    assert one.headers["etag"] == '"17"'
    assert (none.status_code, proxied.status_code) == (404, 403)
    room.caller = ("203.0.113.7", 1)
    async with room.client() as client:
        for path in ("/v1/held", "/v1/held/m1", "/v1/applied"):
            assert (await client.get(path)).status_code == 403


async def test_ready_once_the_wallets_are_complete(room: Room):
    async with room.client() as client:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        room.caught_up()
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/version")).json()["role"] == "console"


@pytest.mark.parametrize(("settings", "status"), [({"host": "0.0.0.0"}, 404), ({"demo_page": False}, 404), ({}, 200)])
async def test_the_demo_is_for_this_machine_unless_told_otherwise(settings: dict[str, object], status: int):
    room = Room(**settings)
    async with room.client() as client:
        answer = await client.get("/demo", params={"member": "m1"}, headers={"accept": "text/html"})
        landing = await client.get("/")
    assert answer.status_code == status
    assert ("/demo" in landing.text) is (status == 200)


async def test_an_unknown_address_gets_a_page_in_the_readers_language(room: Room):
    async with room.client() as client:
        people = await client.get("/nowhere", headers={"accept": "text/html", "accept-language": "it"})
        programs = await client.get("/nowhere", headers={"accept": "application/json"})
    assert people.status_code == programs.status_code == 404
    assert "A questo indirizzo non c’è nulla" in people.text
    assert programs.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        ({"member": "m1", "story": "robbery"}, {}, 422),
        ({"story": "coffee"}, {}, 422),
        ({"member": "m" * 5000, "story": "coffee"}, {}, 413),
        ({"member": "m1", "story": "coffee"}, {"sec-fetch-site": "cross-site"}, 403),
        ({"member": "m1", "story": "return"}, {}, 502),
    ],
)
async def test_a_story_that_cannot_be_told_is_refused(
    room: Room, form: dict[str, str], headers: dict[str, str], status: int
):
    async with room.client() as client:
        answer = await client.post("/demo/events", data=form, headers={"accept": "text/plain", **headers})
    assert answer.status_code == status


async def test_nothing_is_brought_back_that_was_not_bought(room: Room):
    async with room.client() as client:
        form = {"member": "m1", "story": "return"}
        answer = await client.post("/demo/events", data=form, headers={"accept": "text/plain"})
    assert answer.text == "There is nothing to bring back yet: buy something here first."


async def test_a_gateway_that_is_away_is_said():
    room = Room(gateway_url="http://127.0.0.1:9")
    form = {"member": "m1", "story": "coffee", "lang": "it"}
    async with room.client() as client:
        quiet = await client.post("/demo/events", data=form, headers={"accept": "text/plain"})
        page = await client.post("/demo/events", data=form, headers={"accept": "text/html"})
    assert (quiet.status_code, quiet.text) == (502, "Il gateway non risponde: non è stato inviato nulla.")
    assert "Il gateway non risponde" in page.text


async def test_a_demo_of_nobody_begins_at_the_first_page(room: Room):
    async with room.client() as client:
        answer = await client.get("/demo", follow_redirects=False)
        wrong = await client.get("/demo/live", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert wrong.status_code == 422
    assert "not valid: member" in wrong.text
