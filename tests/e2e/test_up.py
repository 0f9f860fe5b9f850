"""`unisono up` as a person runs it: everything answers, whatever is killed comes back, and Ctrl-C ends it all."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest
import pytest_asyncio

from services.clock import monotonic
from services.embedded.kafka import KafkaRuntime
from services.embedded.processes import is_alive

BOUND_SECONDS = 90.0
CHILDREN = ["console", "gateway", "kafka", "postgres", "till-114", "worker"]


@pytest_asyncio.fixture
async def up(tmp_path: Path, kafka_runtime: KafkaRuntime) -> AsyncIterator[asyncio.subprocess.Process]:
    """`unisono up` with one store, once it has printed where everything is."""
    own = {"UNISONO_HOME": str(tmp_path), "UNISONO_GATEWAY_PORT": "0", "UNISONO_CONSOLE_PORT": "0"}
    outer = {key: value for key, value in os.environ.items() if key not in {"KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"}}
    with (tmp_path / "up.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.cli.main", "up", "--store", "114"),
            env={**outer, **own},
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout
    try:
        async with asyncio.timeout(BOUND_SECONDS):
            printed = b""
            while b"Ctrl-C" not in printed:
                line = await process.stdout.readline()
                assert line, (tmp_path / "up.log").read_text()
                printed += line
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def running(home: Path) -> dict[str, int]:
    """Process ids by name, as the supervisor wrote them down."""
    return {row["name"]: row["pid"] for row in json.loads((home / "processes.json").read_text())}


def ready_urls(home: Path) -> list[str]:
    ports = json.loads((home / "ports.json").read_text())
    return [f"http://127.0.0.1:{ports[name]}/readyz" for name in ("gateway", "console", "till-114", "worker-metrics")]


async def until_all_answer(home: Path, instead_of: dict[str, int]) -> None:
    """Every child is another process than before, and every role says that it is ready."""
    deadline = monotonic() + BOUND_SECONDS
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        while True:
            now = running(home)
            words = [f"{name} was not replaced" for name in CHILDREN if now.get(name) == instead_of.get(name)]
            for url in ready_urls(home):
                try:
                    answer = await client.get(url)
                    words += [] if answer.is_success else [f"{url}: {answer.text}"]
                except httpx.HTTPError as error:
                    words.append(f"{url}: {error!r}")
            if not words:
                return
            assert monotonic() < deadline, "\n".join(words)
            await asyncio.sleep(0.1)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
async def test_everything_comes_back_after_kill_9_and_ends_with_ctrl_c(
    up: asyncio.subprocess.Process, tmp_path: Path
) -> None:
    before = running(tmp_path)
    assert sorted(before) == CHILDREN
    await until_all_answer(tmp_path, {})
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    await until_all_answer(tmp_path, before)
    after = running(tmp_path)
    up.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(up.wait(), BOUND_SECONDS) == 0
    assert not [pid for pid in after.values() if psutil.pid_exists(pid) and is_alive(psutil.Process(pid))]
    assert running(tmp_path) == {}
