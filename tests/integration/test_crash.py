"""P1: nothing lost, nothing twice, whatever is killed. Real Kafka, real PostgreSQL, kill -9 of the real processes."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.envelope import to_kafka
from schemas.topics import CHECKOUT, DEAD_LETTERS
from services.cli.setup import prepare
from services.embedded.stack import Stack
from services.settings import Settings
from tests.integration.conftest import Cluster, process, until
from tests.integration.oracle import PROMOTIONS
from tests.integration.stream import check, drained, make_orders, publish

WORKER = ("-m", "services.cli.main", "worker")
FAUST = ("-m", "faust", "-A", "streams.app", "worker", "--without-web")
DIES = ("-m", "tests.integration.worker_dies")


async def test_kill_9_of_the_worker_in_mid_stream_loses_and_doubles_nothing(cluster: Cluster) -> None:
    """Killed five times at random moments while orders, duplicates, late ones and broken ones stream in."""
    seed = random.Random(20261122)
    settings = await cluster(PROMOTIONS)
    orders = make_orders(seed)
    db = await asyncpg.connect(settings.dsn)
    sending = asyncio.ensure_future(publish(settings, seed, orders))
    for _ in range(5):
        async with process(settings, *WORKER, UNISONO_WORKER_ID="worker-1"):
            floor = await db.fetchval("SELECT count(*) FROM inbox") + seed.randrange(50, 500)

            async def enough(floor: int = floor) -> bool:
                return sending.done() or await db.fetchval("SELECT count(*) FROM inbox") >= floor

            await until(enough, f"{floor} events applied before the next kill")
    async with process(settings, *WORKER, UNISONO_WORKER_ID="worker-1"):
        broken = await sending
        await until(lambda: drained(settings, db), "everything applied and published")
    await check(settings, db, orders, broken)
    await db.close()


@pytest.mark.parametrize("step", ["send", "delete"])
async def test_kill_9_of_the_relay_around_the_send_repeats_versions_only(cluster: Cluster, step: str) -> None:
    """The worker dies whenever it is about to publish, or to forget what it published; nothing is missing or wrong."""
    seed = random.Random(7)
    settings = await cluster(PROMOTIONS)
    orders = make_orders(seed)[:600]
    db = await asyncpg.connect(settings.dsn)
    broken = await publish(settings, seed, orders)
    for _ in range(3):
        async with process(settings, *DIES, step, UNISONO_WORKER_ID="worker-1") as worker:
            assert await asyncio.wait_for(worker.wait(), 60) == -9
    assert await db.fetchval("SELECT count(*) FROM outbox")
    async with process(settings, *WORKER, UNISONO_WORKER_ID="worker-1"):
        await until(lambda: drained(settings, db), "everything applied and published")
    await check(settings, db, orders, broken)
    await db.close()


@pytest.mark.parametrize("command", [WORKER, FAUST], ids=["unisono worker", "faust worker"])
async def test_a_dead_letter_keeps_the_original_bytes_on_kafka_too(cluster: Cluster, command: tuple[str, ...]) -> None:
    """What could not be read lies on `loyalty.dead-letters` byte for byte, with its reason."""
    settings = await cluster({})
    async with AIOKafkaProducer(bootstrap_servers=settings.brokers) as producer:
        sent = await producer.send_and_wait(CHECKOUT, b"\xff\x00 no json", key=b"\xfe", headers=[("ce_id", b"1")])
    async with (
        process(settings, *command),
        AIOKafkaConsumer(DEAD_LETTERS, bootstrap_servers=settings.brokers, auto_offset_reset="earliest") as consumer,
    ):
        record = await asyncio.wait_for(consumer.getone(), 60)
    headers = dict(record.headers)
    assert (record.key, record.value, headers["ce_id"]) == (b"\xfe", b"\xff\x00 no json", b"1")
    assert headers["x-reason"] == b"missing_field"
    assert headers["x-offset"] == str(sent.offset).encode()


async def test_what_a_producer_aborted_has_not_happened(cluster: Cluster) -> None:
    """A producer that sends in transactions takes some back; the worker applies the others, and goes on behind them."""
    settings = await cluster({})
    (_, kept, _), (_, taken_back, _), (_, after, _) = make_orders(random.Random(1))[:3]
    async with AIOKafkaProducer(bootstrap_servers=settings.brokers, transactional_id="pos") as producer:
        for event, commits in ((kept, True), (taken_back, False), (after, True)):
            headers, value = to_kafka(event)
            await producer.begin_transaction()
            await producer.send_and_wait(CHECKOUT, value, key=str(event.subject).encode(), headers=headers, partition=0)
            await (producer.commit_transaction() if commits else producer.abort_transaction())
    db = await asyncpg.connect(settings.dsn)

    async def applied() -> bool:
        return bool(await db.fetchval("SELECT count(*) FROM inbox WHERE id = $1", after.id))

    async with process(settings, *WORKER):
        await until(applied, "the last event applied")
    assert {row["id"] for row in await db.fetch("SELECT id FROM inbox")} == {kept.id, after.id}
    await db.close()


async def test_kill_9_of_kafka_postgresql_and_worker_under_the_supervisor_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    """What `unisono up` runs comes back by itself, on the same ports, and the books are exact."""
    seed = random.Random(4)
    folder = tmp_path / "promotions"
    folder.mkdir()
    for name, text in PROMOTIONS.items():
        (folder / name).write_text(text)
    settings = Settings(home=tmp_path / "home", promotions=(folder,), log_level="warning")
    async with Stack(settings, prepare=prepare, roles=("worker",), stores=()) as stack:
        orders = make_orders(seed)
        sending = asyncio.ensure_future(publish(stack.settings, seed, orders))
        for name in ("postgres", "kafka", "worker"):
            stack.child(name).kill()
            await stack.child(name).wait_ready()
        broken = await sending
        db = await asyncpg.connect(stack.settings.dsn)
        await until(lambda: drained(stack.settings, db), "everything applied and published", within_s=90)
        await check(stack.settings, db, orders, broken)
        await db.close()
