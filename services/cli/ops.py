"""`unisono ops`: the watch as a role of its own, for Prometheus to scrape."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from logging import INFO, WARNING
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.ops.report import Report
    from services.settings import Settings

NEWS_AGE_MAX_S = 30.0


def ops(
    interval: Annotated[float, typer.Option(min=0.5, max=3600, help="Seconds between two looks.")] = 3.0,
) -> None:
    """Watch lag, outbox and touchpoints, and serve what is seen on /metrics, until Ctrl-C or SIGTERM.

    /readyz says whether Kafka and the books answered the last look, and whether that look is recent.
    """
    from services.settings import Settings
    from services.telemetry import configure_logging

    settings = Settings()
    configure_logging(settings)
    asyncio.run(_run(settings, interval))


class _News:
    """The newest report, and what /readyz makes of it."""

    def __init__(self, age_max_s: float) -> None:
        self._age_max_s = age_max_s
        self._report: Report | None = None

    def tell(self, report: Report) -> bool:
        """Takes a report; whether it turned from well to not well or back."""
        before, self._report = self._report, report
        return before is None or before.well != report.well

    def checks(self) -> dict[str, Callable[[], Awaitable[bool]]]:
        """What makes the role ready."""
        return {"recent": self._recent, "kafka": self._kafka, "books": self._books}

    async def _recent(self) -> bool:
        from services.clock import utc_now

        return self._report is not None and (utc_now() - self._report.at).total_seconds() < self._age_max_s

    async def _kafka(self) -> bool:
        return self._report is not None and not self._report.kafka_error

    async def _books(self) -> bool:
        return self._report is not None and not self._report.books_error


async def _run(settings: Settings, interval: float) -> None:
    import contextlib
    import signal

    import structlog
    from prometheus_client import REGISTRY

    from services.clock import monotonic
    from services.health import Health, serve_health
    from services.ops.collector import LagCollector, record_tills
    from services.ops.vigil import Vigil
    from services.ops.wording import sentences

    log = structlog.get_logger(__name__)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    collector, news = LagCollector(settings.programme), _News(2 * interval + NEWS_AGE_MAX_S)
    REGISTRY.register(collector)
    async with Vigil(settings) as vigil, serve_health(settings, Health("ops", news.checks())):
        while not stop.is_set():
            started = monotonic()
            report = await vigil.look()
            collector.show(report)
            record_tills(report)
            if news.tell(report):
                log.log(INFO if report.well else WARNING, "watch_turned", well=report.well, summary=sentences(report))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), max(0.0, interval - (monotonic() - started)))
