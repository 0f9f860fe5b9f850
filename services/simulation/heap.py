"""Events of any number in a private file of the disk: taken in as they come, handed out member by member."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain
from types import TracebackType
from typing import Self

from schemas.events.catalogue import EVENT_TYPES, Event
from services.engine.calendar.moments import moment_of

Row = tuple[str, str, str, str, int, bytes]
"""A valid event at rest: member id, source, id, type, microseconds since 1970, the JSON of its data."""

CHUNK_ROWS = 2_000
CHUNK_BYTES = 512 * 1024
_CACHE_KIB = 32 * 1024

_PRAGMAS = ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", f"cache_size = -{_CACHE_KIB}")

_TABLE = """
CREATE TABLE heap (
    place INTEGER PRIMARY KEY, member TEXT NOT NULL, source TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL,
    occurred_at INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE TABLE chosen (member TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_ALL = "SELECT member, source, id, type, occurred_at, data FROM heap ORDER BY member, place"
_CHOSEN = """
SELECT member, source, id, type, occurred_at, data FROM heap WHERE member IN chosen ORDER BY member, place
"""

# Of one (source, id) under several members, the member found first keeps it. Repeats of one member are left in: whoever
# folds the member has them all at hand.
_DISOWN = """
DELETE FROM heap WHERE place IN (
    SELECT place FROM (
        SELECT place, member, first_value(member) OVER (PARTITION BY source, id ORDER BY place) AS owner
        FROM heap
        WHERE (source, id) IN (SELECT source, id FROM heap GROUP BY source, id HAVING min(member) <> max(member))
    ) WHERE member <> owner
)
"""


def scratch(schema: str, path: str = "") -> sqlite3.Connection:
    """A database of our own, not meant to outlive us.

    Without a path it is a file without a name in the system's folder for temporary files, gone with the process
    however that ends. sqlite3.OperationalError when the disk is full.
    """
    database = sqlite3.connect(path, isolation_level=None, cached_statements=16)
    for pragma in _PRAGMAS:
        database.execute(f"PRAGMA {pragma}")
    database.executescript(schema)
    # One transaction without end: nothing is ever taken back, and nothing waits for the disk.
    database.execute("BEGIN")
    return database


class EventHeap:
    """Takes events in any order, with their repeats; memory does not grow with them. Close it to give the disk back."""

    def __init__(self) -> None:
        self._database = scratch(_TABLE)
        self.taken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._database.close()

    def take(self, rows: list[Row]) -> None:
        """Take valid events; the order of all calls is the order in which events were found."""
        self._database.executemany(
            "INSERT INTO heap (member, source, id, type, occurred_at, data) VALUES (?, ?, ?, ?, ?, ?)", rows
        )
        self.taken += len(rows)

    def disown(self) -> int:
        """Drop every event whose (source, id) another member had first, and return their number."""
        dropped = self._database.execute(_DISOWN).rowcount
        self.taken -= dropped
        return dropped

    def by_member(self) -> Iterator[list[Row]]:
        """All events by member id, each member's in the order they were found; members whole, several in a chunk."""
        return self._chunks(_ALL)

    def of_members(self, member_ids: Iterable[str]) -> Iterator[list[Row]]:
        """As `by_member`, of these members alone."""
        self._database.execute("CREATE INDEX IF NOT EXISTS by_member ON heap (member)")
        self._database.execute("DELETE FROM chosen")
        self._database.executemany("INSERT INTO chosen VALUES (?)", ((member_id,) for member_id in member_ids))
        return self._chunks(_CHOSEN)

    def _chunks(self, query: str) -> Iterator[list[Row]]:
        rows = self._database.execute(query)
        return whole_members(chain.from_iterable(iter(lambda: rows.fetchmany(500), [])))


def whole_members(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows in order of member, cut into chunks of some size; no member is in two of them."""
    chunk: list[Row] = []
    size = 0
    member = ""
    for row in rows:
        if row[0] != member:
            if len(chunk) >= CHUNK_ROWS or size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
            member = row[0]
        chunk.append(row)
        size += len(row[5])
    if chunk:
        yield chunk


def event_of(row: Row) -> Event:
    """The event of a row."""
    member, source, id_, type_, occurred_at, data = row
    return Event(source, id_, type_, moment_of(occurred_at), member, EVENT_TYPES[type_].model_validate_json(data))
