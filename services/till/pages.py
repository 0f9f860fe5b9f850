"""What the cashier sees: one member's usable coupons, points and what to say, rendered here and live in the browser."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from schemas.wallet import WalletCoupon, WalletOffer, WalletRecord
from services.clock import utc_now
from services.sync.sse import EventStream, message
from services.till.replica import HeldWallet
from services.till.till import Seen, Till
from services.till.words import LANGUAGES, Words, chosen
from services.words import holdings

ROOM = Path(__file__).parent
POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; "
    "object-src 'none'"
)
_PILL_EVERY_S = 5.0
_RECENT = 8


class Pages:
    """Renders the till's pages and their fragments."""

    def __init__(self, till: Till, zone: ZoneInfo) -> None:
        self._till = till
        self._zone = zone
        self._templates = Environment(
            loader=FileSystemLoader(ROOM / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    def words(self, request: Request) -> Words:
        """The words in the language of the address, else of the browser."""
        asked = request.query_params.get("lang", "")
        known = [language for language in LANGUAGES if language == asked]
        return Words(known[0] if known else chosen(request.headers.get("accept-language", "")), self._zone)

    def page(self, template: str, words: Words, **parts: Any) -> Response:
        """A whole page."""
        html = self._render(template, words, **parts)
        headers = {
            "content-security-policy": POLICY,
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
        }
        return HTMLResponse(html, headers=headers)

    def card(self, words: Words, member_id: str, held: HeldWallet | None) -> str:
        """The fragment of one member's wallet."""
        return self._render("card.html", words, **card_parts(held, member_id, self._till.store_id, utc_now()))

    def pill(self, words: Words) -> str:
        """The fragment that says how the till stands with the gateway."""
        return self._render("pill.html", words)

    def _render(self, template: str, words: Words, **parts: Any) -> str:
        link = self._till.link
        return self._templates.get_template(template).render(
            words=words,
            say=words.say,
            till=self._till,
            status=link.status(utc_now()),
            link=link,
            quote=_quoted,
            **parts,
        )


def card_parts(held: HeldWallet | None, member_id: str, store_id: str, now: datetime) -> dict[str, Any]:
    """What the card shows at a moment: coupons usable here and now by expiry, open goals by what is missing."""
    if held is None:
        return {"member_id": member_id, "wallet": None, "coupons": [], "goals": []}
    wallet = WalletRecord.model_validate_json(held.record)
    goals = (goal for goal in holdings.goals(wallet) if _open(goal, now))
    coupons = (c for c in wallet.coupons if _usable(c, store_id, now))
    return {
        "member_id": member_id,
        "wallet": wallet,
        "points": wallet.points.get("base"),
        "coupons": sorted(coupons, key=lambda c: (c.valid_until, c.coupon_id)),
        "goals": sorted(goals, key=lambda o: (o.target - o.progress, o.offer_id)),
        "applied_at": held.applied_at,
    }


def _usable(coupon: WalletCoupon, store_id: str, now: datetime) -> bool:
    here = "pos" in (coupon.channels or ("pos",)) and store_id in (coupon.stores or (store_id,))
    return here and coupon.status == "issued" and coupon.valid_from <= now < coupon.valid_until


def _open(offer: WalletOffer, now: datetime) -> bool:
    return offer.progress < offer.target and (offer.valid_until is None or now < offer.valid_until)


def _quoted(member_id: str) -> str:
    return quote(member_id, safe="")


def pages_router(till: Till, pages: Pages) -> APIRouter:
    """`/`, `/members/{id}` and the stream that keeps it current."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def board(request: Request) -> Response:
        words = pages.words(request)
        members, _ = till.replica.totals()
        return pages.page("board.html", words, members=members, recent=till.replica.newest(_RECENT))

    @router.get("/find")
    async def find(request: Request, member: Annotated[str, Query(min_length=1, max_length=128)]) -> Response:
        lang = pages.words(request).language
        return RedirectResponse(f"/members/{_quoted(member.strip())}?lang={lang}", status_code=303)

    @router.get("/members/{member_id:path}/live")
    async def live(request: Request, member_id: str) -> Response:
        return _stream(till, pages, pages.words(request), member_id)

    @router.get("/members/{member_id:path}")
    async def member(request: Request, member_id: str) -> Response:
        words = pages.words(request)
        held = till.replica.wallet(member_id)
        return pages.page("member.html", words, **card_parts(held, member_id, till.store_id, utc_now()))

    @router.get("/live")
    async def board_live(request: Request) -> Response:
        return _stream(till, pages, pages.words(request), "")

    return router


def _stream(till: Till, pages: Pages, words: Words, member_id: str) -> Response:
    def pill() -> bytes:
        return message(pages.pill(words).encode(), event="pill")

    def told(seen: Seen) -> bytes:
        card = b""
        if seen.wallet is not None or seen.gone:
            card = message(pages.card(words, member_id, seen.wallet).encode(), event="card")
        return card + (pill() if seen.status is not None else b"")

    return EventStream(till.view(member_id), told, name="till_page", heartbeat_s=_PILL_EVERY_S, beat=pill)
