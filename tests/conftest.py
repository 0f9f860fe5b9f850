"""A real Kafka and a real PostgreSQL for the tests that ask, started once a run in a temporary folder.

KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL name running ones to use instead.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from rich.console import Console

from services.embedded.kafka import EmbeddedKafka, KafkaRuntime
from services.embedded.postgres import EmbeddedPostgres
from services.embedded.runtime import ensure_runtime
from services.embedded.supervisor import Service, Supervisor
from services.ids import uuid7
from services.settings import Settings

NewBroker = Callable[[], Awaitable[str]]


@dataclass(frozen=True)
class Backends:
    """Addresses of what the tests of this run asked for."""

    kafka: str | None
    postgres: str | None


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kafka_runtime() -> KafkaRuntime:
    """The jars that a broker runs from, downloaded if need be."""
    return await ensure_runtime(Settings(), Console(stderr=True))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _backends(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Backends]:
    """Starts in parallel what any collected test asks for, and nothing else."""
    wanted = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    settings = Settings()
    home = tmp_path_factory.mktemp("backends")
    services: list[Service] = []
    kafka = postgres = None
    if "kafka" in wanted and settings.kafka_bootstrap_servers is None:
        kafka = EmbeddedKafka(home / "kafka", await ensure_runtime(settings, Console(stderr=True)))
        services.append(kafka)
    if "postgres" in wanted and settings.database_url is None:
        postgres = EmbeddedPostgres(home / "postgres")
        services.append(postgres)
    async with Supervisor(home, restart=False) as supervisor:
        await supervisor.start(*services)
        yield Backends(
            kafka=kafka.bootstrap_servers if kafka else settings.kafka_bootstrap_servers,
            postgres=postgres.dsn if postgres else (settings.dsn if settings.database_url else None),
        )


@pytest.fixture(scope="session")
def kafka(_backends: Backends) -> str:
    """`host:port` of the broker that all tests of this run share."""
    assert _backends.kafka
    return _backends.kafka


@pytest.fixture(scope="session")
def postgres(_backends: Backends) -> str:
    """Address of the PostgreSQL that all tests of this run share, for its superuser."""
    assert _backends.postgres
    return _backends.postgres


@pytest_asyncio.fixture
async def database(postgres: str) -> AsyncIterator[str]:
    """Address of an empty database of this test's own."""
    name = f"test_{uuid7().replace('-', '')}"
    admin = await asyncpg.connect(postgres)
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield urlsplit(postgres)._replace(path=f"/{name}").geturl()
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest_asyncio.fixture
async def new_broker(kafka_runtime: KafkaRuntime, tmp_path: Path) -> AsyncIterator[NewBroker]:
    """Starts a broker of this test's own, for tests that need the fixed topic names to themselves."""
    async with AsyncExitStack() as opened:

        async def start() -> str:
            home = tmp_path / uuid7()
            supervisor = await opened.enter_async_context(Supervisor(home, restart=False))
            broker = EmbeddedKafka(home / "kafka", kafka_runtime)
            await supervisor.start(broker)
            return broker.bootstrap_servers

        yield start
