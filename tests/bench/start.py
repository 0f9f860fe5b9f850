"""B9: from `unisono up` in an empty folder to the first wallet served, everything downloaded before."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

import httpx

from schemas.envelope import STRUCTURED, to_structured
from services.adapters.stamping import stamped
from services.clock import monotonic, utc_now
from services.embedded.ports import free_port
from services.ids import uuid7
from tests.bench.load import real_events
from tests.bench.measure import Row

ROUNDS = 3
UP_WITHIN_S = 60


async def start() -> tuple[list[Row], dict[str, object]]:
    """Cold starts, and warm ones on the data that a cold one left."""
    cold, warm = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="unisono-bench-") as folder:
            cold.append(await _up(Path(folder)))
            warm.append(await _up(Path(folder)))
    rows = [
        Row("B9", "cold start to the first wallet served", f"{median(cold):.1f} s", "< 10 s", median(cold) < 10),
        Row("B9", "the same on data that is there", f"{median(warm):.1f} s"),
    ]
    return rows, {"cold_s": [round(s, 2) for s in cold], "warm_s": [round(s, 2) for s in warm]}


async def _up(home: Path) -> float:
    port = free_port(set())
    own = {"UNISONO_HOME": str(home), "UNISONO_GATEWAY_PORT": str(port), "UNISONO_CONSOLE_PORT": "0"}
    event = replace(real_events()[0], id=uuid7())
    began = monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli.main", "up"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **own},
    )
    try:
        async with asyncio.timeout(UP_WITHIN_S), httpx.AsyncClient(trust_env=False, timeout=5) as client:
            await _served(client, f"http://127.0.0.1:{port}", event)
        return monotonic() - began
    finally:
        process.terminate()
        await process.wait()


async def _served(client: httpx.AsyncClient, gateway: str, event) -> None:
    """The event was taken and the gateway shows the wallet that it made, this event among its causes."""
    sent = False
    while True:
        try:
            if not sent:
                told = to_structured(stamped(event, utc_now()))
                answer = await client.post(f"{gateway}/v1/events", content=told, headers={"content-type": STRUCTURED})
                sent = answer.status_code == 202
            if sent:
                wallet = await client.get(f"{gateway}/v1/members/{event.subject}/wallet")
                if wallet.is_success and any(cause.endswith(event.id) for cause in wallet.json()["caused_by"]):
                    return
        except httpx.HTTPError:
            pass
        await asyncio.sleep(0.02)
