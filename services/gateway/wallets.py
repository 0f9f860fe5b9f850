"""One member's wallet: read once, or followed live."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Request
from starlette.responses import Response

from schemas.envelope import JSON
from schemas.wallet import WalletRecord
from services.gateway.deps import Feed
from services.problems import Problem
from services.sync.index import FeedWallet
from services.sync.sse import EventStream, last_event_id, message

router = APIRouter(tags=["wallets"])
MemberPath = Annotated[str, Path(min_length=1, max_length=128, description="The member's id")]


@router.get(
    "/v1/members/{member_id:path}/wallet",
    summary="A member's wallet",
    response_model=WalletRecord,
    responses={
        304: {"description": "The version named in If-None-Match is still the newest"},
        404: {"description": "No wallet is held for this member"},
        503: {"description": "The wallets are still being read"},
    },
)
async def wallet(
    member_id: MemberPath,
    feed: Feed,
    if_none_match: Annotated[str | None, Header(description="The ETag of the last answer")] = None,
) -> Response:
    """The record as every touchpoint has it; its ETag is its version."""
    held = feed.get(member_id)
    if held is None:
        raise Problem("member-not-found", f"there is no wallet of member {member_id!r}")
    headers = {"etag": f'"{held.version}"', "cache-control": "no-store"}
    if if_none_match is not None and _names(if_none_match, held.version):
        return Response(status_code=304, headers=headers)
    return Response(held.record, headers=headers, media_type=JSON)


@router.get(
    "/v1/members/{member_id:path}/wallet/stream",
    summary="A member's wallet, live",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events: `wallet` (id: its version, data: the whole), `erased`, `heartbeat`",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def stream(member_id: MemberPath, request: Request, feed: Feed) -> Response:
    """The whole wallet on connecting, then each newer version; with `Last-Event-ID` only what is newer than that."""
    seen = last_event_id(request) or ""
    after = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 19 else 0
    return EventStream(feed.subscribe(member_id, after_version=after), wallet_message, name="wallet")


def wallet_message(wallet: FeedWallet) -> bytes:
    """The server-sent event of one wallet, or of its end."""
    if wallet.record is None:
        return message(b"{}", event="erased")
    return message(wallet.record, event="wallet", event_id=str(wallet.version))


def _names(if_none_match: str, version: int) -> bool:
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in if_none_match.split(",")]
    return "*" in tags or str(version) in tags
