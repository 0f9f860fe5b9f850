"""The one Faust app: its worker gives the process (signals, supervision, logging), our services do the work.

No agent and no table lives here, on purpose: with one, our services would wait for Faust's own rebalance and table
recovery, and a crash would take seconds longer. Agents may lose or repeat messages; they get a worker of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import faust
from faust.app.base import BootStrategy
from mode import Service
from mode.types import ServiceT
from typing_extensions import override

from services.settings import Settings
from services.telemetry import configure_logging, logging_config
from streams.health import HealthService
from streams.intake import Intake
from streams.relay import Relay

settings = Settings()


class _ServicesOnly(BootStrategy):
    """Faust's own consumer crashes on an empty subscription, its web server is open to everybody: neither starts."""

    enable_kafka = False
    enable_web = False


class WorkerApp(faust.App):
    """A Faust app that runs services only."""

    BootStrategy = _ServicesOnly

    @override
    async def on_first_start(self) -> None:
        """Faust makes its folder, but not the folders above it."""
        settings.home.mkdir(parents=True, exist_ok=True)
        await super().on_first_start()


configure_logging(settings)
app = WorkerApp(
    "unisono-worker",
    broker=f"kafka://{settings.brokers}",
    datadir=str(settings.home / "worker"),
    web_enabled=False,
    topic_allow_declare=False,
    topic_disable_leader=True,
    table_standby_replicas=0,
    stream_wait_empty=False,
    worker_redirect_stdouts=False,
    logging_config=logging_config(settings),
)


@app.service
class CommitPath(Service):
    """Intake and relay. They stop in reverse order, so the relay publishes what intake committed last."""

    @override
    def on_init_dependencies(self) -> Iterable[ServiceT]:
        """The services this one is made of."""
        shared: dict[str, Any] = {"beacon": self.beacon, "loop": self.loop}
        relay = Relay(settings, **shared)
        intake = Intake(settings, relay, **shared)
        return [relay, intake, HealthService(settings, intake, **shared)]
