"""Store sync: everything once, then what changed, then live; and the tills' own word on what they applied.

In this first slice every store is sent every member; a later one sends a store the members it sees.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from functools import lru_cache
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from schemas.api.sync import Checkpoint, TouchpointReport
from schemas.values import rfc3339
from services.clock import monotonic, utc_now
from services.gateway.deps import Deps, Feed
from services.gateway.tokens import SyncToken, accept, decode
from services.problems import Problem, unavailable
from services.store.faults import TRANSIENT
from services.sync.applied import NDJSON
from services.sync.feed import AllSubscription, WalletFeed
from services.sync.index import FeedWallet
from services.sync.sse import EventStream, heartbeat, last_event_id, message

router = APIRouter(tags=["store sync"])
StorePath = Annotated[str, Path(min_length=1, max_length=128, description="The store's id")]

CHANGES_MAX = 10_000
HEARTBEAT_S = 5.0
"""A till must know within seconds that it is alone."""
_CHUNK_ROWS = 200
_RENEW_S = 3600.0
_NDJSON_ANSWER = {
    "description": "One schemas.api.sync.WalletRow a line, then one Checkpoint",
    "content": {NDJSON: {"schema": {"type": "string"}}},
}
_EXPIRED = {"description": "The token is too old or of another log: take a new snapshot"}


@router.get(
    "/v1/stores/{store_id:path}/sync/snapshot",
    summary="Everything a store's replica holds",
    response_class=Response,
    responses={200: _NDJSON_ANSWER},
)
async def snapshot(store_id: StorePath, feed: Feed) -> Response:  # noqa: ARG001 - the scope of a store comes later
    """All rows, then a checkpoint. Without the checkpoint at its end an answer is not whole: take it again."""
    # Positions first: what changes while the rows are being sent is sent again from there.
    positions, wallets = feed.positions, feed.wallets()
    trailer = checkpoint(feed, positions, len(wallets))
    return StreamingResponse(_lines(wallets, trailer), media_type=NDJSON, headers={"cache-control": "no-store"})


@router.get(
    "/v1/stores/{store_id:path}/sync/changes",
    summary="What changed since a token",
    response_class=Response,
    responses={200: _NDJSON_ANSWER, 410: _EXPIRED},
)
async def changes(
    store_id: StorePath,  # noqa: ARG001 - the scope of a store comes later
    feed: Feed,
    since: Annotated[str, Query(description="The token of the last checkpoint")],
    limit: Annotated[int, Query(ge=1, le=CHANGES_MAX)] = 1000,
) -> Response:
    """Each member that changed, once and newest, then a checkpoint; `more` says that the next page is there already."""
    rows, reached = feed.changes_since(_positions(feed, since), limit)
    trailer = checkpoint(feed, reached, len(rows), more=reached != feed.positions)
    body = b"".join(row(wallet) + b"\n" for wallet in rows) + trailer + b"\n"
    return Response(body, media_type=NDJSON, headers={"cache-control": "no-store"})


@router.get(
    "/v1/stores/{store_id:path}/sync/stream",
    summary="What changes, live",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events: `change` (a WalletRow), `checkpoint` (id = token), `heartbeat`",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        410: _EXPIRED,
    },
)
async def stream(
    store_id: StorePath,  # noqa: ARG001 - the scope of a store comes later
    request: Request,
    feed: Feed,
    since: Annotated[str | None, Query(description="A token, where Last-Event-ID cannot be sent")] = None,
) -> Response:
    """Changes since the token in `Last-Event-ID` (without one: everything), then live.

    Only checkpoints carry an id: apply what came before one together with its token, and nothing is lost or half seen.
    """
    token = last_event_id(request) or since
    positions = None if token is None else _positions(feed, token)
    subscription = feed.subscribe_all(positions)
    teller = _Teller(feed, subscription)
    return EventStream(subscription, teller.changes, name="store", heartbeat_s=HEARTBEAT_S, beat=teller.beat)


@router.post(
    "/v1/stores/{store_id:path}/sync/ack",
    status_code=204,
    summary="A till reports what it applied",
    responses={503: {"description": "The report could not be kept; the next one will do"}},
)
async def ack(store_id: StorePath, report: TouchpointReport, deps: Deps) -> Response:
    """Kept as the touchpoint's newest report; lag and freshness are told from it."""
    if report.store_id != store_id:
        fault = {"pointer": "/store_id", "detail": f"the report is of store {report.store_id!r}, sent as {store_id!r}"}
        raise Problem("invalid-request", fault["detail"], errors=[fault])
    if deps.books.books is None:
        raise unavailable("the database has not been reached yet")
    try:
        await deps.books.books.report(report)
    except TRANSIENT as error:
        raise unavailable("the report could not be kept") from error
    return Response(status_code=204)


def row(wallet: FeedWallet) -> bytes:
    """A schemas.api.sync.WalletRow, around the record's own bytes."""
    fields: dict[str, object] = {
        "seq": wallet.offset,
        "op": "del" if wallet.record is None else "put",
        "kind": "wallet",
        "key": wallet.member_id,
        "version": wallet.version,
        "occurred_at": rfc3339(wallet.occurred_at),
        "recorded_at": rfc3339(wallet.recorded_at),
    }
    if wallet.record is not None:
        fields["value"] = orjson.Fragment(wallet.record)
    return orjson.dumps(fields)


def checkpoint(feed: WalletFeed, positions: Sequence[int], count: int, *, more: bool = False) -> bytes:
    """The line that closes rows read up to these positions."""
    token = SyncToken(feed.epoch, tuple(positions), utc_now()).encode()
    return Checkpoint(token=token, epoch=feed.epoch, count=count, more=more).model_dump_json().encode()


def _positions(feed: WalletFeed, text: str) -> tuple[int, ...]:
    token = decode(text)
    accept(token, epoch=feed.epoch, positions=feed.positions, now=utc_now())
    return token.positions


class _Teller:
    """Says to one store what changed; in silence renews its token, so that it does not age while nothing happens."""

    def __init__(self, feed: WalletFeed, subscription: AllSubscription) -> None:
        self._feed = feed
        self._subscription = subscription
        self._renewed_at = monotonic()

    def changes(self, wallets: list[FeedWallet]) -> bytes:
        """A page of changes, closed by its checkpoint."""
        return b"".join([*map(change_message, wallets), self._checkpoint(len(wallets))])

    def beat(self) -> bytes:
        """A heartbeat, now and then with a newer token."""
        if self._subscription.positions is None or monotonic() - self._renewed_at < _RENEW_S:
            return heartbeat()
        return heartbeat() + self._checkpoint(0)

    def _checkpoint(self, count: int) -> bytes:
        self._renewed_at = monotonic()
        positions = self._subscription.positions or self._feed.positions
        token = SyncToken(self._feed.epoch, tuple(positions), utc_now()).encode()
        closing = Checkpoint(token=token, epoch=self._feed.epoch, count=count, more=positions != self._feed.positions)
        return message(closing.model_dump_json().encode(), event="checkpoint", event_id=token)


@lru_cache(maxsize=2048)
def change_message(wallet: FeedWallet) -> bytes:
    """The message of one change; rendered once, the same bytes for every store."""
    return message(row(wallet), event="change")


async def _lines(wallets: Iterable[FeedWallet], trailer: bytes) -> AsyncIterator[bytes]:
    chunk: list[bytes] = []
    for wallet in wallets:
        chunk.append(row(wallet))
        if len(chunk) == _CHUNK_ROWS:
            yield b"\n".join(chunk) + b"\n"
            chunk.clear()
    yield b"\n".join([*chunk, trailer]) + b"\n"
