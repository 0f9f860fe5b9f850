"""`unisono simulate`: what files of events come to under some promotions, with no server at all."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.errors import DOES_NOT_HOLD, UsageError

if TYPE_CHECKING:
    from rich.progress import Progress

    from services.adapters.event_files import BadLine
    from services.simulation.folding import Folded, Plan, Result
    from services.simulation.heap import EventHeap
    from services.simulation.outputs import Output
    from services.simulation.reading import Found, Reader

_BAD_LINES_TOLD = 20


def simulate(
    promotions: Annotated[
        list[Path], typer.Option(help="Promotion documents, or folders of them; one may be the programme's")
    ],
    events: Annotated[list[Path], typer.Option(help="Files of events, .jsonl or .jsonl.gz")],
    *,
    until: Annotated[
        str | None, typer.Option(help="Let time pass until the end of this day, and leave out what happened later")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the wallets, one a line")] = None,
    journal: Annotated[Path | None, typer.Option(help="Write the ledger entries, one a line")] = None,
    explain: Annotated[str | None, typer.Option(help='Say why for this event, by its id or "source id"')] = None,
    language: Annotated[str, typer.Option(help="of --explain: en or it")] = "en",
    jobs: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes; default: one, or one for each CPU for large files")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table")] = False,
) -> None:
    """Fold files of events under promotions: who would hold what, and what it would cost.

    The order of the lines does not matter and a repeated event counts once. Promotions are in force from the beginning
    of time, as far as their schedule allows. What members share (budgets, stocks) is granted in the order of time. A
    line that is no event is told with its place and skipped. Files of any size: memory does not grow with them.
    """
    from services.simulation.heap import EventHeap
    from services.simulation.reading import Reader
    from services.simulation.workers import processes

    _check_language(language)
    plan = _plan(promotions, until, wallets=out is not None, journal=journal is not None)
    missing = next((file for file in events if not file.is_file()), None)
    if missing is not None:
        raise UsageError(f"{missing} is no file")
    in_parallel = processes(sum(file.stat().st_size for file in events), jobs)
    with _clear_errors(), ExitStack() as stack:
        heap = stack.enter_context(EventHeap())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="unisono-")))
        found = _read(heap, events, Reader(plan.until, explain), in_parallel)
        result = _fold(heap, plan, folder, in_parallel, [out, journal])
        told = {cause: _why(heap, result.plan, member_id, cause) for member_id, cause in sorted(found.asked_for)}
    _tell(plan, found, result, explained=told if explain is not None else None, as_json=as_json)


def _check_language(language: str) -> None:
    if language not in ("en", "it"):
        raise UsageError(f"{language!r} is no language we explain in: en or it")


def _plan(paths: Sequence[Path], until: str | None, *, wallets: bool, journal: bool) -> Plan:
    from services.cli.documents import documents
    from services.engine.programme import PromotionVersion
    from services.engine.simulation import ALWAYS
    from services.settings import Settings
    from services.simulation.folding import Plan
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
    terms = programme_terms(Settings())
    return Plan(
        tuple(PromotionVersion(promotion, 1, ALWAYS) for promotion in versions.values()),
        terms,
        until=_end(until, terms.timezone) if until is not None else None,
        wallets=wallets,
        journal=journal,
    )


def _end(text: str, timezone: str) -> datetime:
    """The last instant of a day, or the instant that was given with its offset."""
    from zoneinfo import ZoneInfo

    from schemas.envelope import EnvelopeError, parse_time
    from schemas.promotions.written import LocalMoment
    from services.engine.moments import closing, moment_of

    try:
        return parse_time(text)
    except EnvelopeError:
        pass
    try:
        return moment_of(closing(LocalMoment.parse(text), ZoneInfo(timezone)))
    except ValueError as error:
        raise UsageError(f"--until {text}: a day is written 2026-12-31") from error


@contextmanager
def _clear_errors() -> Iterator[None]:
    import sqlite3

    try:
        yield
    except sqlite3.Error as error:
        told = f"the folder for temporary files cannot hold the events: {error}"
        raise UsageError(f"{told} (the variable TMPDIR names another)") from error
    except OSError as error:
        if error.filename is None:
            raise UsageError(f"a file cannot be written: {error.strerror}") from error
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from error


def _read(heap: EventHeap, files: Sequence[Path], reader: Reader, jobs: int) -> Found:
    from services.simulation.reading import read_files

    told = 0

    def refused(line: BadLine) -> None:
        nonlocal told
        told += 1
        if told <= _BAD_LINES_TOLD:
            print(line, file=sys.stderr)

    with _bar() as progress:
        task = progress.add_task("Reading", total=sum(file.stat().st_size for file in files))
        try:
            found = read_files(
                heap, files, reader, jobs, advanced=lambda size: progress.advance(task, size), refused=refused
            )
        except (OSError, EOFError) as error:
            raise UsageError(f"the events cannot be read: {error}") from error
        if conflicts := heap.disown():
            found.refused["id_conflict"] += conflicts
    return found


class _Follower:
    """Follows the passes on a progress bar, and writes what was asked for."""

    def __init__(self, progress: Progress, events: int, outputs: Sequence[Output | None]) -> None:
        self._progress = progress
        self._events = events
        self._wallets, self._journal = outputs
        self._task = progress.add_task("Folding", total=events)

    def begin(self, number: int) -> None:
        """Another pass: everything is written again."""
        if number > 1:
            self._progress.remove_task(self._task)
            self._task = self._progress.add_task(f"Shared limits, pass {number}", total=self._events)
        for output in (self._wallets, self._journal):
            if output is not None:
                output.restart()

    def folded(self, folded: Folded) -> None:
        """Some members more."""
        if self._wallets is not None:
            self._wallets.write(folded.wallets)
        if self._journal is not None:
            self._journal.write(folded.journal)
        self._progress.advance(self._task, folded.found)


def _fold(heap: EventHeap, plan: Plan, folder: Path, jobs: int, paths: Sequence[Path | None]) -> Result:
    from services.simulation.folding import fold_heap
    from services.simulation.outputs import Output

    with ExitStack() as files, _bar() as progress:
        outputs = [files.enter_context(Output(path)) if path is not None else None for path in paths]
        result = fold_heap(heap, plan, folder, jobs, _Follower(progress, heap.taken, outputs))
        for output in outputs:
            if output is not None:
                output.finish()
    return result


def _why(heap: EventHeap, plan: Plan, member_id: str, cause: str) -> list[str]:
    """Why that event led to what it led to, a sentence or more for each promotion."""
    from services.simulation.folding import decisions_on

    return [f"{decision.promotion_id}: {decision.result}" for decision in decisions_on(heap, plan, member_id, cause)]


def _tell(plan: Plan, found: Found, result: Result, *, explained: dict[str, list[str]] | None, as_json: bool) -> None:
    from services.cli.simulation_report import plain, show

    terms = plan.programme().terms_at(0)
    ids = [version.promotion.promotion for version in plan.versions]
    if not result.settled:
        print("Shared limits did not settle: none is overdrawn, but some went to other members.", file=sys.stderr)
    if as_json:
        import orjson

        told = plain(result, found, ids, terms)
        if explained is not None:
            told["explained"] = explained
        print(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    show(result, found, ids, terms)
    for cause, lines in (explained or {}).items():
        print(f"\n{cause}")
        for line in lines:
            print(f"  {line}")
    if explained is not None and not explained:
        print("\nNo event that counts has the id that --explain names.")


def _bar() -> Progress:
    """A progress bar on stderr, or nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)
