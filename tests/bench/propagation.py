"""B1: from the event to a reader of the wallets, a till and the web account, beside a relay with no logic."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

import httpx
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.envelope import parse_time
from schemas.topics import WALLETS
from services.clock import monotonic, utc_now
from services.demo.figures import Spread, skew, spread
from services.demo.touchpoints import Touchpoint
from services.embedded.stack import Stack
from services.ids import uuid7
from tests.bench.load import send_steadily, some
from tests.bench.measure import Row, as_json, delays, middle

ROUND_S = 8
ROUNDS = 3
WARM_UP_S = 6
RATES = (200, 1000)
SETTLED_WITHIN_S = 60
Sighting = tuple[str, datetime, datetime]


@dataclass
class Figures:
    """Spreads by name of each round at one rate."""

    rounds: dict[str, list[Spread]] = field(default_factory=dict)

    def add(self, name: str, measured: Spread) -> None:
        self.rounds.setdefault(name, []).append(measured)

    def middle(self) -> dict[str, Spread]:
        return {name: middle(spreads) for name, spreads in self.rounds.items()}


async def propagation(
    stack: Stack, *, rounds: int = ROUNDS, rates: Sequence[int] = RATES
) -> tuple[list[Row], dict[str, object]]:
    """Alternating rounds of both on the same broker; the rows of the table and the JSON."""
    brokers = stack.settings.brokers
    figures = {rate: Figures() for rate in rates}
    async with _relay(brokers) as (source, target), httpx.AsyncClient(trust_env=False, timeout=20) as client:
        for rate in rates:
            await _relay_round(brokers, source, target, rate, WARM_UP_S)
            await _stack_round(stack, client, rate, WARM_UP_S)
        for _ in range(rounds):
            for rate in rates:
                figures[rate].add("relay", await _relay_round(brokers, source, target, rate, ROUND_S))
                for name, measured in (await _stack_round(stack, client, rate, ROUND_S)).items():
                    figures[rate].add(name, measured)
    middles = {rate: figures[rate].middle() for rate in rates}
    rows = [row for rate in rates for row in _rows(rate, middles[rate])]
    return rows, {f"at_{rate}": as_json(middles[rate]) for rate in rates}


def _rows(rate: int, found: dict[str, Spread]) -> list[Row]:
    bench = f"B1 at {rate}/s"
    relay, reader = found["relay"], found["reader"]
    ratio = reader.p50 / relay.p50 if relay.p50 else 0.0
    most = 2.0 if rate == 200 else 3.0
    rows = [
        Row(bench, "relay with no logic", _ms(relay)),
        Row(bench, "reader of the wallets", _ms(reader)),
        Row(bench, "its p50 / the relay's", f"{ratio:.1f}×", f"≤ {most:.0f}×", ratio <= most),
    ]
    for name in ("till", "web"):
        more = found[name].p50 - reader.p50
        rows.append(Row(bench, name, _ms(found[name])))
        rows.append(Row(bench, "its p50 after the reader's", f"{more:.1f} ms", "≤ 5 ms", more <= 5))
    rows.append(Row(bench, "skew of till and web", _ms(found["skew"]), "p99 ≤ 5 ms", found["skew"].p99 <= 5))
    return rows


def _ms(measured: Spread) -> str:
    return f"{measured.p50:.1f} / {measured.p95:.1f} / {measured.p99:.1f} ms"


@asynccontextmanager
async def _relay(brokers: str) -> AsyncIterator[tuple[str, str]]:
    source, target = f"bench.in.{uuid7()}", f"bench.out.{uuid7()}"
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(source, 4, 1), NewTopic(target, 4, 1)])
    finally:
        await admin.close()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.relay_process", brokers, source, target),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"ready\n"
        yield source, target
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@asynccontextmanager
async def _reader(brokers: str, topic: str) -> AsyncIterator[list[Sighting]]:
    """What a reader of the topic sees from now on."""
    sightings: list[Sighting] = []
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=brokers, enable_auto_commit=False, auto_offset_reset="latest")
    await consumer.start()
    await consumer.seek_to_end()

    async def read() -> None:
        while True:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                now = utc_now()
                for record in records:
                    headers = dict(record.headers)
                    sightings.append((record.key.decode(), parse_time(headers["ce_time"].decode()), now))

    reading = asyncio.create_task(read())
    try:
        yield sightings
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await consumer.stop()


async def _relay_round(brokers: str, source: str, target: str, rate: int, seconds: float) -> Spread:
    async with _reader(brokers, target) as sightings:
        sent = await send_steadily(brokers, some(round(rate * seconds)), rate, topic=source)
        await _until(lambda: len(sightings) >= len(sent))
        return spread(delays(sent, sightings))


async def _stack_round(stack: Stack, client: httpx.AsyncClient, rate: int, seconds: float) -> dict[str, Spread]:
    brokers = stack.settings.brokers
    store, url = next(iter(stack.till_urls.items()))
    till = Touchpoint(f"till {store}", "till", url, client)
    web = Touchpoint("web account", "web", stack.console_url, client)
    for touchpoint in (till, web):
        await touchpoint.poll()
        touchpoint.applied.clear()
    began = utc_now()
    async with _reader(brokers, WALLETS) as sightings:
        sent = await send_steadily(brokers, some(round(rate * seconds)), rate)
        newest = {event.subject: event.time for event in sent}

        def all_seen(sights: Iterable[tuple[str, datetime]]) -> bool:
            last: dict[str, datetime] = {}
            for member, at in sights:  # a late event gives a newer version with an older time
                last[member] = max(at, last.get(member, at))
            return all(last.get(member or "", began) >= at for member, at in newest.items())

        await _until(lambda: all_seen((member, at) for member, at, _ in sightings))
        found = {"reader": spread(delays(sent, sightings))}
    for touchpoint in (till, web):
        stop_at = monotonic() + SETTLED_WITHIN_S
        while monotonic() < stop_at:
            await touchpoint.poll()
            if all_seen((row.member_id, row.occurred_at) for row in touchpoint.applied):
                break
            await asyncio.sleep(0.1)
        rows = ((row.member_id, row.occurred_at, row.applied_at) for row in touchpoint.applied)
        found[touchpoint.kind] = spread(delays(sent, rows))
    found["skew"] = spread(skew(web.applied, till.applied, began))
    return found


async def _until(condition) -> None:
    stop_at = monotonic() + SETTLED_WITHIN_S
    while not condition() and monotonic() < stop_at:
        await asyncio.sleep(0.05)
