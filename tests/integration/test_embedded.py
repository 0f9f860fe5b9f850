"""The embedded Kafka and PostgreSQL keep what they were given, come back when killed, and leave nothing running."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.clock import monotonic
from services.embedded.failure import AlreadyRunningError, ChildError
from services.embedded.kafka import EmbeddedKafka, KafkaRuntime
from services.embedded.postgres import EmbeddedPostgres
from services.embedded.processes import is_alive
from services.embedded.stack import Stack
from services.embedded.supervisor import Supervisor
from services.ids import uuid7
from services.settings import Settings

BOUND_SECONDS = 60.0


async def write(bootstrap_servers: str, dsn: str) -> str:
    """One record on a new topic and one row in a new table, both of the name that is returned."""
    name = f"t{uuid7().replace('-', '')}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers) as producer:
        await producer.send_and_wait(name, b"kept")
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"CREATE TABLE {name} (word text)")
    await connection.execute(f"INSERT INTO {name} VALUES ('kept')")
    await connection.close()
    return name


async def read(bootstrap_servers: str, dsn: str, name: str) -> tuple[bytes, str]:
    """What `write` wrote."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    async with consumer:
        consumer.assign([TopicPartition(name, 0)])
        record = await asyncio.wait_for(consumer.getone(), BOUND_SECONDS)
    connection = await asyncpg.connect(dsn)
    word = await connection.fetchval(f"SELECT word FROM {name}")
    await connection.close()
    return record.value, word


def running_of(pids: list[int]) -> list[int]:
    """Those of the processes that still run."""
    return [pid for pid in pids if psutil.pid_exists(pid) and is_alive(psutil.Process(pid))]


async def until_gone(pids: list[int]) -> None:
    """None of the processes runs; fails when one still does after the bound."""
    deadline = monotonic() + BOUND_SECONDS
    while still := running_of(pids):
        assert monotonic() < deadline, f"still running: {still}"
        await asyncio.sleep(0.05)


def pids(supervisor: Supervisor) -> list[int]:
    """The process ids of all children and of what they started."""
    own = [child.pid for child in supervisor.children() if child.pid]
    return own + [inner.pid for pid in own for inner in psutil.Process(pid).children(recursive=True)]


async def test_both_keep_what_they_are_given(kafka: str, postgres: str) -> None:
    name = await write(kafka, postgres)
    assert await read(kafka, postgres, name) == (b"kept", "kept")


async def test_every_test_gets_a_database_of_its_own(database: str, postgres: str) -> None:
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await connection.execute("CREATE TABLE mine (a int)")
    await connection.close()
    assert database != postgres


async def test_killed_ones_come_back_on_the_same_addresses_with_their_data(
    kafka_runtime: KafkaRuntime, tmp_path: Path
) -> None:
    kafka, postgres = EmbeddedKafka(tmp_path / "kafka", kafka_runtime), EmbeddedPostgres(tmp_path / "postgres")
    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(kafka, postgres)
        before = (kafka.bootstrap_servers, postgres.dsn)
        name = await write(*before)
        for child in supervisor.children():
            child.kill(signal.SIGKILL)
        for child in supervisor.children():
            await child.wait_ready()
            assert child.restarts >= 1
        assert (kafka.bootstrap_servers, postgres.dsn) == before
        assert await read(*before, name) == (b"kept", "kept")


async def test_a_stop_leaves_nothing_and_the_next_start_resumes(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    kafka, postgres = EmbeddedKafka(tmp_path / "kafka", kafka_runtime), EmbeddedPostgres(tmp_path / "postgres")
    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(kafka, postgres)
        before = (kafka.bootstrap_servers, postgres.dsn)
        name = await write(*before)
        running = pids(supervisor)
        assert len(running) > 2
    assert not running_of(running)
    assert json.loads((tmp_path / "processes.json").read_text()) == []

    kafka, postgres = EmbeddedKafka(tmp_path / "kafka", kafka_runtime), EmbeddedPostgres(tmp_path / "postgres")
    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(kafka, postgres)
        assert (kafka.bootstrap_servers, postgres.dsn) == before
        assert await read(*before, name) == (b"kept", "kept")


PARENT = """
import asyncio, sys
from pathlib import Path
from rich.console import Console
from services.embedded.kafka import EmbeddedKafka
from services.embedded.postgres import EmbeddedPostgres
from services.embedded.runtime import ensure_runtime
from services.embedded.supervisor import Supervisor
from services.settings import Settings

async def main(home):
    async with Supervisor(home) as supervisor:
        runtime = await ensure_runtime(Settings(), Console(quiet=True))
        await supervisor.start(EmbeddedKafka(home / "kafka", runtime), EmbeddedPostgres(home / "postgres"))
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs both in tmp_path, and has said so."""
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


async def test_a_killed_parent_is_recovered_from(
    parent: subprocess.Popen[bytes], kafka_runtime: KafkaRuntime, tmp_path: Path
) -> None:
    with pytest.raises(AlreadyRunningError, match=f"process {parent.pid}"):
        async with Supervisor(tmp_path):
            pass
    orphans = [row["pid"] for row in json.loads((tmp_path / "processes.json").read_text())]
    assert len(orphans) == 2
    port = json.loads((tmp_path / "kafka" / "ports.json").read_text())["kafka"]
    kafka, postgres = EmbeddedKafka(tmp_path / "kafka", kafka_runtime), EmbeddedPostgres(tmp_path / "postgres")
    name = await write(f"127.0.0.1:{port}", postgres.dsn)
    parent.kill()
    if sys.platform == "linux":  # only there is a process tied to its parent
        await until_gone(orphans)
    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(kafka, postgres)
        assert not running_of(orphans)
        assert kafka.bootstrap_servers == f"127.0.0.1:{port}"
        assert await read(kafka.bootstrap_servers, postgres.dsn, name) == (b"kept", "kept")


async def test_a_server_that_no_record_names_is_stopped_before_the_next_one(tmp_path: Path) -> None:
    """The parent was killed between starting PostgreSQL and writing its process down."""
    async with Supervisor(tmp_path / "first", restart=False) as first:
        postgres = EmbeddedPostgres(tmp_path / "postgres")
        await first.start(postgres)
        unrecorded = first.child("postgres").pid
        assert unrecorded
        async with Supervisor(tmp_path / "second") as second:
            await second.start(postgres)
            assert not running_of([unrecorded])
            connection = await asyncpg.connect(postgres.dsn)
            assert await connection.fetchval("SELECT 1") == 1
            await connection.close()


async def test_a_pid_file_whose_process_is_another_program_now_does_not_stop_the_start(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / "postgres")
    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(postgres)
        lines = (postgres.data / "postmaster.pid").read_text().splitlines()
    (postgres.data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(postgres)


async def test_a_folder_with_a_long_name_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / ("long" * 30) / "postgres")
    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(postgres)
        connection = await asyncpg.connect(postgres.dsn)
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        await connection.close()
    assert tmp_path not in postgres.socket_folder().parents
    postgres.socket_folder().rmdir()


async def test_a_socket_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / "postgres")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "postgres").mkdir()
    postgres.socket_folder().symlink_to(tmp_path / "elsewhere")
    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(ChildError, match="belongs to another user"):
            await supervisor.start(postgres)


async def test_two_stacks_run_side_by_side(tmp_path: Path) -> None:
    prepared = []

    async def prepare(settings: Settings) -> None:
        prepared.append((settings.brokers, settings.dsn))

    settings = [Settings(home=tmp_path / name, gateway_port=0, console_port=0) for name in ("north", "south")]
    stacks = [Stack(each, prepare=prepare, roles=(), stores=()) for each in settings]
    async with stacks[0] as north, stacks[1] as south:
        assert prepared == [(stack.settings.brokers, stack.settings.dsn) for stack in (north, south)]
        names = [await write(brokers, dsn) for brokers, dsn in prepared]
        for (brokers, dsn), name in zip(prepared, names, strict=True):
            assert await read(brokers, dsn, name) == (b"kept", "kept")
        assert north.settings.gateway_port != south.settings.gateway_port
