"""The touchpoints as the demo meets them: by their own HTTP doors, like any client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import httpx
import orjson
from httpx_sse import aconnect_sse

from schemas.api.sync import Applied
from schemas.envelope import STRUCTURED, CloudEvent, to_structured
from schemas.wallet import WalletRecord
from services.clock import utc_now

POLL_S = 0.2
_AT_ONCE = 16
"""Wallets asked of the gateway at the same time."""


@dataclass(slots=True)
class Touchpoint:
    """A till or the web account: what it noted down so far (`applied`), and what it holds."""

    name: str
    kind: Literal["till", "web"]
    url: str
    client: httpx.AsyncClient
    applied: list[Applied] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    _next_index: int = 0

    async def poll(self) -> None:
        """Read on in its log of applied versions; its own clock says when each was applied."""
        response = await self.client.get(f"{self.url}/v1/applied", params={"since": self._next_index})
        response.raise_for_status()
        for line in response.content.splitlines():
            noted = orjson.loads(line)
            self._next_index = noted["index"] + 1
            row = Applied.model_validate_json(line)
            self.applied.append(row)
            self.versions[row.member_id] = max(row.version, self.versions.get(row.member_id, 0))

    async def held(self) -> dict[str, bytes]:
        """Every wallet it holds now, by member id."""
        response = await self.client.get(f"{self.url}/v1/held")
        response.raise_for_status()
        return {line["member_id"]: orjson.dumps(line["record"]) for line in map(orjson.loads, response.iter_lines())}


@asynccontextmanager
async def followed(touchpoints: Iterable[Touchpoint]) -> AsyncIterator[None]:
    """Their logs are read on while this is entered."""

    async def follow(touchpoint: Touchpoint) -> None:
        while True:
            await touchpoint.poll()
            await asyncio.sleep(POLL_S)

    async with _beside(*(follow(touchpoint) for touchpoint in touchpoints)):
        yield


@asynccontextmanager
async def _beside(*endless: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """These run while this is entered; what one of them raised is raised on leaving."""
    tasks = [asyncio.create_task(one) for one in endless]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome


@dataclass(frozen=True, slots=True)
class Shown:
    """A wallet as the app showed it, and when it was there."""

    wallet: WalletRecord
    applied_at: datetime


class App:
    """One member's phone: it sends events and has the member's wallet open, both through the gateway."""

    def __init__(self, gateway_url: str, member_id: str, client: httpx.AsyncClient) -> None:
        self.member_id = member_id
        self.shown: list[Shown] = []
        self._gateway_url = gateway_url
        self._client = client
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The wallet is on the screen while this is entered, the first one already loaded."""
        loaded = asyncio.Event()
        async with _beside(self._watch(loaded)):
            async with asyncio.timeout(10):
                await loaded.wait()
            yield

    async def _watch(self, loaded: asyncio.Event) -> None:
        url = f"{self._gateway_url}/v1/members/{self.member_id}/wallet/stream"
        async with aconnect_sse(self._client, "GET", url, timeout=httpx.Timeout(5, read=None)) as source:
            source.response.raise_for_status()
            loaded.set()
            async for message in source.aiter_sse():
                now = utc_now()
                if message.event == "heartbeat" or not message.data:
                    continue
                data = orjson.loads(message.data)
                if "coupons" not in data:
                    continue
                async with self._changed:
                    self.shown.append(Shown(WalletRecord.model_validate_json(message.data), now))
                    self._changed.notify_all()

    async def coupon(self, coupon_id: str, *, seconds: float) -> Shown:
        """The first screen that showed the coupon. Raises TimeoutError."""
        async with asyncio.timeout(seconds), self._changed:
            while True:
                for shown in self.shown:
                    if any(coupon.coupon_id == coupon_id for coupon in shown.wallet.coupons):
                        return shown
                await self._changed.wait()

    async def send(self, event: CloudEvent) -> None:
        """Post the event as the app does; raises httpx.HTTPStatusError when the gateway refuses it."""
        response = await self._client.post(
            f"{self._gateway_url}/v1/events", content=to_structured(event), headers={"content-type": STRUCTURED}
        )
        response.raise_for_status()


async def wallets_of_app(gateway_url: str, member_ids: Iterable[str], client: httpx.AsyncClient) -> dict[str, bytes]:
    """Every member's wallet as the app gets it from the gateway."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def wallet(member_id: str) -> tuple[str, bytes] | None:
        async with gate:
            response = await client.get(f"{gateway_url}/v1/members/{member_id}/wallet")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        response.raise_for_status()
        return member_id, orjson.dumps(orjson.loads(response.content))

    found = await asyncio.gather(*(wallet(member_id) for member_id in member_ids))
    return dict(pair for pair in found if pair is not None)
