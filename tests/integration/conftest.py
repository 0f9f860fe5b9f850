"""A prepared cluster of the test's own, and processes that run against it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio
from pydantic import SecretStr

from services.cli.setup import prepare
from services.clock import monotonic
from services.settings import Settings
from tests.conftest import NewBroker

Cluster = Callable[[dict[str, str]], Awaitable[Settings]]


async def until(condition: Callable[[], Awaitable[bool]], what: str, *, within_s: float = 60.0) -> None:
    """Returns once the condition holds; fails saying what did not happen when the bound is reached."""
    deadline = monotonic() + within_s
    while not await condition():
        assert monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        await asyncio.sleep(0.05)


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The environment of a process that joins the cluster of these settings."""
    own = {
        "KAFKA_BOOTSTRAP_SERVERS": settings.brokers,
        "DATABASE_URL": settings.dsn,
        "UNISONO_HOME": str(settings.home),
        "UNISONO_PARTITIONS": str(settings.partitions),
        "UNISONO_LOCK_LEASE_S": str(settings.lock_lease_s),
        "UNISONO_LOG_LEVEL": "warning",
    }
    return {**os.environ, **own, **more}


@asynccontextmanager
async def process(settings: Settings, *command: str, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process of ours, killed on leaving if it still runs; its log lies in the settings' home."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / f"{Path(command[-1]).stem}.log").open("ab") as log:
        child = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=environment(settings, **more), stdout=asyncio.subprocess.PIPE, stderr=log
        )
        try:
            yield child
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()


@pytest_asyncio.fixture
async def cluster(new_broker: NewBroker, database: str, tmp_path: Path) -> Cluster:
    """Makes a cluster: a broker, a database, topics, schema and the promotions given as file name → text."""

    async def make(promotions: dict[str, str]) -> Settings:
        folder = tmp_path / "promotions"
        folder.mkdir()
        for name, text in promotions.items():
            (folder / name).write_text(text)
        settings = Settings(
            kafka_bootstrap_servers=await new_broker(),
            database_url=SecretStr(database),
            home=tmp_path / "home",
            lock_lease_s=1,
        )
        await prepare(settings, [folder] if promotions else [])
        return settings

    return make
