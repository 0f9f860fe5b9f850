"""What a journal says of one contest: its entries, sorted on disk where they are many, and its instant wins."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import merge
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from schemas.values import ForeignId, MemberId
from services.cli.errors import UsageError
from services.engine.rewarding.contests import Entered, entry_line

ENTRIES, PRIZE = "entries", "prize:"
"""The units in which the journal counts tickets of the draw, and prizes won at once (the prize's name follows)."""
_CHUNK_LINES = 500_000


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore")

    entry_id: ForeignId
    member_id: MemberId
    type: str
    unit: str
    amount: int
    promotion_id: str | None = None
    promotion_version: int | None = None
    occurred_at: AwareDatetime
    reverses: ForeignId | None = None
    detail: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Won:
    """An instant win as the journal has it: which moment of the table, counted from 0, and which prize was given."""

    member_id: str
    entry_id: str
    moment: int
    prize: str
    at: datetime


@dataclass(slots=True)
class ContestJournal:
    """The entries and wins of one promotion. Iterating gives the list of entries: each once, sorted, again and again.

    A line that is there twice counts once (a topic may deliver twice); an entry that another line takes back does not
    count. Lines are sorted in chunks in a temporary folder, which is gone when `resources` are closed.
    """

    promotion_id: str
    before: datetime | None
    resources: ExitStack
    versions: set[int] = field(default_factory=set)
    _taken_back: set[tuple[str, str]] = field(default_factory=set)
    _heads_back: set[bytes] = field(default_factory=set)
    _wins: dict[tuple[str, str], Won] = field(default_factory=dict)
    _chunk: list[bytes] = field(default_factory=list)
    _files: list[Path] = field(default_factory=list)
    _folder: Path | None = None

    def __iter__(self) -> Iterator[bytes]:
        """The list of entries, without the line feeds."""
        last = b""
        with ExitStack() as stack:
            opened = [stack.enter_context(file.open("rb")) for file in self._files]
            chunks = [(line[:-1] for line in lines) for lines in opened]
            for line in merge(*chunks, self._chunk):
                if line != last and line[: line.rfind(b",")] not in self._heads_back:
                    yield line
                last = line

    @property
    def wins(self) -> list[Won]:
        """The instant wins that stand, by their moment."""
        standing = [won for key, won in self._wins.items() if key not in self._taken_back]
        return sorted(standing, key=lambda won: (won.moment, won.member_id, won.entry_id))

    def read(self, path: Path) -> None:
        """Take in one file. Raises UsageError where it cannot be read, and for a line that is no journal entry."""
        # Both are in every line that matters; most lines are spared a closer look.
        needles = (b"unisono.reward.", b'"' + self.promotion_id.encode() + b'"')
        try:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    if all(needle in line for needle in needles):
                        self._take(line, f"{path}:{number}")
        except (OSError, EOFError) as error:
            raise UsageError(f"{path} cannot be read: {error}") from error
        self._chunk.sort()

    def _take(self, text: bytes, place: str) -> None:
        try:
            line = _Line.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "line"
            raise UsageError(f"{place}: no journal entry: {where}: {first['msg']}") from error
        won = line.unit.startswith(PRIZE)
        if line.promotion_id != self.promotion_id or not (won or line.unit == ENTRIES):
            return
        if line.reverses is not None:
            self._taken_back.add((line.member_id, line.reverses))
            self._heads_back.add(_head(line.member_id, line.reverses))
            return
        counts = won or self.before is None or line.occurred_at < self.before
        if line.type != "unisono.reward.granted.v1" or line.amount < 1 or not counts:
            return
        if line.promotion_version is not None:
            self.versions.add(line.promotion_version)
        if not won:
            self._add(entry_line(Entered(line.member_id, line.entry_id, line.amount)))
            return
        prize, moment = line.unit.removeprefix(PRIZE), (line.detail or {}).get("moment")
        if type(moment) is not int:
            raise UsageError(f"{place}: a prize won at once whose detail names no moment")
        at = line.occurred_at.astimezone(UTC)
        self._wins[line.member_id, line.entry_id] = Won(line.member_id, line.entry_id, moment, prize, at)

    def _add(self, line: bytes) -> None:
        self._chunk.append(line)
        if len(self._chunk) < _CHUNK_LINES:
            return
        if self._folder is None:
            self._folder = Path(self.resources.enter_context(TemporaryDirectory(prefix="unisono-contest-")))
        file = self._folder / str(len(self._files))
        with file.open("wb") as out:
            out.writelines(line + b"\n" for line in sorted(self._chunk))
        self._files.append(file)
        self._chunk.clear()


def _head(member_id: str, entry_id: str) -> bytes:
    line = entry_line(Entered(member_id, entry_id, 1))
    return line[: line.rfind(b",")]


@contextmanager
def read_journal(promotion_id: str, before: datetime | None, paths: Sequence[Path]) -> Iterator[ContestJournal]:
    """The journal of one contest from these files; entries from `before` on came too late and are left out."""
    with ExitStack() as resources:
        journal = ContestJournal(promotion_id, before, resources)
        for path in paths:
            journal.read(path)
        yield journal
