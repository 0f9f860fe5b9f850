"""`/account/…`: a link opens the page, a cookie of this page alone keeps it open, a stream keeps it live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.console.account.view import Account, AccountRoom
from services.console.languages import choose_language
from services.console.links import VISIT_COOKIE, LinkExpired, LinkForged, Links
from services.console.rooms import Rooms, stream
from services.console.voices import Voice

STREAM = "account"
Lang = Annotated[str | None, Query(description="Language; without it the browser's")]
Accepted = Annotated[str | None, Header(alias="accept-language")]


@dataclass(frozen=True, slots=True)
class AccountPages:
    """The account's routes over one process's feed and books."""

    account: Account
    links: Links
    secure: bool
    rooms: Rooms[str]

    @classmethod
    def over(cls, account: Account, links: Links, *, secure: bool) -> AccountPages:
        """Pages with their rooms; `secure` where members reach them over https."""
        return cls(account, links, secure, Rooms(lambda member_id: AccountRoom(account, member_id), STREAM))

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(prefix="/account", include_in_schema=False)
        router.add_api_route("/open", self.open_link, methods=["GET"])
        router.add_api_route("/{handle}", self.page, methods=["GET"])
        router.add_api_route("/{handle}/live", self.live, methods=["GET"])
        return router

    async def open_link(self, link: str = "", lang: Lang = None, accept_language: Accepted = None) -> Response:
        """Turn a link into a visit: a cookie for this page alone, and an address without the link in it."""
        voice = self._voice(lang, accept_language)
        try:
            member_id = self.links.member_of_link(link)
        except (LinkExpired, LinkForged) as error:
            return refusal(voice, error)
        handle = self.links.handle(member_id)
        query = f"?{urlencode({'lang': lang})}" if lang else ""
        answer = RedirectResponse(f"/account/{handle}{query}", 303)
        answer.set_cookie(
            VISIT_COOKIE,
            self.links.visit(member_id),
            max_age=self.links.visit_valid_s,
            path=f"/account/{handle}",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    async def page(
        self, request: Request, handle: str, lang: Lang = None, accept_language: Accepted = None
    ) -> Response:
        """The whole page, as it is now."""
        voice = self._voice(lang, accept_language)
        try:
            member_id = self.links.member_of_visit(handle, request.cookies.get(VISIT_COOKIE))
        except (LinkExpired, LinkForged) as error:
            return refusal(voice, error)
        record = self.account.record(member_id)
        entries = await self.account.history(member_id)
        html = voice.page(
            "account/page.html",
            here=f"/account/{handle}",
            wallet=self.account.wallet_fragment(record, voice.language),
            history=self.account.history_fragment(record, entries, voice.language),
        )
        return HTMLResponse(html, headers={"vary": "Accept-Language, Cookie"})

    async def live(
        self, request: Request, handle: str, lang: Lang = None, accept_language: Accepted = None
    ) -> Response:
        """The fragments of the page, whole on connecting and again after each change."""
        voice = self._voice(lang, accept_language)
        try:
            member_id = self.links.member_of_visit(handle, request.cookies.get(VISIT_COOKIE))
        except (LinkExpired, LinkForged) as error:
            return refusal(voice, error)
        viewer = self.rooms.viewer(member_id, voice.language)
        return stream(viewer, voice.formats, name=STREAM, fresh=self.fresh)

    def fresh(self) -> bool:
        """Whether what is shown follows the topic right now."""
        return self.account.feed.connected and self.account.feed.is_caught_up

    def _voice(self, lang: str | None, accept_language: str | None) -> Voice:
        return self.account.voices[choose_language(lang, accept_language)]


def refusal(voice: Voice, error: LinkExpired | LinkForged) -> HTMLResponse:
    """A page that says why nothing is shown and what to do next."""
    if isinstance(error, LinkExpired):
        status, title = 410, voice.said("This link has expired")
        next_step = voice.said("Open your account again from the app or the shop's site: it makes a new link.")
    else:
        status, title = 403, voice.said("This link is not valid")
        next_step = voice.said("Part of it may have been lost. Open your account from the app or the shop's site.")
    return HTMLResponse(voice.page("refused.html", title=title, next_step=next_step), status)
