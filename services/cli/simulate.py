"""`unisono simulate`: what a file of events comes to under some promotions, with no server at all."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from services.cli.errors import DOES_NOT_HOLD, UsageError

if TYPE_CHECKING:
    from rich.progress import Progress

    from schemas.events.catalogue import Event
    from services.engine.entries import Entry
    from services.engine.programme import Programme
    from services.engine.simulation import Simulation

_BAD_LINES_TOLD = 20


@dataclass(slots=True)
class Report:
    """What the simulation came to."""

    events: int = 0
    duplicates: int = 0
    members: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    rewards: dict[str, Counter[str]] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "events": self.events,
            "duplicates": self.duplicates,
            "refused": dict(sorted(self.refused.items())),
            "members": self.members,
            "rewards": {promotion: dict(counted) for promotion, counted in sorted(self.rewards.items())},
        }


def simulate(
    promotions: Annotated[list[Path], typer.Option(help="Promotion documents, or folders of them")],
    events: Annotated[list[Path], typer.Option(help="Files of events, .jsonl or .jsonl.gz")],
    *,
    out: Annotated[Path | None, typer.Option(help="Write the wallets, one a line")] = None,
    journal: Annotated[Path | None, typer.Option(help="Write the ledger entries, one a line")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table")] = False,
) -> None:
    """Fold files of events under promotions: who would hold what.

    The order of the lines does not matter and a repeated event counts once. Promotions are in force from the beginning
    of time, as far as their schedule allows. A line that is no event is told with its place and skipped.
    """
    from services.engine.simulation import Simulation

    programme = _programme(promotions)
    report = Report()
    heap = Simulation()
    _take_files(heap, events, report)
    report.events, report.duplicates = heap.events, heap.duplicates
    try:
        _fold(heap, programme, report, out, journal)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from error
    if as_json:
        import orjson

        print(orjson.dumps(report.plain(), option=orjson.OPT_INDENT_2).decode())
    else:
        _print_tables(report)


def _programme(paths: Sequence[Path]) -> Programme:
    from services.cli.documents import documents
    from services.engine.programme import PromotionVersion, compile_programme
    from services.engine.simulation import ALWAYS
    from services.settings import Settings
    from services.terms import programme_terms

    loaded = documents(paths)
    problems = [problem for document in loaded for problem in document.problems]
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        raise typer.Exit(DOES_NOT_HOLD)
    versions = {document.promotion.promotion: document.promotion for document in loaded if document.promotion}
    if len(versions) != len(loaded):
        raise UsageError("two documents have the same promotion id: `unisono promotions check` names them")
    return compile_programme([PromotionVersion(p, 1, ALWAYS) for p in versions.values()], programme_terms(Settings()))


def _take_files(heap: Simulation, files: Sequence[Path], report: Report) -> None:
    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None:
        raise UsageError(f"{missing} is no file")
    with _bar("Reading", sum(file.stat().st_size for file in files)) as progress:
        for file in files:
            try:
                for line in _valid_events(file, report, progress):
                    heap.take(line)
            except (OSError, EOFError) as error:
                raise UsageError(f"{file} cannot be read: {error}") from error
    if heap.conflicts:
        report.refused["id_conflict"] += heap.conflicts


def _valid_events(file: Path, report: Report, progress: Progress) -> Iterator[Event]:
    from services.adapters.event_files import BadLine, read_events
    from services.engine.simulation import plausible

    def refuse(reason: str, sentence: object) -> None:
        report.refused[reason] += 1
        if report.refused.total() <= _BAD_LINES_TOLD:
            print(sentence, file=sys.stderr)

    for line in read_events(file, advanced=lambda size: progress.advance(progress.task_ids[0], size)):
        if isinstance(line, BadLine):
            refuse(line.reason, line)
        elif not plausible(line.event):
            refuse("invalid_time", f"{file}:{line.line}: invalid_time: {line.envelope.time.year} is no year to shop in")
        else:
            yield line.event


def _fold(heap: Simulation, programme: Programme, report: Report, out: Path | None, journal: Path | None) -> None:
    from services.engine.simulation import record_of, rewards_by_promotion

    with ExitStack() as files, _bar("Folding", heap.events) as progress:
        wallets = _opened(out, files)
        entries = _opened(journal, files)
        for outcome, events in heap.outcomes(programme):
            report.members += 1
            for (promotion, kind), amount in rewards_by_promotion(outcome).items():
                report.rewards.setdefault(promotion, Counter())[kind] += amount
            if wallets is not None:
                wallets.write(record_of(outcome, events) + b"\n")
            if entries is not None:
                entries.writelines(_line(outcome.wallet.member_id, entry) for entry in outcome.entries)
            progress.advance(progress.task_ids[0], len(events))


def _opened(path: Path | None, files: ExitStack) -> IO[bytes] | None:
    return files.enter_context(path.open("wb")) if path is not None else None


def _line(member_id: str, entry: Entry) -> bytes:
    import orjson

    from schemas.values import rfc3339

    body = {
        "member_id": member_id,
        "entry_id": entry.key,
        "type": f"unisono.{entry.kind}.v1",
        "unit": entry.unit,
        "debit": entry.debit,
        "credit": entry.credit,
        "amount": entry.amount,
        "promotion_id": entry.promotion_id,
        "promotion_version": entry.promotion_version,
        "offer_id": entry.offer_id,
        "coupon_id": entry.coupon_id,
        "caused_by": entry.cause,
        "occurred_at": rfc3339(entry.occurred_at),
        "detail": entry.detail or None,
    }
    return orjson.dumps(body) + b"\n"


def _bar(what: str, total: int) -> Progress:
    """A progress bar on stderr, or nothing where that is no terminal; its one task is `task_ids[0]`."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=console, disable=not console.is_terminal)
    progress.add_task(what, total=total)
    return progress


def _print_tables(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("events", f"{report.events:,}")
    table.add_row("duplicates", f"{report.duplicates:,}")
    for reason, count in sorted(report.refused.items()):
        table.add_row(f"refused: {reason}", f"{count:,}")
    table.add_row("members", f"{report.members:,}")
    console.print(table)
    rewards = Table("promotion", box=None, pad_edge=False)
    for heading in ("goals", "coupons", "points"):
        rewards.add_column(heading, justify="right")
    for promotion, counted in sorted(report.rewards.items()):
        kinds = ("offer.completed", "coupon.issued", "points.earned")
        rewards.add_row(promotion, *(f"{counted[kind]:,}" for kind in kinds))
    console.print()
    console.print(rewards)
