"""Files of events into rows for the heap, a chunk of lines at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from services.adapters.event_files import BadLine, numbered_lines, read_line
from services.engine.calendar.moments import micros
from services.engine.simulation import plausible
from services.simulation.heap import CHUNK_BYTES, CHUNK_ROWS, EventHeap, Row
from services.simulation.workers import in_order

Lines = tuple[Path, list[tuple[int, bytes]]]
"""Some lines of one file, with their numbers."""


@dataclass(slots=True)
class Read:
    """What some lines were: events as rows, lines that are none, events after the end (`later`).

    `asked_for` are the members of the event that somebody wants explained, with its cause.
    """

    rows: list[Row] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    later: int = 0
    asked_for: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads lines up to an instant; `wanted` is the event to look out for, by its id or by "source id"."""

    until: datetime | None = None
    wanted: str | None = None

    def __call__(self) -> AbstractContextManager[Callable[[Lines], Read]]:
        """The function that reads."""
        return nullcontext(self.read)

    def read(self, lines: Lines) -> Read:
        """The lines as rows, decoded and valid."""
        path, numbered = lines
        done = Read()
        for number, text in numbered:
            line = read_line(path, number, text)
            if isinstance(line, BadLine):
                done.bad.append(line)
                continue
            event = line.event
            if not plausible(event.occurred_at):
                message = f"{event.occurred_at.year} is no year to shop in"
                done.bad.append(BadLine(path, number, "invalid_time", message))
                continue
            if self.until is not None and event.occurred_at > self.until:
                done.later += 1
                continue
            data = line.envelope.data
            assert data is not None  # it was decoded
            done.rows.append((event.member_id, event.source, event.id, event.type, micros(event.occurred_at), data))
            if self.wanted is not None and self.wanted in (event.id, event.cause):
                done.asked_for.append((event.member_id, event.cause))
        return done


def chunks_of(path: Path, advanced: Callable[[int], object] | None = None) -> Iterator[Lines]:
    """The lines of a file in chunks; errors as `read_events` raises them."""
    chunk: list[tuple[int, bytes]] = []
    size = 0
    for number, line in numbered_lines(path, advanced=advanced):
        chunk.append((number, line))
        size += len(line)
        if len(chunk) >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield path, chunk
            chunk, size = [], 0
    if chunk:
        yield path, chunk


@dataclass(slots=True)
class Found:
    """What the files held beside the events: lines that are none by reason, events that came too late."""

    refused: Counter[str] = field(default_factory=Counter)
    later: int = 0
    asked_for: set[tuple[str, str]] = field(default_factory=set)


def read_files(
    heap: EventHeap,
    files: Iterable[Path],
    reader: Reader,
    jobs: int,
    *,
    advanced: Callable[[int], object],
    refused: Callable[[BadLine], object],
) -> Found:
    """Put every valid event of these files on the heap; `refused` hears of every bad line, in order."""
    found = Found()
    for read in in_order(jobs, reader, (chunk for file in files for chunk in chunks_of(file, advanced))):
        heap.take(read.rows)
        for line in read.bad:
            found.refused[line.reason] += 1
            refused(line)
        found.later += read.later
        found.asked_for.update(read.asked_for)
    return found
