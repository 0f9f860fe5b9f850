"""Lag as it is measured on a real Kafka and a real PostgreSQL: exact numbers, and a killed worker that shows."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from schemas.api.sync import TouchpointReport
from schemas.topics import CHECKOUT, WORKER_GROUP
from services.clock import monotonic, utc_now
from services.ids import uuid7
from services.ops.report import GroupRow, PartitionRow, Report
from services.ops.vigil import Vigil
from services.ops.wording import sentences
from services.ops.words import Step, Word
from services.settings import Settings
from services.store.books import Books
from services.store.migrate import migrate
from tests.integration.conftest import Cluster, environment, process, until

RECORDS = 30
READ = 20
WORKER = ("-m", "services.cli.main", "worker")
SHOWS_WITHIN_S = 10.0


def group_of(report: Report, name: str) -> GroupRow:
    return next(group for group in report.groups if group.group == name)


def row_of(group: GroupRow, number: int = 0) -> PartitionRow:
    return next(r for r in group.partitions if r.reading.topic == CHECKOUT and r.reading.partition == number)


async def write(settings: Settings, count: int, *, first_at: datetime) -> None:
    """Records on partition 0 of the checkout topic, a second apart."""
    async with AIOKafkaProducer(bootstrap_servers=settings.brokers) as producer:
        for number in range(count):
            moment = int((first_at + timedelta(seconds=number)).timestamp() * 1000)
            await producer.send_and_wait(CHECKOUT, b"{}", key=b"m1", partition=0, timestamp_ms=moment)


async def read_some(consumer: AIOKafkaConsumer, count: int) -> None:
    """Reads exactly so many records and commits."""
    for _ in range(count):
        await consumer.getone()
    await consumer.commit()


async def test_many_groups_at_once_keep_their_states_apart(cluster: Cluster):
    settings = await cluster({})
    await write(settings, 1, first_at=utc_now())
    groups = [f"kpi-{number}-{uuid7()}" for number in range(4)]
    async with contextlib.AsyncExitStack() as stack:
        for group in groups:
            reader = AIOKafkaConsumer(
                CHECKOUT,
                bootstrap_servers=settings.brokers,
                group_id=group,
                client_id=group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
            )
            await stack.enter_async_context(reader)
            await read_some(reader, 1)
        async with Vigil(settings) as vigil:
            report = await vigil.look()
    for group in groups:
        found = group_of(report, group)
        assert (found.members, row_of(found).reading.owner) == (1, f"{group}/127.0.0.1")


async def commit_end(settings: Settings, group: str) -> None:
    """The group says that it has read everything on partition 0."""
    async with AIOKafkaConsumer(bootstrap_servers=settings.brokers, group_id=group, enable_auto_commit=False) as reader:
        reader.assign([TopicPartition(CHECKOUT, 0)])
        await reader.commit({TopicPartition(CHECKOUT, 0): RECORDS})


async def test_numbers_are_exact(cluster: Cluster):
    """A group that read 20 of 30 records: lag 10, and as many seconds as the 21st record is old; caught up: 0."""
    settings = await cluster({})
    group = f"kpi-{uuid7()}"
    await write(settings, RECORDS, first_at=utc_now() - timedelta(seconds=100))
    reader = AIOKafkaConsumer(
        CHECKOUT,
        bootstrap_servers=settings.brokers,
        group_id=group,
        client_id="kpi-client",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=1,
    )
    async with Vigil(settings) as vigil:
        async with reader:
            await read_some(reader, READ)
            reading = await vigil.look()
        stopped = await vigil.look()

    for report, word, members in ((reading, Word.WARN, 1), (stopped, Word.STOP, 0)):
        found = group_of(report, group)
        row = row_of(found)
        assert (row.reading.position, row.reading.committed, row.reading.cursor) == (READ, READ, None)
        assert (row.reading.log_start, row.reading.log_end, row.reading.lag) == (0, RECORDS, RECORDS - READ)
        assert row.reading.record_at is not None
        assert row.lag_s is not None
        assert row.lag_s == pytest.approx((report.at - row.reading.record_at).total_seconds())
        assert 80 <= row.lag_s <= 80 + 60  # the 21st record was stamped 80 s before we wrote the first
        assert (row.word, found.members) == (word, members)
    assert row_of(group_of(reading, group)).reading.owner == "kpi-client/127.0.0.1"

    await commit_end(settings, other := f"app-{uuid7()}")
    async with Vigil(settings, groups=[other]) as vigil:
        (caught_up,) = (await vigil.look()).groups
    assert (caught_up.group, caught_up.word) == (other, Word.OK)
    assert [(row.reading.lag, row.lag_s) for row in caught_up.partitions] == [(0, 0.0)]

    worker = group_of(stopped, WORKER_GROUP)
    assert (worker.word, worker.members, worker.owned, worker.lag) == (Word.STOP, 0, 0, RECORDS)
    assert len(worker.partitions) == 3 * settings.partitions
    assert sentences(stopped)[0].startswith(f"No worker is at work: {RECORDS} events wait, the oldest for ")


async def test_a_killed_worker_shows_and_so_does_a_new_one(cluster: Cluster):
    """Idle, then killed with -9: within ten seconds the report says so, though Kafka still counts it as a member."""
    settings = await cluster({})
    seen: list[Report] = []
    async with Vigil(settings) as vigil:

        async def well() -> bool:
            seen.append(await vigil.look())
            return seen[-1].well

        async def not_well() -> bool:
            return not await well()

        async with process(settings, *WORKER, UNISONO_WORKER_ID="w1") as worker:
            await until(well, "the worker owns every partition and relays every shard")
            group = group_of(seen[-1], WORKER_GROUP)
            assert (group.members, group.owned) == (1, 3 * settings.partitions)
            worker.kill()
            await worker.wait()
            killed_at = monotonic()
            await until(not_well, "the killed worker shows", within_s=SHOWS_WITHIN_S)
            assert sentences(seen[-1])[0].startswith("No worker is at work")
            assert monotonic() - killed_at < SHOWS_WITHIN_S
        async with process(settings, *WORKER, UNISONO_WORKER_ID="w1"):
            await until(well, "the new worker owns everything")


async def test_touchpoints_are_judged_by_their_reports(books_only: Settings):
    settings = books_only
    async with Books.open(settings.dsn) as books:
        for store, total in (("114", 0), ("203", 3)):
            report = TouchpointReport(
                kind="till", touchpoint_id=f"till-{store}", store_id=store, members=1, versions_total=total
            )
            await books.report(report)
    async with Vigil(settings) as vigil:
        await vigil.look()
        connection = await asyncpg.connect(settings.dsn)
        await connection.execute(
            "INSERT INTO wallet (member_id, shard, version, record, state) VALUES ('m1', 0, 3, '{}', '{}')"
        )
        await connection.execute("UPDATE touchpoint_report SET reported_at = clock_timestamp()")
        await connection.close()
        report_now = await vigil.look()
    steps = {row.store_id: (row.step, row.versions_behind) for row in report_now.touchpoints}
    assert steps["203"] == (Step.IN_STEP, 0)
    assert steps["114"][1] <= 3
    assert report_now.versions_total == 3


async def test_the_command_and_the_role(cluster: Cluster):
    """`lag --json` is one object and ends with 1 while no worker runs; `ops` serves the same to Prometheus.

    Kafka gone, or the database gone: that is reported, not raised, and the rest is still shown.
    """
    settings = await cluster({})
    await look_while_away(settings)
    await write(settings, 3, first_at=utc_now() - timedelta(seconds=9))
    code, out, err = await unisono(settings, "lag", "--json")
    told = json.loads(out)
    assert (code, err) == (1, "")
    assert told["summary"][0].startswith("No worker is at work: 3 events wait")
    assert told["groups"][0]["lag"] == 3
    assert (await unisono(settings, "lag", "--interval", "0"))[0] == 2

    port = free_port()
    async with (
        process(settings, "-m", "services.cli.main", "ops", UNISONO_METRICS_PORT=str(port)) as role,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):

        async def ready() -> bool:
            try:
                return (await client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await until(ready, "ops has looked once")
        page = (await client.get("/metrics")).text
        samples = {
            (sample.name, sample.labels.get("topic"), sample.labels.get("partition")): sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
        }
        assert samples["kafka_consumergroup_lag", CHECKOUT, "0"] == 3
        assert samples["kafka_consumergroup_group_lag_seconds", CHECKOUT, "0"] >= 9
        assert samples["burrow_kafka_topic_partition_status", CHECKOUT, "0"] == Word.STOP.code
        assert samples["unisono_shards_served", None, None] == 0
        role.terminate()
        assert await asyncio.wait_for(role.wait(), 20) == 0


async def look_while_away(settings: Settings) -> None:
    """One look without Kafka and one without the database."""
    nowhere = "127.0.0.1:9"
    async with Vigil(settings.model_copy(update={"kafka_bootstrap_servers": nowhere})) as vigil:
        no_kafka = await vigil.look()
    assert (no_kafka.well, no_kafka.groups) == (False, ())
    assert no_kafka.members == 0
    dsn = SecretStr(f"postgresql://nobody@{nowhere}/nothing")
    async with Vigil(settings.model_copy(update={"database_url": dsn})) as vigil:
        no_books = await vigil.look()
    assert (no_books.well, no_books.relay) == (False, None)
    assert group_of(no_books, WORKER_GROUP).members == 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


async def unisono(settings: Settings, *arguments: str) -> tuple[int, str, str]:
    """Runs the command; its exit code, output and errors."""
    command = [sys.executable, "-m", "services.cli.main", *arguments]
    ran = await asyncio.to_thread(
        subprocess.run, command, env=environment(settings), capture_output=True, text=True, timeout=60
    )
    return ran.returncode, ran.stdout, ran.stderr


# Dead letters and wallets at the terminal -----------------------------------------------------------------------------

EVIL = b'\x1b[2Jgone [bold]\xff{"order_id": 1}'


@pytest.fixture
async def books_only(database: str) -> Settings:
    """A database with one dead letter whose bytes would like to take over the terminal."""
    await migrate(database)
    connection = await asyncpg.connect(database)
    await connection.execute(
        "INSERT INTO dead_letter (topic, partition, record_offset, reason, message, key, value, header_names,"
        " header_values, recorded_at) VALUES ($1, 3, 17, 'not_json', $2, 'm1', $3, $4, $5, $6)",
        CHECKOUT,
        "the value is no JSON: [/bold] \x1b[31m",
        EVIL,
        ["ce_id", "x"],
        [b"e1", b"\x00\x07"],
        datetime(2026, 11, 22, 10, tzinfo=UTC),
    )
    await connection.close()
    return Settings(database_url=SecretStr(database), kafka_bootstrap_servers="127.0.0.1:9")


async def test_dead_letters_are_shown_and_harm_nobody(books_only: Settings):
    code, listed, _ = await unisono(books_only, "dead-letters", "list")
    assert code == 0
    assert "not_json" in listed
    assert "checkout/3 @17" in listed
    code, shown, _ = await unisono(books_only, "dead-letters", "show", "1")
    assert code == 0
    assert "ce_id: e1" in shown
    assert "\\x1b[2Jgone [bold]\\xff" in shown
    for text in (listed, shown):
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "[/bold]" in text


async def test_dead_letters_for_programs_lose_no_byte(books_only: Settings):
    code, out, _ = await unisono(books_only, "dead-letters", "list", "--json", "--reason", "not_json")
    told = json.loads(out)
    assert code == 0
    assert base64.b64decode(told["value"]["base64"]) == EVIL
    assert told["key"] == {"text": "m1"}
    assert told["offset"] == 17


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("dead-letters", "list", "--reason", "bad_luck"), 2, "bad_luck is no reason of a dead letter"),
        (("dead-letters", "list", "--limit", "0"), 2, "--limit"),
        (("dead-letters", "show", "99"), 2, "there is no dead letter 99"),
        (("dead-letters", "list", "--reason", "too_late"), 0, ""),
        (("member", "show", "nobody"), 1, "There is no wallet of member nobody."),
    ],
)
async def test_what_bad_arguments_get(books_only: Settings, arguments: tuple[str, ...], code: int, sentence: str):
    found = await unisono(books_only, *arguments)
    assert found[0] == code
    assert sentence in found[2]
    assert "Traceback" not in found[2]


async def test_a_database_that_is_away_is_one_sentence():
    away = Settings(database_url=SecretStr("postgresql://ann:secret@127.0.0.1:9/x"), kafka_bootstrap_servers="x:1")
    code, out, err = await unisono(away, "member", "show", "m1")
    assert (code, out) == (2, "")
    assert err.splitlines() == ["unisono: the books do not answer: connection refused"]
