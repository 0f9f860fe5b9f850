"""`unisono contests`: publish the hash of a contest's seed, draw, and let anybody check the draw."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.errors import DOES_NOT_HOLD, UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from schemas.contest_report import ContestReport, ReportedInstantWin
    from schemas.promotions.document import Promotion
    from schemas.promotions.loading import Loaded
    from services.cli.contest_reports import ContestDocument

contests_app = typer.Typer(no_args_is_help=True, help="Hold prize contests, and check how they were held.")

Document = Annotated[Path, typer.Argument(help="The promotion document of the contest")]
Journal = Annotated[list[Path], typer.Option(help="Files of journal entries, .jsonl or .jsonl.gz")]
_SECRET_CHARACTERS_MIN = 16
_HASH_PATH = "contest.seed_sha256"
_REASONS = {
    "matches": "in the document",
    "missing": "put it into the document: contest: {{seed_sha256: {0}}}",
    "differs": "NOT what the document says: contest: {{seed_sha256: {0}}}",
}


@contests_app.callback()
def contests() -> None:
    """Hold prize contests, and check how they were held."""


@contests_app.command("seed-hash")
def seed_hash(
    documents: Annotated[list[Path], typer.Argument(help="Documents with a contest, or folders of them")],
) -> None:
    """Print the hash that a contest's document publishes before its start; ends with 1 if one does not stand there.

    The seed follows from the programme's secret and the promotion's id. A contest that has begun without its hash is
    refused: published afterwards it would prove nothing.
    """
    from services.clock import utc_now
    from services.engine.calendar.moments import micros
    from services.engine.rewarding.contests import seed_hash as hashed

    _warn_of_secret()
    held = True
    now = micros(utc_now())
    for document, promotion in _with_contests(documents):
        found = _read(document, promotion)
        computed = hashed(_seed(promotion))
        written = _place(document, ("contest", "seed_sha256"))
        state = "missing" if written is None else "matches" if written == computed else "differs"
        held &= state == "matches"
        print(f"{promotion.promotion}  {computed}  {_REASONS[state].format(computed)}")
        if state != "matches" and found.starts is not None and found.starts <= now:
            raise UsageError(f"{document.file}: the contest has begun: a hash published now proves nothing")
    if not held:
        raise typer.Exit(DOES_NOT_HOLD)


@contests_app.command()
def moments(
    document: Document,
    *,
    reveal: Annotated[bool, typer.Option("--reveal", help="Really list them: who knows them can win")] = False,
) -> None:
    """List the winning moments of an instant win, one a line with its prize; meant for when the contest is over."""
    from services.cli.contest_reports import exact
    from services.clock import utc_now
    from services.engine.calendar.moments import micros
    from services.engine.rewarding.contests import winning_moments

    found = _only(document)
    instant_win = found.contest.instant_win
    if instant_win is None:
        raise UsageError(f"{document}: the contest has no instant win")
    drawn = winning_moments(instant_win.prizes, _seed(found.promotion, found), *found.table_span)
    if not reveal:
        print(f"{len(drawn)} winning moments; --reveal lists them, once the contest is over")
        return
    if micros(utc_now()) < found.over:
        print("The contest still runs: whoever sees this list can win with it.", file=sys.stderr)
    for instant, place in drawn:
        print(f"{exact(instant)}  {instant_win.prizes[place].prize}")


@contests_app.command()
def entries(
    document: Document,
    journal: Journal,
    *,
    out: Annotated[Path | None, typer.Option(help="Write the list of entries, one a line")] = None,
) -> None:
    """Close the list of entries: print its SHA-256, for the notary to keep before the seed is shown. Needs no secret.

    The SHA-256 is that of the file which `--out` writes.
    """
    from hashlib import sha256

    from services.cli.contest_reports import journal_of, terms

    found = _only(document)
    if found.contest.draw is None:
        raise UsageError(f"{document}: the contest has no draw")
    digest, count = sha256(), 0
    with journal_of(terms(found, bytes(32)), journal) as kept, _written(out) as write:
        for line in kept:
            digest.update(line + b"\n")
            write(line + b"\n")
            count += 1
    print(f"{digest.hexdigest()}  {count} {'entry' if count == 1 else 'entries'}")


@contests_app.command()
def draw(
    document: Document,
    journal: Journal,
    *,
    out: Annotated[Path | None, typer.Option(help="Write the report that can be checked, as JSON")] = None,
) -> None:
    """Hold the draw, list the instant wins, and write the report. It reveals the seed: refused before the end."""
    from services.cli.contest_reports import canonical, carried_out, exact, terms
    from services.clock import utc_now
    from services.engine.calendar.moments import micros

    found = _only(document)
    seed = _seed(found.promotion, found)
    if micros(utc_now()) < found.over:
        raise UsageError(f"{document}: the contest is not over before {exact(found.over)}: the report shows its seed")
    report, wrong = carried_out(terms(found, seed), journal)
    if wrong:
        print(*wrong, sep="\n")
        raise typer.Exit(DOES_NOT_HOLD)
    if report.draw and not report.draw.entries:
        raise UsageError(f"the journal has no entry to the draw of {report.promotion}")
    text = canonical(report)
    with _written(out) as write:
        write(text)
    _print(report, text)


@contests_app.command()
def verify(
    report: Annotated[Path, typer.Argument(help="The report that `draw` wrote")],
    journal: Journal,
    *,
    document: Annotated[Path | None, typer.Option(help="The document as it was published before the start")] = None,
) -> None:
    """Redo a contest from its report and the journal, without any secret; ends with 1 if anything differs."""
    from services.cli.contest_reports import differences, read_report

    read = read_report(report)
    found = differences(read, journal, _only(document) if document else None)
    if found:
        print(*found, sep="\n")
        raise typer.Exit(DOES_NOT_HOLD)
    drawn = f"{len(read.draw.drawn)} drawn of {read.draw.members} members" if read.draw else "no draw"
    won = f"{len(read.instant_win.moments)} winning moments" if read.instant_win else "no instant win"
    against = "the document, the seed's hash and the journal" if document else "the seed's hash and the journal"
    print(f"{read.promotion}: the report holds against {against}: {drawn}, {won}")


def _only(path: Path) -> ContestDocument:
    """The one document at this path, with its contest."""
    from services.cli.documents import documents

    loaded = documents([path])
    if len(loaded) != 1:
        raise UsageError(f"{path}: name one document")
    [document] = loaded
    if document.promotion is None:
        for problem in document.problems:
            print(problem, file=sys.stderr)
        raise typer.Exit(DOES_NOT_HOLD)
    return _read(document, document.promotion)


def _read(document: Loaded, promotion: Promotion) -> ContestDocument:
    from services.cli.contest_reports import contest_document

    return contest_document(promotion, document.file)


def _with_contests(paths: list[Path]) -> Iterator[tuple[Loaded, Promotion]]:
    """The documents that hold a contest; one whose only fault is that the hash is missing is as good as any."""
    from services.cli.documents import documents

    found = False
    for document in documents(paths):
        if document.tree is not None and _place(document, ("contest",)) is None:
            continue
        promotion = document.promotion or _but_for_the_hash(document)
        if promotion is None:
            for problem in document.problems:
                print(problem, file=sys.stderr)
            raise typer.Exit(DOES_NOT_HOLD)
        found = True
        yield document, promotion
    if not found:
        raise UsageError("no contest in these documents")


def _but_for_the_hash(document: Loaded) -> Promotion | None:
    from pydantic import ValidationError

    from schemas.promotions.document import Promotion

    if document.tree is None or any(problem.path != _HASH_PATH for problem in document.problems):
        return None
    plain = document.tree.plain()
    try:
        return Promotion.model_validate({**plain, "contest": {**plain["contest"], "seed_sha256": "0" * 64}})
    except (ValidationError, KeyError, TypeError):
        return None


def _place(document: Loaded, path: tuple[str, ...]) -> object:
    """What the document says at a path, None where it says nothing."""
    value = document.tree.plain() if document.tree is not None else None
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _seed(promotion: Promotion, announced: ContestDocument | None = None) -> bytes:
    """The contest's seed; UsageError where it is not the one whose hash was announced."""
    from services.engine.rewarding.contests import seed_hash, seed_of
    from services.settings import Settings

    seed = seed_of(Settings().programme_secret.get_secret_value().encode(), promotion.promotion)
    if announced is not None and seed_hash(seed) != announced.contest.seed_sha256:
        raise UsageError(
            f"{announced.file}: {_HASH_PATH} is not the hash of this contest's seed:"
            " UNISONO_PROGRAMME_SECRET is another than when it was published"
        )
    return seed


def _warn_of_secret() -> None:
    from services.settings import Settings

    settings = Settings()
    if not settings.secret_chosen:
        print("The programme's secret is the one everybody knows, and so are the seeds: set your own.", file=sys.stderr)
    elif len(settings.programme_secret.get_secret_value()) < _SECRET_CHARACTERS_MIN:
        print("The programme's secret is short: whoever guesses it can tell from the hash that it is.", file=sys.stderr)


@contextmanager
def _written(out: Path | None) -> Iterator[Callable[[bytes], object]]:
    """What is written appears under its name only when it is whole; without a name it is dropped."""
    if out is None:
        yield lambda _: None
        return
    part = out.with_name(f".{out.name}.part")
    try:
        with part.open("wb") as file:
            yield file.write
        part.replace(out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _print(report: ContestReport, text: bytes) -> None:
    from hashlib import sha256

    from rich.console import Console
    from rich.table import Table

    # Digests are copied and compared: they are never broken or cut, however narrow the terminal.
    for name, value in (*_facts(report), ("SHA-256 of this report", sha256(text).hexdigest())):
        print(f"{name + ':':<36}{value}")
    console = Console(highlight=False, markup=False)
    if report.draw:
        drawn = Table("prize", "as", "member", "entry", "ticket", box=None, pad_edge=False)
        for column in drawn.columns:
            column.overflow = "fold"
        for place in report.draw.drawn:
            role = f"{'reserve' if place.reserve else 'winner'} {place.place}"
            drawn.add_row(place.prize, role, place.member_id, place.entry_id, str(place.ticket))
        console.print()
        console.print(drawn)
    if report.instant_win:
        console.print()
        console.print(_wins(report.instant_win))


def _facts(report: ContestReport) -> Iterator[tuple[str, str]]:
    yield "promotion", report.promotion
    yield "versions in the journal", ", ".join(map(str, report.versions)) or "none"
    yield "document", f"{report.document.file}, SHA-256 {report.document.sha256}"
    yield "algorithm", report.algorithm
    yield "SHA-256 of the seed, as published", report.seed_sha256
    yield "seed", report.seed
    if report.draw:
        draw = report.draw
        yield "SHA-256 of the list of entries", draw.entries_sha256
        yield "in the draw", f"{draw.entries:,} entries, {draw.tickets:,} tickets, {draw.members:,} members"


def _wins(instant_win: ReportedInstantWin) -> Table:
    from collections import Counter

    from rich.table import Table

    won = Counter(moment.prize for moment in instant_win.moments if moment.member_id is not None)
    table = Table("instant prize", "moments", "won", "not won", box=None, pad_edge=False)
    for prize, moments in Counter(moment.prize for moment in instant_win.moments).items():
        table.add_row(prize, f"{moments:,}", f"{won[prize]:,}", f"{moments - won[prize]:,}")
    return table
