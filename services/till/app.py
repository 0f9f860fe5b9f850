"""The till's own HTTP: what its replica holds, with the gateway or without it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, FastAPI, Path, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from schemas.envelope import JSON
from schemas.values import rfc3339
from services.health import Health
from services.problems import Problem, install
from services.settings import Settings
from services.sync.applied import NDJSON, applied_router
from services.sync.sse import EventStream, last_event_id, message
from services.till.pages import ROOM, Pages, pages_router
from services.till.replica import HeldWallet
from services.till.till import Seen, Till

MemberPath = Annotated[str, Path(min_length=1, max_length=128)]


def create_app(till: Till, settings: Settings) -> FastAPI:
    """The application over a till; whoever made the till closes it."""
    app = FastAPI(title="Unisono till", version=version("unisono"), docs_url=None, redoc_url=None)
    install(app)
    app.include_router(applied_router(till.applied))
    app.include_router(_wallets(till))
    app.include_router(pages_router(till, Pages(till, ZoneInfo(settings.timezone))))
    app.router.routes.extend(till_health(till).routes())
    app.mount("/static", StaticFiles(directory=ROOM / "static"))
    return app


def till_health(till: Till) -> Health:
    """Ready once it holds a replica: from then on it sells, with the gateway or without."""

    async def replica() -> bool:
        return till.replica.epoch is not None

    return Health("till", {"replica": replica})


def _wallets(till: Till) -> APIRouter:
    router = APIRouter(tags=["wallets"])

    @router.get("/v1/held", summary="Every wallet this till holds, one line of JSON each: member_id, version, record")
    async def wallets_held() -> Response:
        lines = (
            orjson.dumps(
                {"member_id": held.member_id, "version": held.version, "record": orjson.Fragment(held.record)},
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for held in till.replica.wallets()
        )
        return Response(b"".join(lines), media_type=NDJSON, headers={"cache-control": "no-store"})

    @router.get("/v1/members/{member_id:path}/wallet", summary="A member's wallet as this till holds it")
    async def wallet(member_id: MemberPath) -> Response:
        held = till.replica.wallet(member_id)
        if held is None:
            raise Problem("member-not-found", f"this till holds no wallet of member {member_id!r}")
        headers = {"etag": f'"{held.version}"', "cache-control": "no-store"}
        return Response(held.record, headers=headers, media_type=JSON)

    @router.get("/v1/members/{member_id:path}/wallet/stream", summary="The same, live, with when it was applied")
    async def stream(member_id: MemberPath, request: Request) -> Response:
        seen = last_event_id(request) or ""
        after = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 19 else 0
        return EventStream(till.view(member_id, after), _messages, name="till_wallet")

    return router


def _messages(seen: Seen) -> bytes:
    told = b""
    if seen.status is not None:
        told += message(orjson.dumps({"status": seen.status}), event="link")
    if seen.wallet is not None:
        told += message(_applied(seen.wallet), event="applied")
        told += message(seen.wallet.record, event="wallet", event_id=str(seen.wallet.version))
    elif seen.gone:
        told += message(b"{}", event="erased")
    return told


def _applied(held: HeldWallet) -> bytes:
    return orjson.dumps(
        {
            "member_id": held.member_id,
            "version": held.version,
            "occurred_at": rfc3339(held.occurred_at),
            "recorded_at": rfc3339(held.recorded_at),
            "applied_at": rfc3339(held.applied_at),
        }
    )
