"""A heap of made-up events, and how fast `unisono simulate` folds it.

`python -m tests.bench.simulation --events 1000000` writes the events, runs the command on them and prints seconds,
events a second and the peak of resident memory.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import psutil

from schemas.values import rfc3339
from tests.bench.measure import Row

SIMULATED = 200_000
PROMOTIONS = Path(__file__).parents[2] / "services" / "demo" / "promotions"
EVENTS_A_MEMBER = 10
CATEGORIES = ("FLUID MILK PRODUCTS", "SOFT DRINKS", "COLD CEREAL", "SALAD", "BREAD", "EGGS", "COFFEE", "SOAP")
SKUS = 20_000
_YEAR_MS = 365 * 86_400_000


def write_heap(path: Path, events: int, seed: int = 1) -> None:
    """Orders of three lines, ten a member, over one year, in no order; one in a hundred events is there twice."""
    chance = random.Random(seed)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    members = max(1, events // EVENTS_A_MEMBER)
    with path.open("wb") as out:
        for number in range(events):
            line = _order(number, f"m{chance.randrange(members):08}", start, chance)
            out.write(line)
            if number % 100 == 99:
                out.write(line)


def _order(number: int, member_id: str, start: datetime, chance: random.Random) -> bytes:
    amounts = [chance.randrange(80, 2_000) for _ in range(3)]
    lines = [
        {
            "line_no": place,
            "sku": f"{chance.randrange(SKUS):06}",
            "quantity": 1 + chance.randrange(3),
            "amount": amount,
            "category": chance.choice(CATEGORIES),
        }
        for place, amount in enumerate(amounts, 1)
    ]
    store = chance.randrange(300)
    event = {
        "specversion": "1.0",
        "id": f"o-{number}",
        "source": f"/stores/{store}/tills/{chance.randrange(5)}",
        "type": "unisono.order.completed.v1",
        "time": rfc3339(start + timedelta(milliseconds=chance.randrange(_YEAR_MS))),
        "subject": member_id,
        "datacontenttype": "application/json",
        "data": {
            "order_id": f"o-{number}",
            "member_id": member_id,
            "channel": "web" if chance.random() < 0.1 else "pos",
            "store_id": str(store),
            "currency": "USD",
            "total": sum(amounts),
            "lines": lines,
        },
    }
    return orjson.dumps(event) + b"\n"


def simulate(promotions: Path, events: Path, *more: str) -> tuple[float, float]:
    """Seconds and peak resident MB, of all its processes together, of one run of the command."""
    command = [sys.executable, "-m", "services.cli.main", "simulate", "--promotions", str(promotions)]
    started = time.perf_counter()
    with subprocess.Popen([*command, "--events", str(events), "--json", *more], stdout=subprocess.DEVNULL) as run:
        peak = 0
        while run.poll() is None:
            peak = max(peak, _resident(run.pid))
            time.sleep(0.2)
    if run.returncode:
        raise SystemExit(run.returncode)
    return time.perf_counter() - started, peak / 1024**2


def simulation(events: int) -> tuple[list[Row], dict[str, object]]:
    """A quarter of so many events, then all of them: the same memory, or it would grow with events."""
    figures: dict[str, object] = {}
    peaks = []
    rows = []
    for count in (events // 4, events) if events else ():
        with tempfile.TemporaryDirectory(prefix="unisono-bench-") as folder:
            heap = Path(folder) / "heap.jsonl"
            write_heap(heap, count)
            seconds, peak = simulate(PROMOTIONS, heap, "--jobs", "2")
        peaks.append(peak)
        figures[str(count)] = {"seconds": round(seconds, 1), "rss_mb_max": round(peak)}
        rows.append(Row("B4", f"{count:,} events simulated", f"{seconds:.0f} s, {peak:.0f} MB"))
    if peaks:
        grown = peaks[1] / peaks[0]
        rows.append(Row("B4", "its memory with four times the events", f"{grown:.2f}×", "≤ 1.2×", grown <= 1.2))
    return rows, figures


def _resident(pid: int) -> int:
    try:
        first = psutil.Process(pid)
        return sum(process.memory_info().rss for process in (first, *first.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def main() -> None:
    """Write, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--promotions", type=Path, default=PROMOTIONS)
    parser.add_argument("more", nargs="*", help="handed to the command, after --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unisono-bench-") as folder:
        heap = Path(folder) / "heap.jsonl"
        write_heap(heap, arguments.events)
        size = heap.stat().st_size / 1024**2
        seconds, peak = simulate(arguments.promotions, heap, *arguments.more)
    print(f"{arguments.events:,} events, {size:,.0f} MB: {seconds:.1f} s, {arguments.events / seconds:,.0f} events/s,")
    print(f"at most {peak:,.0f} MB resident in all processes together")


if __name__ == "__main__":
    main()
