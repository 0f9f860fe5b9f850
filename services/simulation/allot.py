"""What members share, allotted in the order of time although members are folded one after the other.

A first pass grants everything and notes what was asked for. Each thing that runs out is then allotted to those claims
by instant, member and mark, and the next pass answers so; a claim nobody made before is granted what was left over.
It is settled when a pass was answered as its own claims are allotted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import orjson

from services.engine.grants import UNLIMITED, Claim, Granted, Pool
from services.simulation.heap import scratch

_NUMBERED = frozenset({"codes", "instant_win"})
"""Kinds of pool whose pieces differ: it matters who got the first and who the second."""


class Asked(NamedTuple):
    """A claim and the answer it got.

    `numbered`: the pieces of the pool differ. `granted` of it, when `earlier` had been granted before.
    """

    pool: str
    instant: int
    member: str
    mark: str
    amount: int
    capacity: int
    partial: bool
    numbered: bool
    granted: int
    earlier: int


_CLAIMS = """
CREATE TABLE claim (
    pool TEXT, instant INTEGER, member TEXT, mark TEXT, amount INTEGER, capacity INTEGER, partial INTEGER,
    numbered INTEGER, granted INTEGER, earlier INTEGER
)
"""
_BOOKS = """
CREATE TABLE answer (
    pool TEXT, member TEXT, mark TEXT, granted INTEGER NOT NULL, earlier INTEGER NOT NULL,
    PRIMARY KEY (pool, member, mark)
) WITHOUT ROWID;
CREATE TABLE pool (pool TEXT PRIMARY KEY, granted INTEGER NOT NULL) WITHOUT ROWID;
"""
_ANSWER = "SELECT granted, earlier FROM answer WHERE pool = ? AND member = ? AND mark = ?"
_GRANTED = "SELECT granted FROM pool WHERE pool = ?"


def fitting(amount: int, capacity: int, granted: int, *, partial: bool) -> int:
    """How much of a claim a pool can still grant: all of it, what is left where that is welcome, or nothing."""
    left = capacity - granted
    if left >= amount:
        return amount
    return left if partial and left > 0 else 0


def allot(claims: Iterable[Asked]) -> Iterator[tuple[Asked, Granted]]:
    """What each claim is granted, never more of a pool than its capacity at that instant.

    Give them in order: by pool, instant, member and mark.
    """
    for _, own in groupby(claims, key=attrgetter("pool")):
        granted = 0
        for claim in own:
            amount = fitting(claim.amount, claim.capacity, granted, partial=claim.partial)
            yield claim, Granted(amount, granted)
            granted += amount


def name_of(pool: Pool) -> str:
    """The pool as one text."""
    return orjson.dumps([pool.promotion_id, pool.kind, pool.key, pool.period]).decode()


class Allotment:
    """Grants for one pass, and the notes of what was asked for.

    Without books everything is granted. With them a claim gets the answer that is written there. One that is not there
    is granted if the pool had enough left in the end: `binding`, that is taken from the pool and written into the
    books, so that no pool is ever overdrawn; else it is only noted, and the pool stands as it was.
    """

    def __init__(self, books: Path | None = None, *, binding: bool = False) -> None:
        self._books = open_books(books, writable=binding) if books is not None else None
        self._binding = binding
        self._asked: dict[tuple[Pool, str, str], Asked] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._books is not None:
            self._books.close()

    def take(self, claim: Claim) -> Granted:
        """The answer to this claim, the same however often it is asked."""
        key = (claim.pool, claim.member_id, claim.mark)
        asked = self._asked.get(key)
        if asked is None:
            name = name_of(claim.pool)
            answer = self._decide(name, claim)
            self._asked[key] = Asked(
                name,
                claim.instant,
                claim.member_id,
                claim.mark,
                claim.amount,
                claim.capacity,
                claim.partial,
                claim.pool.kind in _NUMBERED,
                answer.amount,
                answer.before,
            )
            return answer
        return Granted(asked.granted, asked.earlier)

    def release(self, claim: Claim) -> None:
        """It was never asked for; what a binding pass took for it stays reserved for its mark."""
        self._asked.pop((claim.pool, claim.member_id, claim.mark), None)

    def noted(self) -> list[Asked]:
        """What was asked for since this was called last; call it only between members."""
        asked = list(self._asked.values())
        self._asked.clear()
        return asked

    def _decide(self, name: str, claim: Claim) -> Granted:
        if self._books is None:
            return UNLIMITED.take(claim)
        found = self._books.execute(_ANSWER, (name, claim.member_id, claim.mark)).fetchone()
        if found is not None:
            return Granted(*found)
        pool = self._books.execute(_GRANTED, (name,)).fetchone()
        granted = pool[0] if pool is not None else 0
        amount = fitting(claim.amount, claim.capacity, granted, partial=claim.partial)
        if self._binding:
            written = (name, claim.member_id, claim.mark, amount, granted)
            self._books.execute("INSERT INTO answer VALUES (?, ?, ?, ?, ?)", written)
            self._books.execute("INSERT OR REPLACE INTO pool VALUES (?, ?)", (name, granted + amount))
        return Granted(amount, granted)


@dataclass(slots=True)
class Settlement:
    """Whether a pass was answered as its claims are allotted: how many there are, and how many answers differ."""

    claims: int = 0
    differing: int = 0

    def watched(self, allotted: Iterable[tuple[Asked, Granted]]) -> Iterator[tuple[str, str, str, int, int]]:
        """The rows of the books, counted as they pass."""
        for claim, granted in allotted:
            self.claims += 1
            if granted.amount != claim.granted or (claim.numbered and granted.before != claim.earlier):
                self.differing += 1
            yield claim.pool, claim.member, claim.mark, granted.amount, granted.before


class Claims:
    """The claims of one pass, on disk; memory does not grow with them."""

    def __init__(self) -> None:
        self._database = scratch(_CLAIMS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._database.close()

    def add(self, asked: list[Asked]) -> None:
        """Note claims, in any order."""
        self._database.executemany("INSERT INTO claim VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", asked)

    def write_books(self, path: Path) -> Settlement:
        """Allot everything and write the books of it; tells how far the pass was answered so already."""
        settlement = Settlement()
        rows = self._database.execute("SELECT * FROM claim ORDER BY pool, instant, member, mark")
        books = scratch(_BOOKS, str(path))
        try:
            books.executemany(
                "INSERT INTO answer VALUES (?, ?, ?, ?, ?)", settlement.watched(allot(map(Asked._make, rows)))
            )
            books.execute("INSERT INTO pool SELECT pool, sum(granted) FROM answer GROUP BY pool")
            books.commit()
        finally:
            books.close()
        return settlement


def open_books(path: Path, *, writable: bool) -> sqlite3.Connection:
    """Books that `write_books` wrote."""
    mode = "rw" if writable else "ro"
    books = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    if writable:
        books.execute("PRAGMA journal_mode = OFF")
        books.execute("PRAGMA synchronous = OFF")
    return books
