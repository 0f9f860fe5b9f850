"""The claims of all members on everything they share, and what each is due in the order of time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from services.simulation.allot import BOOKS, WRITE_ANSWER, WRITE_POOL, Asked, fitting
from services.simulation.heap import scratch

_CLAIMS = """
CREATE TABLE claim (
    pool TEXT, instant INTEGER, member TEXT, place INTEGER, mark TEXT, amount INTEGER, capacity INTEGER,
    partial INTEGER, numbered INTEGER, granted INTEGER, earlier INTEGER, released INTEGER, stale INTEGER DEFAULT 0
);
CREATE INDEX claim_of ON claim (member, instant, mark);
CREATE TABLE misled (member TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_NOTE = """
INSERT INTO claim (pool, instant, member, place, mark, amount, capacity, partial, numbered, granted, earlier, released)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# What a reward would ask for beyond the limit that refused it now is known from when it was not refused there.
_TIDY = """
DELETE FROM claim WHERE stale AND (
    NOT EXISTS (
        SELECT 1 FROM claim AS own WHERE own.member = claim.member AND own.instant = claim.instant
        AND own.mark = claim.mark AND NOT own.stale AND NOT own.granted AND own.amount
    ) OR EXISTS (
        SELECT 1 FROM claim AS own WHERE own.member = claim.member AND own.instant = claim.instant
        AND own.mark = claim.mark AND NOT own.stale AND own.pool = claim.pool
    )
)
"""
_CACHED_POOLS = 50_000


class Due(NamedTuple):
    """What a claim is due, and how much of its pool was granted before and after it."""

    claim: Asked
    amount: int
    earlier: int
    later: int


class Totals:
    """How much of each pool is granted; kept on disk but for those used lately."""

    def __init__(self, books: sqlite3.Connection) -> None:
        self._books = books
        self._lately: dict[str, int] = {}

    def of(self, pool: str) -> int:
        """Granted of that pool."""
        granted = self._lately.get(pool)
        if granted is None:
            if len(self._lately) >= _CACHED_POOLS:
                self.write()
            row = self._books.execute("SELECT granted FROM pool WHERE pool = ?", (pool,)).fetchone()
            granted = self._lately[pool] = row[0] if row is not None else 0
        return granted

    def add(self, pool: str, amount: int) -> None:
        """So much more is granted."""
        self._lately[pool] = self.of(pool) + amount

    def write(self) -> None:
        """Bring all of it to the disk."""
        self._books.executemany(WRITE_POOL, self._lately.items())
        self._lately.clear()


Row = tuple[Asked, bool]
"""A claim, and whether it is stale: known from an earlier pass, and not reached in this one."""


def allot(claims: Iterable[Row], totals: Totals) -> Iterator[Due]:
    """What each claim is due, never more of a pool than its capacity at that instant.

    Give them by instant, member and place. The claims of one mark at one instant are one reward: it gets all of them or
    takes nothing; behind the first that refuses it, nothing is due.
    """
    for _, together in groupby(claims, key=lambda row: row[0][1:3]):
        rewards: dict[str, list[Row]] = {}
        for row in sorted(together, key=itemgetter(1)):
            rewards.setdefault(row[0].mark, []).append(row)
        for rows in rewards.values():
            yield from _reward(rows, totals)


def _reward(rows: list[Row], totals: Totals) -> Iterator[Due]:
    found: list[tuple[Asked, int, int]] = []
    # Released, and none of these claims refused it: a fact from an earlier instant did, and does still.
    takes = not any(claim.released for claim, _ in rows) or any(
        claim.amount and not claim.granted for claim, stale in rows if not stale
    )
    for claim, _ in rows:
        earlier = totals.of(claim.pool)
        amount = fitting(claim.amount, claim.capacity, earlier, partial=claim.partial)
        found.append((claim, amount, earlier))
        if claim.amount and not amount:
            takes = False
            break
    for claim, amount, earlier in found:
        if takes:
            totals.add(claim.pool, amount)
        yield Due(claim, amount, earlier, earlier + amount if takes else earlier)


class Claims:
    """The newest claims of every member, with the answers they got, on disk; memory does not grow with them."""

    def __init__(self) -> None:
        self._database = scratch(_CLAIMS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._database.close()

    def outdate(self) -> None:
        """All members are folded again."""
        self._database.execute("UPDATE claim SET stale = 1")

    def outdate_misled(self) -> Iterator[str]:
        """The misled members are folded again: these, by id."""
        self._database.execute("UPDATE claim SET stale = 1 WHERE member IN misled")
        for (member_id,) in self._database.execute("SELECT member FROM misled ORDER BY member"):
            yield member_id

    def add(self, asked: list[Asked]) -> None:
        """Note claims, in any order."""
        self._database.executemany(_NOTE, asked)

    def write_books(self, path: Path) -> int:
        """Allot everything and write the books of it; returns how many members were misled by other answers."""
        self._database.execute(_TIDY)
        self._database.execute("DELETE FROM misled")
        books = scratch(BOOKS, str(path))
        try:
            totals = Totals(books)
            books.executemany(WRITE_ANSWER, self._answers(totals))
            totals.write()
            books.commit()
        finally:
            books.close()
        (misled,) = self._database.execute("SELECT count(*) FROM misled").fetchone()
        return int(misled)

    def _answers(self, totals: Totals) -> Iterator[tuple[object, ...]]:
        rows = self._database.execute("SELECT * FROM claim ORDER BY instant, member, place")
        for claim, amount, earlier, later in allot(((Asked._make(row[:-1]), bool(row[-1])) for row in rows), totals):
            if amount != claim.granted or (claim.numbered and amount and earlier != claim.earlier):
                self._database.execute("INSERT OR IGNORE INTO misled VALUES (?)", (claim.member,))
            yield (*claim[:5], amount, earlier, later)
