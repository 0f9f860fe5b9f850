"""`unisono simulate`: what files of events come to under some promotions, with no server at all."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from services.cli.errors import UsageError

if TYPE_CHECKING:
    from rich.progress import Progress

    from services.adapters.event_files import BadLine
    from services.simulation.folding import Folded, Plan, Result
    from services.simulation.heap import EventHeap
    from services.simulation.outputs import Output
    from services.simulation.reading import Found, Reader
    from services.words.decisions import Explanation

_BAD_LINES_TOLD = 20
Spoken = Literal["en", "it"]


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
    language: Annotated[Spoken, typer.Option(help="Of --explain")] = "en",
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
    from services.cli.simulation_plan import plan_of
    from services.cli.simulation_words import explained
    from services.simulation.heap import EventHeap
    from services.simulation.reading import Reader
    from services.simulation.workers import processes

    plan = plan_of(promotions, until, wallets=out is not None, journal=journal is not None)
    missing = next((file for file in events if not file.is_file()), None)
    if missing is not None:
        raise UsageError(f"{missing} is no file")
    in_parallel = processes(sum(file.stat().st_size for file in events), jobs)
    with _clear_errors(), _tidy_when_ended(), ExitStack() as stack:
        heap = stack.enter_context(EventHeap())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="unisono-")))
        found = _read(heap, events, Reader(plan.until, explain), in_parallel)
        result = _fold(heap, plan, folder, in_parallel, [out, journal])
        told = {
            cause: explained(heap, result.plan, member_id, cause, language)
            for member_id, cause in sorted(found.asked_for)
        }
    _tell(plan, found, result, explained=told if explain is not None else None, as_json=as_json)


@contextmanager
def _clear_errors() -> Iterator[None]:
    import sqlite3
    from concurrent.futures.process import BrokenProcessPool

    try:
        yield
    except BrokenProcessPool as error:
        raise UsageError("a process was ended from outside, for want of memory perhaps: --jobs 1 needs less") from error
    except sqlite3.Error as error:
        told = f"the folder for temporary files cannot hold the events: {error}"
        raise UsageError(f"{told} (the variable TMPDIR names another)") from error
    except OSError as error:
        if error.filename is None:
            raise UsageError(f"a file cannot be written: {error.strerror}") from error
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from error


@contextmanager
def _tidy_when_ended() -> Iterator[None]:
    """SIGTERM leaves through every `with`, as Ctrl-C does."""
    import signal

    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
        progress.update(task, description="Sorting")
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

    def begin(self, number: int, *, whole: bool) -> None:
        """Another pass: everything is written again."""
        if number > 1:
            self._progress.remove_task(self._task)
            total = self._events if whole else None
            self._task = self._progress.add_task(f"Shared limits, pass {number}", total=total)
        for output in (self._wallets, self._journal):
            if whole and output is not None:
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


def _tell(
    plan: Plan, found: Found, result: Result, *, explained: dict[str, list[Explanation]] | None, as_json: bool
) -> None:
    from services.cli import explanations, simulation_report, simulation_words
    from services.engine.terms import compile_terms

    terms = compile_terms(plan.programme_versions, plan.terms)[-1]
    ids = [version.promotion.promotion for version in plan.versions]
    if not result.settled:
        print("Shared limits did not settle: none is overdrawn, but some went to other members.", file=sys.stderr)
    if as_json:
        import orjson

        told = simulation_report.plain(result, found, ids, terms)
        if explained is not None:
            told["explained"] = {cause: explanations.plain(each) for cause, each in explained.items()}
        print(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    simulation_report.show(result, found, ids, terms)
    for cause, each in (explained or {}).items():
        simulation_words.show(cause, each)
    if explained is not None and not explained:
        print("\nNo event that counts has the id that --explain names.")


def _bar() -> Progress:
    """A progress bar on stderr, or nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)
