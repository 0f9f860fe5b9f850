"""The three panes' clients: the app and the till over HTTP as anybody would, the web account by its own feed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import quote

import httpx
import orjson
import structlog
from httpx_sse import ServerSentEvent, SSEError, aconnect_sse

from schemas.envelope import EnvelopeError, parse_time
from schemas.wallet import WalletRecord
from services.clock import utc_now
from services.console.demo.figures import Figures
from services.sync.backoff import Backoff

log = structlog.get_logger(__name__)

SILENCE_MAX_S = 20.0
"""Every stream has a heartbeat of 15 s; longer silence means it is gone."""
_TIMEOUT = httpx.Timeout(5.0, read=SILENCE_MAX_S)
_BROKEN = (httpx.HTTPError, SSEError, OSError, ValueError)

State = Literal["absent", "connecting", "live", "away"]


@dataclass(slots=True)
class Pane:
    """What one touchpoint shows now, and since when."""

    name: str
    state: State = "connecting"
    since: datetime | None = None
    record: WalletRecord | None = None
    milliseconds: float | None = None
    """Propagation of the version shown; None for what was old when the pane was opened."""

    def turn(self, state: State) -> None:
        """Enter a state, remembering when."""
        if state != self.state:
            self.state, self.since = state, utc_now()

    def take(self, record: WalletRecord, applied_at: datetime, figures: Figures, *, old: bool) -> None:
        """Show a newer version; `old` ones are not measured."""
        if self.record is not None and record.version <= self.record.version:
            return
        self.record = record
        self.milliseconds = None
        if not old:
            self.milliseconds = max(0.0, (applied_at - record.occurred_at).total_seconds() * 1000)
            figures.arrived(self.name, record.version, record.occurred_at, applied_at)


async def follow(pane: Pane, url: str, member_id: str, figures: Figures, changed: Callable[[], None]) -> None:
    """Keep the pane on the member's stream of a gateway or a till, reconnecting, until cancelled.

    A till says when it applied each version; an app applies it when it has read it.
    """
    address = f"{url.rstrip('/')}/v1/members/{quote(member_id, safe='')}/wallet/stream"
    backoff = Backoff(first_s=0.3, most_s=3.0)
    async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as client:
        while True:
            try:
                await _listen(client, address, pane, figures, changed, backoff)
            except _BROKEN as error:
                log.info("demo_pane_lost", pane=pane.name, error=repr(error))
            pane.turn("away")
            changed()
            await asyncio.sleep(backoff.next_s())


async def _listen(
    client: httpx.AsyncClient,
    address: str,
    pane: Pane,
    figures: Figures,
    changed: Callable[[], None],
    backoff: Backoff,
) -> None:
    connected_at = utc_now()
    applied: dict[int, datetime] = {}
    async with aconnect_sse(client, "GET", address) as source:
        source.response.raise_for_status()
        async with aclosing(source.aiter_sse()) as events:
            async for event in events:
                if event.event == "applied":
                    applied = _told_applied(event.data)
                    continue
                if event.event == "wallet":
                    record = WalletRecord.model_validate_json(event.data)
                    applied_at = applied.get(record.version) or utc_now()
                    # The whole wallet comes at once on connecting: it was committed before, and says nothing of speed.
                    old = min(record.as_of, applied_at) < connected_at
                    pane.take(record, applied_at, figures, old=old)
                elif event.event == "erased":
                    pane.record = pane.milliseconds = None
                pane.turn(_state(event, pane.state))
                backoff.reset()
                changed()


def _state(event: ServerSentEvent, state: State) -> State:
    """A till that lost the gateway says so, and still shows what it holds; whatever else is said, the stream lives."""
    if event.event == "link":
        return "live" if orjson.loads(event.data)["status"] == "live" else "away"
    return "live" if state == "connecting" or event.event == "wallet" else state


def _told_applied(data: str) -> dict[int, datetime]:
    """The version that a till is about to show, and since when it does; ValueError for anything else."""
    body = orjson.loads(data)
    try:
        return {body["version"]: parse_time(body["applied_at"])}
    except (KeyError, TypeError, EnvelopeError) as error:
        raise ValueError(f"not an applied event: {error}") from None
