"""`/demo`: the page, its one stream for all panes, and the buttons that send real events through the gateway.

It shows any member to whoever asks, so it is served on a loopback address only, unless a setting says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

import httpx
import structlog
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from schemas.envelope import STRUCTURED, to_structured
from services.clock import utc_now
from services.console.account.routes import Accepted, Lang
from services.console.demo.figures import Figures
from services.console.demo.stories import STORIES, NothingToReturn, StoryName, Storyteller
from services.console.demo.view import DemoRoom, Stage
from services.console.languages import choose_language
from services.console.links import Links
from services.console.rooms import Rooms, stream
from services.console.touchpoint import WebTouchpoint
from services.console.voices import Voice
from services.ids import uuid7
from services.settings import Settings
from services.sync.feed import WalletFeed

log = structlog.get_logger(__name__)

STREAM = "demo"
_STORE_WITHOUT_TILL = "1"
_PATIENCE_S = 5.0
_FORM_BYTES_MAX = 4096
Member = Annotated[str, Query(min_length=1, max_length=128, description="The member to watch")]
Store = Annotated[str, Query(max_length=128, description="The store whose till is shown")]


@dataclass(frozen=True, slots=True)
class DemoPages:
    """The demo's routes."""

    stage: Stage
    stories: Storyteller
    links: Links
    rooms: Rooms[tuple[str, str]]

    @classmethod
    def over(
        cls, settings: Settings, feed: WalletFeed, touchpoint: WebTouchpoint, voices: Mapping[str, Voice]
    ) -> DemoPages:
        """Pages with their rooms, over one process's feed."""
        stage = Stage(settings, feed, touchpoint, voices)
        rooms = Rooms[tuple[str, str]](lambda key: DemoRoom(stage, *key), STREAM)
        return cls(stage, Storyteller(settings.currency), Links.of(settings), rooms)

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(prefix="/demo", include_in_schema=False)
        router.add_api_route("", self.page, methods=["GET"])
        router.add_api_route("/live", self.live, methods=["GET"])
        router.add_api_route("/account", self.open_account, methods=["GET"])
        router.add_api_route("/events", self.send, methods=["POST"])
        return router

    async def page(
        self, member: str = "", store: Store = "", lang: Lang = None, accept_language: Accepted = None
    ) -> Response:
        """Three panes, four numbers, one button a story; without a member, the first page."""
        if not 1 <= len(member) <= 128:
            return RedirectResponse("/", 303)
        voice = self._voice(lang, accept_language)
        store = self._store(store)
        panes = self.stage.quiet_panes(member)
        query = urlencode({"member": member, "store": store})
        html = voice.page(
            "demo/page.html",
            here=f"/demo?{query}",
            live=f"/demo/live?{query}&lang={voice.language}",
            member=member,
            store=store,
            stores=self.stage.stores,
            stories=self._buttons(voice),
            figures=self.stage.figures_fragment(Figures(), voice.language),
            panes=self.stage.panes_fragment(panes, store, voice.language),
        )
        return HTMLResponse(html, headers={"vary": "Accept-Language"})

    async def live(
        self, member: Member, store: Store = "", lang: Lang = None, accept_language: Accepted = None
    ) -> Response:
        """All panes over one stream, since a browser opens six to one host at most."""
        voice = self._voice(lang, accept_language)
        viewer = self.rooms.viewer((member, self._store(store)), voice.language)
        return stream(viewer, voice.formats, name=STREAM, fresh=self._fresh)

    async def open_account(self, member: Member, lang: Lang = None) -> Response:
        """A signed link to the member's web account, as a retailer's site would make it, followed at once."""
        query = {"link": self.links.link(member)} | ({"lang": lang} if lang else {})
        return RedirectResponse(f"/account/open?{urlencode(query)}", 303)

    async def send(self, request: Request, accept_language: Accepted = None) -> Response:
        """Send the story's event through the gateway; back to the page, or one sentence for the script."""
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise HTTPException(403, "this form is sent from its own page only")
        told = await _told(request)
        voice, store = self._voice(told.lang, accept_language), self._store(told.store)
        refused = await self._post(told.story, told.member, store, voice)
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse(refused or self._sent(told.story, store, voice), 502 if refused else 202)
        if refused:
            raise HTTPException(502, refused)
        query = urlencode({"member": told.member, "store": store, "lang": voice.language})
        return RedirectResponse(f"/demo?{query}", 303)

    async def _post(self, story: StoryName, member: str, store: str, voice: Voice) -> str | None:
        """None once the gateway took the event; else the sentence that says why not."""
        try:
            event = self.stories.tell(story, member, store, utc_now(), uuid7())
        except NothingToReturn:
            return voice.said("There is nothing to bring back yet: buy something here first.")
        try:
            async with httpx.AsyncClient(timeout=_PATIENCE_S, trust_env=False) as client:
                address = f"{self.stage.gateway_url.rstrip('/')}/v1/events"
                answer = await client.post(address, content=to_structured(event), headers={"content-type": STRUCTURED})
        except httpx.HTTPError as error:
            log.warning("demo_event_not_sent", error=repr(error))
            return voice.said("The gateway does not answer: nothing was sent.")
        if answer.is_success:
            return None
        log.warning("demo_event_refused", status=answer.status_code, answer=answer.text[:500])
        return voice.said("The gateway refused the event with status %(status)s.") % {"status": answer.status_code}

    def _sent(self, story: StoryName, store: str, voice: Voice) -> str:
        if story == "checkin":
            return voice.said("Check-in sent from the app.")
        if story == "return":
            return voice.said("Return sent from the till of store %(store)s.") % {"store": store}
        amount = voice.formats.money(self.stories.total(story), self.stories.currency)
        said = voice.said("Order of %(amount)s sent from the till of store %(store)s.")
        return said % {"amount": amount, "store": store}

    def _buttons(self, voice: Voice) -> list[tuple[StoryName, str]]:
        """(story, what its button says)."""
        labels = {
            "coffee": voice.said("Buy a coffee at the till, %(amount)s"),
            "groceries": voice.said("Do the weekly shopping, %(amount)s"),
            "checkin": voice.said("Check in with the app"),
            "return": voice.said("Bring the last order back"),
        }
        return [
            (story, labels[story] % {"amount": voice.formats.money(self.stories.total(story), self.stories.currency)})
            for story in STORIES
        ]

    def _store(self, asked: str) -> str:
        stores = self.stage.stores
        return asked if asked in stores or (not stores and asked) else next(iter(stores), _STORE_WITHOUT_TILL)

    def _fresh(self) -> bool:
        return self.stage.feed.connected and self.stage.feed.is_caught_up

    def _voice(self, lang: str | None, accept_language: str | None) -> Voice:
        return self.stage.voices[choose_language(lang, accept_language)]


class Told(BaseModel):
    """The fields of the form."""

    member: Annotated[str, Field(min_length=1, max_length=128)]
    story: StoryName
    store: Annotated[str, Field(max_length=128)] = ""
    lang: Annotated[str | None, Field(max_length=16)] = None


async def _told(request: Request) -> Told:
    """The urlencoded form, read by hand: no parser of uploads is needed for four short fields."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_BYTES_MAX:
            raise HTTPException(413, "the form is too large")
    try:
        return Told.model_validate(dict(parse_qsl(body.decode(), max_num_fields=10)))
    except ValueError as error:
        raise HTTPException(422, "the form lacks a field or has one that is not valid") from error
