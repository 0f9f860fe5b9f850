"""`make bench`: measures, prints one table with the goals beside, and writes build/bench.json.

Three numbers with strokes between are p50, p95 and p99.

`python -m tests.bench.run B1 B2` runs only these. Figures of one machine count as ratios within one run; nothing is
asserted here. What each row measures is in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import tempfile
from pathlib import Path

import orjson
from rich import box
from rich.console import Console
from rich.table import Table

from services.cli.setup import prepare
from services.embedded.stack import Stack
from services.settings import Settings
from services.telemetry import configure_logging
from tests.bench.backlog import EVENTS, backlog
from tests.bench.engine import COUNTS, engine
from tests.bench.load import real_events
from tests.bench.measure import Row
from tests.bench.propagation import RATES, ROUNDS, propagation
from tests.bench.publication import publication
from tests.bench.simulation import SIMULATED, simulation
from tests.bench.start import start

PROMOTIONS = Path(__file__).parents[2] / "services" / "demo" / "promotions"
RESULT = Path("build") / "bench.json"
BENCHES = ("B1", "B2", "B4", "B9")


def main() -> None:
    """Run the benchmarks that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=f"any of {', '.join(BENCHES)}; default: all")
    parser.add_argument("--events", type=int, default=EVENTS, help="backlog of B2")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="how many promotions, of B4")
    parser.add_argument("--simulated", type=int, default=SIMULATED, help="events of B4's simulation, 0 for none")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of B1")
    parser.add_argument("--rates", type=int, nargs="+", default=RATES, help="events a second of B1")
    arguments = parser.parse_args()
    if unknown := set(arguments.benches) - set(BENCHES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    console = Console(stderr=True, highlight=False)
    configure_logging(Settings().model_copy(update={"log_level": "error"}))
    rows, figures = asyncio.run(_run(arguments, console))
    RESULT.parent.mkdir(exist_ok=True)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    RESULT.write_bytes(orjson.dumps({"machine": machine, **figures}, option=orjson.OPT_INDENT_2))
    Console(highlight=False).print(_table(rows))
    console.print(f"Written to {RESULT}")


async def _run(arguments, console: Console) -> tuple[list[Row], dict[str, object]]:
    rows: list[Row] = []
    figures: dict[str, object] = {}
    real_events()
    for bench in arguments.benches or BENCHES:
        console.print(f"Running {bench}")
        if bench == "B9":
            found = await start()
        elif bench == "B4":
            found = await _decisions(arguments)
        else:
            with tempfile.TemporaryDirectory(prefix="unisono-bench-") as home:
                found = await _on_stack(bench, Path(home), arguments)
        rows += found[0]
        figures[bench] = found[1]
    return rows, figures


async def _decisions(arguments) -> tuple[list[Row], dict[str, object]]:
    rows, figures = engine(arguments.counts)
    for name, (more, told) in {
        "publication": await publication(max(arguments.counts)),
        "simulation": simulation(arguments.simulated),
    }.items():
        rows += more
        figures[name] = told
    return rows, figures


async def _on_stack(bench: str, home: Path, arguments) -> tuple[list[Row], dict[str, object]]:
    async def prepared(own: Settings) -> None:
        await prepare(own, [PROMOTIONS])

    own = {"kafka_bootstrap_servers": None, "database_url": None, "gateway_port": 0, "console_port": 0, "home": home}
    settings = Settings().model_copy(update={**own, "currency": "USD"})
    if bench == "B2":
        async with Stack(settings, prepare=prepared, roles=(), stores=()) as stack:
            return await backlog(stack, events=arguments.events)
    async with Stack(settings, prepare=prepared, stores=("433",)) as stack:
        return await propagation(stack, rounds=arguments.rounds, rates=arguments.rates)


def _table(rows: list[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("", "measure", "figure", "goal", ""):
        table.add_column(column, no_wrap=column != "measure")
    before = None
    for row in rows:
        if before not in (None, row.bench):
            table.add_section()
        verdict = "" if row.met is None else "[green]met" if row.met else "[red]missed"
        table.add_row("" if before == row.bench else row.bench, row.what, row.figure, row.goal, verdict)
        before = row.bench
    return table


if __name__ == "__main__":
    main()
