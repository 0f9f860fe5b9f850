"""`unisono gateway` and `unisono till run` as processes that are killed and stopped."""

from __future__ import annotations

import asyncio
import json
import signal
import socket

import httpx

from schemas.topics import WALLETS
from services.settings import Settings
from tests.integration.conftest import Cluster, process, until
from tests.integration.wallets import open_writer, wallet_record

MAIN = ("-m", "services.cli.main")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def version_at(client: httpx.AsyncClient, url: str, member_id: str) -> int:
    """The wallet version that a process shows, 0 when it shows none or does not answer."""
    try:
        answer = await client.get(f"{url}/v1/members/{member_id}/wallet")
    except httpx.HTTPError:
        return 0
    return int(answer.json()["version"]) if answer.status_code == 200 else 0


async def stops(child: asyncio.subprocess.Process) -> None:
    """The process ends by itself, soon, and content."""
    child.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(child.wait(), 10) == 0


async def test_a_till_is_right_again_after_it_or_its_gateway_was_killed(cluster: Cluster):
    settings = await cluster({})
    gateway_port, till_port = free_port(), free_port()
    gateway_url, till_url = f"http://127.0.0.1:{gateway_port}", f"http://127.0.0.1:{till_port}"
    ports = {"UNISONO_GATEWAY_PORT": str(gateway_port)}
    till_command = (*MAIN, "till", "run", "--store", "114", "--port", str(till_port), "--gateway", gateway_url)
    async with (
        open_writer(settings.brokers, WALLETS, settings.partitions) as writer,
        httpx.AsyncClient(trust_env=False) as client,
    ):

        async def till_shows(version: int) -> None:
            async def shown() -> bool:
                return await version_at(client, till_url, "m1") == version

            await until(shown, f"the till shows version {version}")

        await writer.put(wallet_record("m1", 1))
        async with process(settings, *MAIN, "gateway", **ports) as first:
            async with process(settings, *till_command) as till:
                await till_shows(1)
                await writer.put(wallet_record("m1", 2))
                await till_shows(2)
                till.kill()
                await till.wait()
            await writer.put(wallet_record("m1", 3))
            async with process(settings, *till_command) as till:
                await till_shows(3)
                first.kill()
                await first.wait()
                assert await version_at(client, till_url, "m1") == 3
                await writer.put(wallet_record("m1", 4))
                async with process(settings, *MAIN, "gateway", **ports) as second:
                    await till_shows(4)
                    assert await _applied(client, till_url) == [1, 2, 3, 4]
                    async with client.stream("GET", f"{gateway_url}/v1/members/m1/wallet/stream"):
                        await stops(second)
                await stops(till)


async def test_a_port_in_use_is_said_in_one_sentence(tmp_path, kafka: str, database: str):
    settings = Settings(kafka_bootstrap_servers=kafka, database_url=database, home=tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for command in (("gateway",), ("till", "run", "--store", "114", "--port", port)):
            async with process(settings, *MAIN, *command, UNISONO_GATEWAY_PORT=port) as child:
                assert await asyncio.wait_for(child.wait(), 20) == 2
    told = [line for log in tmp_path.glob("*.log") for line in log.read_text().splitlines()]
    assert told == [f"unisono: cannot listen on 127.0.0.1:{port}: Address already in use"] * 2


async def _applied(client: httpx.AsyncClient, till_url: str) -> list[int]:
    lines = (await client.get(f"{till_url}/v1/applied")).text.splitlines()
    return [json.loads(line)["version"] for line in lines]
