"""Keeping the replica in step with the gateway: a snapshot, then the stream, again and again whatever breaks."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

import httpx
import structlog
from httpx_sse import aconnect_sse

from services.clock import monotonic, utc_now
from services.sync.backoff import Backoff
from services.till.replica import IncompleteSnapshot
from services.till.rows import Checkpoint, InvalidLine, Row, parse, split
from services.till.till import Till

log = structlog.get_logger(__name__)

_TIMEOUT = httpx.Timeout(connect=3, read=12, write=5, pool=5)
"""The gateway's stream has a heartbeat every 5 s: after 12 s of silence it is gone."""
_CHUNK_ROWS = 500
_REPORT_S = 1.0
_REPORT_ANYWAY_S = 5.0

_BROKEN = (httpx.HTTPError, httpx.StreamError, InvalidLine, IncompleteSnapshot)


class SyncRefused(Exception):
    """The gateway answered with something else than the stream."""


class TokenGone(Exception):
    """The gateway does not take the token: begin with a snapshot."""


def open_client(gateway_url: str) -> httpx.AsyncClient:
    """A client for one gateway; a proxy of the environment is not asked for an address on this machine."""
    return httpx.AsyncClient(
        base_url=gateway_url.rstrip("/"), timeout=_TIMEOUT, trust_env=not _on_this_machine(gateway_url)
    )


def _on_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def follow(till: Till, client: httpx.AsyncClient) -> None:
    """Runs until cancelled: the till heals from a lost network, a restarted gateway and a refused token by itself."""
    backoff = Backoff(first_s=0.2, most_s=5.0)
    while True:
        try:
            if till.replica.token is None:
                await take_snapshot(till, client)
                backoff.reset()
            await follow_stream(till, client, backoff)
        except TokenGone:
            log.warning("sync_token_refused", store=till.store_id)
            till.replica.forget_token()
        except (*_BROKEN, SyncRefused) as error:
            if till.link.down_since is None:
                log.warning("gateway_lost", error=repr(error))
            till.link.lost(utc_now())
        else:
            till.link.lost(utc_now())
        await asyncio.sleep(backoff.next_s())


async def take_snapshot(till: Till, client: httpx.AsyncClient) -> None:
    """Replace the replica by what the gateway has, in one step at the end."""
    till.replica.begin_snapshot()
    closing: Checkpoint | None = None
    pending: list[str] = []
    async with client.stream("GET", _address(till, "snapshot")) as answer:
        if answer.status_code != 200:
            raise SyncRefused(f"snapshot: {answer.status_code}")
        async for line in answer.aiter_lines():
            pending.append(line)
            if len(pending) == _CHUNK_ROWS:
                rows, closing = split(parse(one) for one in pending)
                till.replica.add_to_snapshot(rows)
                pending.clear()
    rows, last = split(parse(one) for one in pending)
    till.replica.add_to_snapshot(rows)
    closing = last or closing
    if closing is None:
        raise IncompleteSnapshot("the snapshot ended before its checkpoint")
    newer = till.finish_snapshot(closing)
    till.heard()
    log.info("snapshot_applied", members=closing.count, newer=newer)


async def follow_stream(till: Till, client: httpx.AsyncClient, backoff: Backoff) -> None:
    """Apply what changes until the gateway ends the stream.

    Raises TokenGone, SyncRefused, InvalidLine and what httpx raises.
    """
    token = till.replica.token
    assert token is not None
    rows: list[Row] = []
    headers = {"last-event-id": token}
    async with aconnect_sse(client, "GET", _address(till, "stream"), headers=headers) as source:
        status = source.response.status_code
        if status in (400, 410):
            raise TokenGone
        if status != 200:
            raise SyncRefused(f"stream: {status}")
        backoff.reset()
        log.info("gateway_followed", url=str(source.response.url))
        async for message in source.aiter_sse():
            till.heard()
            if message.event not in ("change", "checkpoint"):
                continue
            found = parse(message.data)
            if isinstance(found, Row):
                rows.append(found)
            elif isinstance(found, Checkpoint):
                till.apply(rows, found)
                rows = []


async def report(till: Till, client: httpx.AsyncClient) -> None:
    """Runs until cancelled: tells the gateway every second what changed, and every 5 s that the till is there."""
    last, sent_at = None, 0.0
    while True:
        await asyncio.sleep(_REPORT_S)
        newest = till.report()
        if newest == last and monotonic() - sent_at < _REPORT_ANYWAY_S:
            continue
        try:
            answer = await client.post(_address(till, "ack"), json=newest.model_dump(mode="json"))
        except httpx.HTTPError as error:
            log.debug("report_not_sent", error=repr(error))
            continue
        if answer.status_code == 204:
            last, sent_at = newest, monotonic()
        else:
            log.warning("report_refused", status=answer.status_code)


def _address(till: Till, what: str) -> str:
    return f"/v1/stores/{quote(till.store_id, safe='')}/sync/{what}"
