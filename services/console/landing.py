"""The first page: what there is to see here, and nothing that is not there."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console.account.routes import Accepted, Lang
from services.console.languages import choose_language
from services.console.voices import Voice
from services.settings import Settings
from services.sync.feed import WalletFeed
from services.sync.index import FeedWallet

_SUGGESTED = 6


def landing_router(settings: Settings, feed: WalletFeed, voices: Mapping[str, Voice], *, has_demo: bool) -> APIRouter:
    """`/`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def landing(lang: Lang = None, accept_language: Accepted = None) -> Response:
        voice = voices[choose_language(lang, accept_language)]
        wallets = feed.wallets() if has_demo else []
        html = voice.page(
            "landing.html",
            has_demo=has_demo,
            count=feed.members,
            members=voice.formats.number(feed.members),
            suggested=[wallet.member_id for wallet in sorted(wallets, key=_liveliest)[:_SUGGESTED]],
            gateway_url=settings.gateway_url if settings.loopback else None,  # elsewhere an inner address
        )
        return HTMLResponse(html)

    return router


def _liveliest(wallet: FeedWallet) -> tuple[int, str]:
    return (-wallet.version, wallet.member_id)
