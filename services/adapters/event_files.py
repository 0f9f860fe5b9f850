"""Files of events: one structured CloudEvent a line (`.jsonl`), gzipped when the name ends in `.gz`."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader, BufferedWriter
from pathlib import Path

from typing_extensions import override

from schemas.envelope import CloudEvent, EnvelopeError, from_structured, to_structured
from schemas.events.catalogue import Event, UnknownType, decode

LINE_BYTES_MAX = 1024 * 1024
"""A longer line is no event: Kafka takes no larger record by default."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no event we could apply; `str` says where and why, as an editor can follow it."""

    path: Path
    line: int
    reason: str
    message: str

    @override
    def __str__(self) -> str:
        """`file:line: reason: message`."""
        return f"{self.path}:{self.line}: {self.reason}: {self.message}"


@dataclass(frozen=True, slots=True)
class Line:
    """A valid line: the envelope as written and the event in it."""

    path: Path
    line: int
    envelope: CloudEvent
    event: Event


def read_events(path: Path, *, advanced: Callable[[int], object] | None = None) -> Iterator[Line | BadLine]:
    """Every line of a file, in order, valid or with what is wrong; empty lines are passed over.

    `advanced` is told how many bytes of the file were taken since it was last told. Raises OSError for a file that
    cannot be read (gzip.BadGzipFile is one) and EOFError for one that was cut short.
    """
    for number, line in numbered_lines(path, advanced=advanced):
        yield read_line(path, number, line)


def numbered_lines(path: Path, *, advanced: Callable[[int], object] | None = None) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers, unread, for `read_line`; as `read_events` otherwise.

    One that is too long comes without its rest.
    """
    with path.open("rb") as raw:
        lines: BufferedReader | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
        told = number = 0
        while line := lines.readline(LINE_BYTES_MAX + 1):
            number += 1
            if len(line) > LINE_BYTES_MAX and not line.endswith(b"\n"):
                _skip_rest(lines)
            if line.strip():
                yield number, line
            if advanced is not None and (at := raw.tell()) != told:
                advanced(at - told)
                told = at


def read_line(path: Path, number: int, line: bytes) -> Line | BadLine:
    """One line of a file as an event, or what is wrong with it."""
    if len(line) > LINE_BYTES_MAX:
        return BadLine(path, number, "too_large", f"the line is longer than {LINE_BYTES_MAX} bytes")
    try:
        envelope = from_structured(line)
        return Line(path, number, envelope, decode(envelope))
    except EnvelopeError as error:
        return BadLine(path, number, error.reason, error.message)
    except UnknownType as error:
        return BadLine(path, number, "unknown_type", f"{error} is no type of event we know")


def write_events(path: Path, events: Iterable[CloudEvent]) -> int:
    """Write the events, a line each, and return their number; the file appears only when it is whole."""
    part = path.with_name(f".{path.name}.part")
    written = 0
    try:
        with part.open("wb") as raw:
            # No name and no time in the gzip header: the same events give the same bytes.
            out: BufferedWriter | gzip.GzipFile = (
                gzip.GzipFile("", "wb", 6, raw, mtime=0) if path.suffix == ".gz" else raw
            )
            for event in events:
                out.write(to_structured(event) + b"\n")
                written += 1
            if out is not raw:
                out.close()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return written


def _skip_rest(lines: BufferedReader | gzip.GzipFile) -> None:
    while (rest := lines.readline(LINE_BYTES_MAX)) and not rest.endswith(b"\n"):
        pass
