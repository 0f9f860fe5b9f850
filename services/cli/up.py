"""`unisono up`: the whole stack on this machine until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from services.embedded.stack import Stack
    from services.settings import Settings


def up(
    store: Annotated[list[str], typer.Option(help="A store that gets a till; repeatable.")] = ["114", "203"],  # noqa: B006  typer reads the default
    promotions: Annotated[
        list[Path] | None, typer.Option(exists=True, help="A promotion document to publish; repeatable.")
    ] = None,
) -> None:
    """Run the whole stack on this machine, until Ctrl-C.

    Kafka and PostgreSQL are those of KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL, or embedded ones with their data in
    UNISONO_HOME. What is killed is started again; starting again resumes on the same data.
    """
    from services.settings import Settings
    from services.telemetry import configure_logging

    settings = Settings()
    if promotions:
        settings = settings.model_copy(update={"promotions": tuple(promotions)})
    configure_logging(settings)
    asyncio.run(_run_until_told(settings, store))


async def _run_until_told(settings: Settings, stores: list[str]) -> None:
    from rich.console import Console

    from services.cli.setup import prepare
    from services.clock import monotonic
    from services.embedded.stack import Stack

    progress = Console(stderr=True, highlight=False)
    stack = Stack(settings, prepare=prepare, stores=stores, console=progress)
    told = _Told(stack, progress)
    started = monotonic()
    try:
        async with stack:
            told.running = True
            Console(highlight=False).print(_addresses(stack, monotonic() - started))
            await told.event.wait()
    except asyncio.CancelledError:
        if not told.event.is_set():
            raise
    progress.print("Stopped; the data stay in", str(stack.home))


class _Told:
    """Turns signals into an end: the first asks, the next one kills."""

    def __init__(self, stack: Stack, progress: Console) -> None:
        self.event = asyncio.Event()
        self.running = False
        self._stack = stack
        self._progress = progress
        self._task = asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        if self.event.is_set():
            self._stack.kill_now()
            return
        self._progress.print("Stopping (once more to kill)")
        self.event.set()
        if not self.running and self._task is not None:
            self._task.cancel()


def _addresses(stack: Stack, seconds: float) -> Table:
    """Where everything is, for the person who started it."""
    from rich.table import Table

    from services.embedded.stack import log_folder

    table = Table(box=None, show_header=False, title=f"Unisono is up ({seconds:.1f} s)", title_justify="left")
    table.add_row("gateway", stack.gateway_url)
    table.add_row("web account", stack.console_url)
    for store, url in stack.till_urls.items():
        table.add_row(f"till {store}", url)
    table.add_row("Kafka", stack.settings.brokers)
    table.add_row("PostgreSQL", _without_password(stack.settings.dsn))
    table.add_row("metrics", "\n".join(f"{url}  {name}" for name, url in stack.metrics_urls.items()))
    table.add_row("data, logs", f"{stack.home}, {log_folder(stack.home)}")
    table.add_row("stop", "Ctrl-C")
    return table


def _without_password(dsn: str) -> str:
    parts = urlsplit(dsn)
    if not parts.password:
        return dsn
    return parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@", 1)).geturl()
