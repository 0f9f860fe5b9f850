"""The health and metrics server as an orchestrator and Prometheus see it."""

from __future__ import annotations

import asyncio
import signal
import socket

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from services.health import Health, serve_health
from services.settings import Settings


async def fine() -> bool:
    return True


async def not_fine() -> bool:
    return False


async def broken() -> bool:
    raise RuntimeError("postgresql://ann:secret@db/loyalty")


async def hanging() -> bool:
    await asyncio.Event().wait()
    return True


async def test_ready_only_when_every_check_is(monkeypatch: pytest.MonkeyPatch):
    """A check that fails, raises or hangs is named with what it did; an exception's text stays inside."""
    monkeypatch.setattr("services.health.CHECK_TIMEOUT_S", 0.05)
    checks = {"kafka": fine, "books": not_fine, "relay": broken, "feed": hanging}
    async with (
        serve_health(Settings(metrics_port=0), Health("worker", checks)) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        ready, alive = await client.get("/readyz"), await client.get("/livez")
    assert ready.status_code == 503
    assert ready.json()["checks"] == {
        "kafka": "ok",
        "books": "failed",
        "relay": "raised RuntimeError",
        "feed": "no answer within 0.05 s",
    }
    assert "secret" not in ready.text
    assert (alive.status_code, alive.json()["status"]) == (200, "alive")


async def test_ready_and_version():
    async with (
        serve_health(Settings(metrics_port=0), Health("till", {"replica": fine})) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        ready, version = await client.get("/readyz"), await client.get("/version")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert version.json()["name"] == "unisono"
    assert version.json()["role"] == "till"
    assert version.json()["version"]


async def test_metrics_in_both_formats():
    registry = CollectorRegistry()
    Counter("unisono_tested_total", "Tests", ["outcome"], registry=registry).labels("passed").inc(3)
    async with (
        serve_health(Settings(metrics_port=0), Health("till", {}), registry=registry) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        plain = await client.get("/metrics")
        openmetrics = await client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    for families in (text_string_to_metric_families(plain.text), openmetrics_families(openmetrics.text)):
        (family,) = families
        assert family.samples[0].name == "unisono_tested_total"
        assert family.samples[0].value == 3
    assert plain.headers["content-type"].startswith("text/plain")
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")


async def test_signals_stay_with_the_host_and_the_port_is_free_again():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serve_health(Settings(metrics_port=0), Health("worker", {})) as server:
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    async with serve_health(Settings(metrics_port=server.port), Health("worker", {})) as again:
        assert again.port == server.port


async def test_a_taken_port_is_told_in_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot serve metrics on 127.0.0.1:{port}"):
            async with serve_health(Settings(metrics_port=port), Health("worker", {})):
                pass
