"""The console's application: the pages, their streams, and what this touchpoint says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from platform import node

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.account.routes import AccountPages
from services.console.account.view import Account, Journal
from services.console.assets import Assets
from services.console.brand import brand_from
from services.console.demo.routes import DemoPages
from services.console.held import held_router
from services.console.landing import landing_router
from services.console.languages import choose_language
from services.console.links import Links
from services.console.touchpoint import WebTouchpoint
from services.console.voices import Voice, make_voices
from services.health import Health
from services.settings import Settings
from services.sync.feed import WalletFeed

POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; "
    "object-src 'none'"
)


@dataclass(frozen=True, slots=True)
class Console:
    """The application and what a process must do beside serving it."""

    app: FastAPI
    account: AccountPages
    demo: DemoPages | None

    def close_streams(self) -> None:
        """End every live page's stream, so that a stopping server waits for nobody; pages reconnect by themselves."""
        self.account.rooms.close()
        if self.demo is not None:
            self.demo.rooms.close()


def create_console(settings: Settings, feed: WalletFeed, journal: Journal, touchpoint: WebTouchpoint) -> Console:
    """The console over a feed that its caller opens and closes; UnreadableColour for a brand nobody can read."""
    assets = Assets(brand_from(settings.brand_color))
    voices = make_voices(settings, assets)
    links = Links.of(settings)
    app = FastAPI(title="Unisono console", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guarded)
    _explain_refusals(app, voices)
    app.router.routes.append(assets.route())
    app.router.routes.extend(console_health(feed).routes())
    secure = (settings.console_url or "").startswith("https://")
    account = AccountPages.over(Account(feed, journal, voices), links, secure=secure)
    app.include_router(account.router())
    app.include_router(held_router(feed, touchpoint.applied))
    demo = None
    if settings.demo_page if settings.demo_page is not None else settings.loopback:
        demo = DemoPages.over(settings, feed, touchpoint, voices)
        app.include_router(demo.router())
    app.include_router(landing_router(settings, feed, voices, has_demo=demo is not None))
    return Console(app, account, demo)


def console_health(feed: WalletFeed) -> Health:
    """Ready once the wallets are complete and Kafka answers; without the database only histories are missing."""

    async def wallets_complete() -> bool:
        return feed.is_caught_up

    async def kafka_answers() -> bool:
        return feed.connected

    return Health("console", {"wallets": wallets_complete, "kafka": kafka_answers})


def touchpoint_for(settings: Settings, feed: WalletFeed) -> WebTouchpoint:
    """This process as a touchpoint, named by its port, and by its machine where others may serve the same pages."""
    name = f"web-{settings.console_port}"
    if not settings.loopback:
        name = f"web-{node()}-{settings.console_port}"[:128]
    return WebTouchpoint(feed, name, version("unisono"))


class Guarded:
    """Every answer carries the strict policy: nothing is loaded but from here, nobody frames us, nothing is kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers added."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = POLICY
                headers["x-content-type-options"] = "nosniff"
                headers["referrer-policy"] = "no-referrer"
                headers["cross-origin-opener-policy"] = "same-origin"
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, guarded)


def _explain_refusals(app: FastAPI, voices: Mapping[str, Voice]) -> None:
    """What cannot be served is explained in the reader's language; programs get one line."""

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse(str(error.detail), error.status_code, error.headers)
        voice = voices[choose_language(request.query_params.get("lang"), request.headers.get("accept-language"))]
        if error.status_code == 404:
            title = voice.said("There is nothing at this address")
            next_step = voice.said("Check the address, or begin at the first page.")
        else:
            title, next_step = voice.said("This cannot be shown"), str(error.detail)
        return HTMLResponse(voice.page("refused.html", title=title, next_step=next_step), error.status_code)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        fields = ", ".join(sorted({str(found["loc"][-1]) for found in error.errors()}))
        return await refused(request, HTTPException(422, f"not valid: {fields}"))
