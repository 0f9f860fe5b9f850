"""The report of a contest: made from a document, a seed and a journal; redone and compared without any secret."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from pydantic import ValidationError

from schemas.contest_report import (
    ContestReport,
    ReportedDocument,
    ReportedDraw,
    ReportedInstantWin,
    ReportedMoment,
    ReportedPlace,
    ReportedPrize,
)
from schemas.promotions.document import Promotion
from schemas.promotions.rewards import Contest, InstantPrize
from services.cli.contest_journal import ContestJournal, Won, read_journal
from services.cli.errors import UsageError
from services.engine.calendar.moments import closing, micros, moment_of, opening
from services.engine.rewarding.contests import ContestError, InstantWinTable, draw_listed, seed_hash

_REPORT_BYTES_MAX = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ContestDocument:
    """A promotion document with a contest, its times worked out in microseconds since 1970."""

    file: str
    sha256: str
    promotion: Promotion
    contest: Contest
    starts: int | None
    ends: int | None
    draw_at: int | None

    @property
    def over(self) -> int:
        """The first instant at which nothing more can change: then the seed may be shown. Raises UsageError."""
        known = [instant for instant in (self.draw_at, None if self.ends is None else self.ends + 1) if instant]
        if not known:
            raise UsageError(f"{self.file}: the contest has no end: write `schedule.until`")
        return max(known)

    @property
    def table_span(self) -> tuple[int, int]:
        """First and last instant at which something can be won at once. Raises UsageError."""
        if self.starts is None or self.ends is None:
            raise UsageError(f"{self.file}: an instant win needs `schedule.from` and `schedule.until`")
        return self.starts, self.ends


def contest_document(promotion: Promotion, file: str) -> ContestDocument:
    """The document with its times. Raises UsageError where there is no contest or no time zone is written out."""
    contest, schedule = promotion.contest, promotion.schedule
    if contest is None:
        raise UsageError(f"{file}: the promotion {promotion.promotion} has no contest")
    if schedule.timezone is None:
        raise UsageError(f"{file}: a contest names its own time zone: write `schedule.timezone`")
    zone = ZoneInfo(schedule.timezone)
    return ContestDocument(
        file=Path(file).name,
        sha256=sha256(Path(file).read_bytes()).hexdigest(),
        promotion=promotion,
        contest=contest,
        starts=opening(schedule.from_, zone) if schedule.from_ else None,
        ends=closing(schedule.until, zone) if schedule.until else None,
        draw_at=opening(contest.draw.at, zone) if contest.draw else None,
    )


def exact(instant: int) -> str:
    """An instant as the report writes it: to the microsecond."""
    return _exact(moment_of(instant))


def _exact(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _instant(text: str) -> int:
    return micros(datetime.fromisoformat(text))


def terms(document: ContestDocument, seed: bytes) -> ContestReport:
    """The report before anything is drawn: what was announced, and the seed."""
    contest, draw, instant = document.contest, None, None
    if contest.draw is not None and document.draw_at is not None:
        at, several = exact(document.draw_at), contest.draw.several_prizes
        draw = ReportedDraw(at=at, several_prizes=several, prizes=contest.draw.prizes)
    if contest.instant_win is not None:
        starts, ends = document.table_span
        prizes = tuple(ReportedPrize(prize=p.prize, winners=p.winners) for p in contest.instant_win.prizes)
        instant = ReportedInstantWin(starts=exact(starts), ends=exact(ends), prizes=prizes)
    return ContestReport(
        promotion=document.promotion.promotion,
        document=ReportedDocument(file=document.file, sha256=document.sha256),
        seed_sha256=contest.seed_sha256,
        seed=seed.hex(),
        draw=draw,
        instant_win=instant,
    )


@contextmanager
def journal_of(announced: ContestReport, files: Sequence[Path]) -> Iterator[ContestJournal]:
    """What these files say of the contest."""
    before = datetime.fromisoformat(announced.draw.at) if announced.draw else None
    with read_journal(announced.promotion, before, files) as journal:
        yield journal


def carried_out(announced: ContestReport, files: Sequence[Path]) -> tuple[ContestReport, list[str]]:
    """The report with everything drawn anew from its seed, its terms and the journal; and what is wrong in the journal.

    Raises UsageError for a journal no draw can be held with.
    """
    seed, wrong = bytes.fromhex(announced.seed), list[str]()
    draw, instant = announced.draw, announced.instant_win
    with journal_of(announced, files) as journal:
        try:
            if draw:
                draw = _draw(seed, draw, journal)
            if instant:
                instant, wrong = _instant_win(seed, instant, journal.wins)
        except ContestError as error:
            raise UsageError(f"the contest cannot be redone: {error}") from error
        versions = tuple(sorted(journal.versions))
    return announced.model_copy(update={"versions": versions, "draw": draw, "instant_win": instant}), wrong


def _draw(seed: bytes, asked: ReportedDraw, journal: ContestJournal) -> ReportedDraw:
    result = draw_listed(seed, journal, asked.prizes, several_prizes=asked.several_prizes)
    values = asdict(result)
    values["drawn"] = tuple(ReportedPlace(**place) for place in values["drawn"])
    return asked.model_copy(update=values)


def _instant_win(seed: bytes, asked: ReportedInstantWin, wins: Sequence[Won]) -> tuple[ReportedInstantWin, list[str]]:
    prizes = [InstantPrize(prize=prize.prize, winners=prize.winners) for prize in asked.prizes]
    table = InstantWinTable.drawn(prizes, seed, _instant(asked.starts), _instant(asked.ends))
    won: dict[int, Won] = {}
    wrong = []
    for win in wins:
        reason = _contradiction(win, table, won)
        if reason is None:
            won[win.moment] = win
        else:
            wrong.append(f"the instant win {win.entry_id} of the member {win.member_id} {reason}")
    moments = tuple(_moment(index, table, won.get(index)) for index in range(len(table)))
    return asked.model_copy(update={"moments": moments}), wrong


def _contradiction(win: Won, table: InstantWinTable, won: dict[int, Won]) -> str | None:
    if not 0 <= win.moment < len(table):
        return f"is number {win.moment} of {len(table)}"
    if win.moment in won:
        return f"is number {win.moment}, which the member {won[win.moment].member_id} won too"
    if win.prize != table.prize(win.moment).prize:
        return f"gave the prize {win.prize}; number {win.moment} is the prize {table.prize(win.moment).prize}"
    # Journals write milliseconds, cut off: a moment within the same one may have come first.
    if micros(win.at) < table.moment(win.moment) // 1000 * 1000:
        return f"came at {_exact(win.at)}, before its moment, {exact(table.moment(win.moment))}"
    return None


def _moment(index: int, table: InstantWinTable, win: Won | None) -> ReportedMoment:
    at, prize = exact(table.moment(index)), table.prize(index).prize
    if win is None:
        return ReportedMoment(at=at, prize=prize)
    return ReportedMoment(at=at, prize=prize, member_id=win.member_id, entry_id=win.entry_id, won_at=_exact(win.at))


def canonical(report: ContestReport) -> bytes:
    """The report's one form: JSON, keys sorted, indented by two, a line feed at the end."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(report.model_dump(mode="json"), option=options)


def read_report(path: Path) -> ContestReport:
    """A report from its file. Raises UsageError where it cannot be read or is none."""
    try:
        if path.stat().st_size > _REPORT_BYTES_MAX:
            raise UsageError(f"{path} is too long for the report of a contest")
        return ContestReport.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path} is no report of a contest: {where}: {first['msg']}") from error


def differences(report: ContestReport, files: Sequence[Path], document: ContestDocument | None) -> list[str]:
    """What does not hold of a report, as sentences: against its own seed, the journal, and the document if given."""
    found = []
    if seed_hash(bytes.fromhex(report.seed)) != report.seed_sha256:
        found.append("seed: its SHA-256 is not seed_sha256, the hash that was published")
    if document is not None:
        announced = terms(document, bytes.fromhex(report.seed))
        found += _compared(_announced(report), _announced(announced), "")
    again, wrong = carried_out(report, files)
    return found + _compared(report.model_dump(mode="json"), again.model_dump(mode="json"), "") + wrong


def _announced(report: ContestReport) -> dict[str, Any]:
    """What of a report stands in the document already."""
    told = report.model_dump(mode="json", include={"promotion", "document", "seed_sha256"})
    if report.draw:
        told["draw"] = report.draw.model_dump(mode="json", include={"at", "several_prizes", "prizes"})
    if report.instant_win:
        told["instant_win"] = report.instant_win.model_dump(mode="json", exclude={"moments"})
    return told


def _compared(reported: Any, found: Any, path: str) -> list[str]:
    """Where two plain values differ, a line each: `draw.drawn[0].member_id: the report says a, it is b`."""
    if isinstance(reported, dict) and isinstance(found, dict):
        keys = [*reported, *(key for key in found if key not in reported)]
        return [
            line
            for key in keys
            for line in _compared(reported.get(key), found.get(key), f"{path}.{key}" if path else key)
        ]
    if isinstance(reported, list) and isinstance(found, list):
        lines = [
            line
            for place, (one, other) in enumerate(zip(reported, found, strict=False))
            for line in _compared(one, other, f"{path}[{place}]")
        ]
        if len(reported) != len(found):
            lines.append(f"{path}: the report has {len(reported)}, there are {len(found)}")
        return lines
    if reported == found:
        return []
    return [f"{path}: the report says {_shown(reported)}, it is {_shown(found)}"]


def _shown(value: object) -> str:
    return orjson.dumps(value).decode()
