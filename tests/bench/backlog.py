"""B2: how fast one worker drains a backlog, whole path, and the memory it takes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from services.clock import monotonic
from services.embedded.stack import Stack
from services.store.books import Books
from tests.bench.load import send_backlog
from tests.bench.measure import Row

EVENTS = 50_000
DRAINED_WITHIN_S = 600
WORKER = (sys.executable, "-m", "services.cli.main", "worker")


async def backlog(
    stack: Stack, *, events: int = EVENTS, worker: Sequence[str] = WORKER
) -> tuple[list[Row], dict[str, object]]:
    """The stack has no worker of its own; one is started here once the backlog is on Kafka."""
    async with Books.open(stack.settings.dsn) as books:
        before = await _applied(books)
        await send_backlog(stack.settings.brokers, events)
        async with _worker(stack, worker) as process:
            drained, seconds, rss = await _drain(books, before, events, process)
    rate, memory = drained / seconds, rss / 1e6
    rows = [
        Row("B2", f"backlog of {events:,} drained by one worker", f"{rate:,.0f} events/s", "≥ 5,000/s", rate >= 5000),
        Row("B2", "its memory at most", f"{memory:.0f} MB", "< 200 MB", memory < 200),
    ]
    return rows, {"events": events, "events_per_s": round(rate), "rss_mb_max": round(memory)}


async def _drain(books: Books, before: int, events: int, process: psutil.Process) -> tuple[int, float, int]:
    """(events, seconds, memory at most) from the first committed batch to the last published record."""
    rss = applied = 0
    started_at, started_with = 0.0, 0
    stop_at = monotonic() + DRAINED_WITHIN_S
    while monotonic() < stop_at:
        applied = await _applied(books) - before
        rss = max(rss, process.memory_info().rss)
        if applied and not started_at:
            started_at, started_with = monotonic(), applied
        if applied >= events and not (await books.outbox()).depth:
            return events - started_with, monotonic() - started_at, rss
        await asyncio.sleep(0.05)
    raise TimeoutError(f"{applied} of {events} applied")


async def _applied(books: Books) -> int:
    return sum(cursor.next_offset for cursor in await books.cursors())


@asynccontextmanager
async def _worker(stack: Stack, command: Sequence[str]) -> AsyncIterator[psutil.Process]:
    log_file = Path(stack.home) / "logs" / "bench-worker.log"
    with log_file.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=output, stderr=output, env={**os.environ, **stack.settings.environment()}
        )
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), 30)
