"""`unisono demo`: the main job on real purchases, on a stack of its own that is gone afterwards."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from services.demo.findings import Findings
    from services.demo.teller import Teller
    from services.settings import Settings

PROMOTIONS = Path(__file__).parents[1] / "demo" / "promotions"


def demo(
    events: Annotated[int, typer.Option(min=300, help="How many real events to send")] = 4000,
    rate: Annotated[float, typer.Option(min=1, help="Records a second")] = 250,
    seed: Annotated[int, typer.Option(help="Chooses which events are sent twice and what is broken")] = 1,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, the rest on stderr")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the folder with data and logs")] = False,
) -> None:
    """Show the main job: real purchases become rewards at two tills, in the app and in the web account.

    Ends with 0 only if every touchpoint, the database and the pure fold hold the same wallets in the end.
    """
    import httpx
    import orjson
    from rich.console import Console

    from services.adapters.journey_tables import JourneyMissingError
    from services.adapters.publisher import DeliveryError
    from services.cli.errors import DOES_NOT_HOLD, INTERRUPTED, UsageError
    from services.demo.run import NothingToShow
    from services.demo.settle import NotSettled
    from services.demo.teller import Teller
    from services.settings import Settings
    from services.telemetry import configure_logging

    settings = Settings()
    configure_logging(settings.model_copy(update={"log_level": "error"}))
    console = Console(stderr=json, highlight=False)
    try:
        findings = asyncio.run(
            _demo(settings, Teller(console), console, events=events, rate=rate, seed=seed, keep=keep)
        )
    except asyncio.CancelledError:
        raise typer.Exit(INTERRUPTED) from None
    except (NothingToShow, JourneyMissingError) as error:
        raise UsageError(str(error)) from error
    except (NotSettled, DeliveryError, httpx.HTTPError) as error:
        console.print(f"The demo did not get through: {error}")
        raise typer.Exit(DOES_NOT_HOLD) from error
    if json:
        print(orjson.dumps(findings.summary()).decode())
    if findings.complaints:
        raise typer.Exit(DOES_NOT_HOLD)


async def _demo(
    settings: Settings, teller: Teller, console: Console, *, events: int, rate: float, seed: int, keep: bool
) -> Findings:
    from services.cli.setup import prepare
    from services.clock import monotonic
    from services.demo.plan import STORES, purchases
    from services.demo.run import Places, run
    from services.embedded.stack import Stack

    async def prepared(own: Settings) -> None:
        await prepare(own, [PROMOTIONS])

    _end_on_sigterm()
    started = monotonic()
    reading = asyncio.create_task(asyncio.to_thread(purchases, events))
    with _folder(settings.home / "demo", keep=keep) as home:
        try:
            async with Stack(_own(settings, home), prepare=prepared, stores=STORES, console=console) as stack:
                chosen = await reading
                members = len({event.subject for event in chosen})
                teller.opening(len(chosen), members, STORES, monotonic() - started)
                places = Places(stack.gateway_url, stack.console_url, stack.till_urls, stack.metrics_urls["worker"])
                findings = await run(stack.settings, places, chosen, teller, rate=rate, seed=seed)
                teller.figures(findings)
        finally:
            reading.cancel()
    teller.closing(kept=home if keep else None)
    return findings


def _own(settings: Settings, home: Path) -> Settings:
    """A Kafka and a PostgreSQL of its own whatever the settings name: the demo's members would end up in real books."""
    own = {"kafka_bootstrap_servers": None, "database_url": None, "gateway_port": 0, "console_port": 0}
    return settings.model_copy(update={**own, "home": home, "currency": "USD", "worker_id": None})


@contextmanager
def _folder(parent: Path, *, keep: bool) -> Iterator[Path]:
    """A fresh folder, gone on leaving unless it is kept; also what killed demos left behind is gone."""
    from services.ids import uuid7

    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob("run-*"):
        if not _in_use(left):
            shutil.rmtree(left, ignore_errors=True)
    home = parent / f"{'kept' if keep else 'run'}-{uuid7()[-8:]}"
    try:
        yield home
    finally:
        if not keep:
            shutil.rmtree(home, ignore_errors=True)


def _in_use(folder: Path) -> bool:
    from services.embedded.failure import AlreadyRunningError
    from services.embedded.processes import FolderLock

    lock = FolderLock(folder)
    try:
        lock.take()
    except AlreadyRunningError:
        return True
    lock.release()
    return False


def _end_on_sigterm() -> None:
    """SIGTERM ends the demo like Ctrl-C: nothing is left running."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
