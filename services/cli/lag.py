"""`unisono lag`: how far behind each consumer, the relay, each till and each page is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from services.ops.report import Report
    from services.ops.vigil import Vigil

LOOK_AGAIN_S = 1.0
LOOKS_MAX = 6


def lag(
    watch: Annotated[bool, typer.Option("--watch", help="Keep looking until Ctrl-C.")] = False,
    interval: Annotated[
        float, typer.Option(min=0.5, max=3600, help="Seconds between two looks, with --watch.", show_default=True)
    ] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a look.")] = False,
    group: Annotated[list[str] | None, typer.Option(help="Only this consumer group; may be repeated.")] = None,
) -> None:
    """Show how far behind each consumer, the relay, each till and each page is.

    Reads Kafka and PostgreSQL only. Exit codes: 0 nobody has to act; 1 something has stopped, stands still, went back,
    is late or does not answer; 2 wrong usage. With --watch, that of the last look.
    """
    import logging

    from services.settings import Settings
    from services.telemetry import configure_logging

    settings = Settings()
    configure_logging(settings)
    # What the client has to say about a broker that is away, the report says in one sentence.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

    from services.ops.vigil import Vigil

    async def run() -> Report | None:
        async with Vigil(settings, groups=group or ()) as vigil:
            return await (_watch(vigil, interval, as_json=as_json) if watch else _once(vigil, as_json=as_json))

    last = asyncio.run(run())
    raise typer.Exit(0 if last is None or last.well else 1)


async def _once(vigil: Vigil, *, as_json: bool) -> Report:
    """Two looks a second apart show what moves; a few more where a touchpoint has not reported since the first."""
    from services.ops.words import Step

    first = report = await vigil.look()
    for _ in range(LOOKS_MAX - 1):
        await asyncio.sleep(LOOK_AGAIN_S)
        report = await vigil.look()
        unsure = (row.step is Step.SLOW and row.reported_at < first.at for row in report.touchpoints)
        if not any(unsure):
            break
    _print(report, as_json=as_json)
    return report


async def _watch(vigil: Vigil, interval: float, *, as_json: bool) -> Report | None:
    """Looks until interrupted; on a terminal in place, else one report after the other."""
    import contextlib
    import signal

    from rich.live import Live

    from services.clock import monotonic
    from services.ops.tables import render

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    console = _console()
    live = Live(console=console, screen=True, auto_refresh=False) if console.is_terminal and not as_json else None
    report: Report | None = None
    with live or contextlib.nullcontext():
        while not stop.is_set():
            started = monotonic()
            looking, stopping = asyncio.ensure_future(vigil.look()), asyncio.ensure_future(stop.wait())
            await asyncio.wait({looking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not looking.done():
                looking.cancel()
                break
            report = looking.result()
            if live:
                live.update(render(report, width=console.width), refresh=True)
            else:
                _print(report, as_json=as_json)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), max(0.0, interval - (monotonic() - started)))
    if live and report:
        _print(report, as_json=False)
    return report


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        import orjson

        from services.ops.document import document

        typer.echo(orjson.dumps(document(report)))
        return
    from services.ops.tables import render

    console = _console()
    console.print(render(report, width=console.width))


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)
