"""The worker's /livez, /readyz and /metrics, as a service of the app."""

from __future__ import annotations

from typing import Any

from mode import Service
from typing_extensions import override

from services.health import Health, serve_health
from services.settings import Settings
from streams.intake import Intake


class HealthService(Service):
    """Answers for as long as the worker runs."""

    def __init__(self, settings: Settings, intake: Intake, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._intake = intake

    @override
    async def on_start(self) -> None:
        """The port is open once this returns."""
        health = Health("worker", {"database": self._intake.database_answers, "kafka": self._intake.has_partitions})
        await self.add_async_context(serve_health(self._settings, health))
