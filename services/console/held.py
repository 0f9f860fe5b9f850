"""What this touchpoint holds and applied, for the comparison of touchpoints: asked from the same machine only.

These answers name members, so they are no part of the public console: a caller from elsewhere, or one that came through
a proxy, is refused.
"""

from __future__ import annotations

from ipaddress import ip_address

import orjson
from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from schemas.envelope import JSON
from services.sync.applied import NDJSON, AppliedLog, applied_router
from services.sync.feed import WalletFeed

_PROXIED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def from_this_machine(request: Request) -> None:
    """Refuse with 403 whoever does not call from the machine itself."""
    caller = request.client.host if request.client else ""
    try:
        near = ip_address(caller).is_loopback
    except ValueError:
        near = False
    if not near or any(name in request.headers for name in _PROXIED):
        raise HTTPException(403, "this is answered to callers on the same machine only")


def held_router(feed: WalletFeed, applied: AppliedLog) -> APIRouter:
    """`/v1/applied?since=`, `/v1/held` (ndjson: member_id, version, record) and `/v1/held/{member_id}`."""
    router = APIRouter(dependencies=[Depends(from_this_machine)], include_in_schema=False)
    router.include_router(applied_router(applied))

    @router.get("/v1/held")
    async def held() -> Response:
        lines = [
            orjson.dumps(
                {"member_id": wallet.member_id, "version": wallet.version, "record": orjson.Fragment(wallet.record)},
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for wallet in feed.wallets()
            if wallet.record is not None
        ]
        return Response(b"".join(lines), media_type=NDJSON)

    @router.get("/v1/held/{member_id}")
    async def held_of(member_id: str) -> Response:
        wallet = feed.get(member_id)
        if wallet is None:
            raise HTTPException(404, "no wallet of this member is held")
        return Response(wallet.record, headers={"etag": f'"{wallet.version}"'}, media_type=JSON)

    return router
