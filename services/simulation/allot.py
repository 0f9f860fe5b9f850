"""What members share, allotted in the order of time although members are folded one after the other.

A first pass grants everything and notes what was asked for. Each thing that runs out is then allotted to those claims
by instant and member, and who was answered otherwise is folded again with these answers; a claim nobody made before is
granted what was left at its instant. It is settled when everybody was answered as their own claims are allotted: then
all is as if everything had happened one by one. Each pass gets at least the earliest wrong decision right.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
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

    `place` is where it stands among all the member asked for. `numbered`: the pieces of the pool differ. `granted` of
    it, when `earlier` had been granted before.
    """

    pool: str
    instant: int
    member: str
    place: int
    mark: str
    amount: int
    capacity: int
    partial: bool
    numbered: bool
    granted: int
    earlier: int


_CLAIMS = """
CREATE TABLE claim (
    pool TEXT, instant INTEGER, member TEXT, place INTEGER, mark TEXT, amount INTEGER, capacity INTEGER,
    partial INTEGER, numbered INTEGER, granted INTEGER, earlier INTEGER
);
CREATE TABLE misled (member TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_BOOKS = """
CREATE TABLE answer (
    pool TEXT, instant INTEGER, member TEXT, place INTEGER, mark TEXT NOT NULL, granted INTEGER NOT NULL,
    earlier INTEGER NOT NULL,
    PRIMARY KEY (pool, instant, member, place)
) WITHOUT ROWID;
CREATE TABLE pool (pool TEXT PRIMARY KEY, granted INTEGER NOT NULL) WITHOUT ROWID;
"""
_ANSWER = "SELECT granted, earlier FROM answer WHERE pool = ? AND instant = ? AND member = ? AND mark = ?"
_BEFORE = """
SELECT earlier + granted FROM answer WHERE pool = ? AND (instant, member, place) < (?, ?, ?)
ORDER BY instant DESC, member DESC, place DESC LIMIT 1
"""
_GRANTED = "SELECT granted FROM pool WHERE pool = ?"
_WRITE = "INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?)"
_BEHIND = 1_000_000_000
"""Added to the place of a claim that a binding pass writes into the books: behind all that stand there."""


def fitting(amount: int, capacity: int, granted: int, *, partial: bool) -> int:
    """How much of a claim a pool can still grant: all of it, what is left where that is welcome, or nothing."""
    left = capacity - granted
    if left >= amount:
        return amount
    return left if partial and left > 0 else 0


def allot(claims: Iterable[Asked]) -> Iterator[tuple[Asked, Granted]]:
    """What each claim is granted, never more of a pool than its capacity at that instant.

    Give them in order: by pool, instant, member and place.
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
    """Grants for one pass, and the notes of what was asked for; give it all claims of a member before the next one's.

    Without books everything is granted. With them a claim gets the answer that is written there; one that is not there
    is granted what the pool had left at that instant. `binding`: it is granted what the pool has left after all, and
    that is taken from the pool and written into the books, so that no pool is ever overdrawn.
    """

    def __init__(self, books: Path | None = None, *, binding: bool = False) -> None:
        self._books = open_books(books, writable=binding) if books is not None else None
        self._binding = binding
        self._asked: dict[tuple[Pool, str, str], Asked] = {}
        self._member = ""
        self._place = 0

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
        if asked is not None:
            return Granted(asked.granted, asked.earlier)
        if claim.member_id != self._member:
            self._member, self._place = claim.member_id, 0
        self._place += 1
        name = name_of(claim.pool)
        answer = UNLIMITED.take(claim) if self._books is None else self._answer(self._books, name, claim)
        self._asked[key] = Asked(
            name,
            claim.instant,
            claim.member_id,
            self._place,
            claim.mark,
            claim.amount,
            claim.capacity,
            claim.partial,
            claim.pool.kind in _NUMBERED,
            answer.amount,
            answer.before,
        )
        return answer

    def release(self, claim: Claim) -> None:
        """It was never asked for; what a binding pass took for it stays reserved for its mark."""
        self._asked.pop((claim.pool, claim.member_id, claim.mark), None)

    def noted(self) -> list[Asked]:
        """What was asked for since this was called last; call it only between members."""
        asked = list(self._asked.values())
        self._asked.clear()
        return asked

    def _answer(self, books: sqlite3.Connection, name: str, claim: Claim) -> Granted:
        found = books.execute(_ANSWER, (name, claim.instant, claim.member_id, claim.mark)).fetchone()
        if found is not None:
            return Granted(*found)
        if self._binding:
            return self._bind(books, name, claim)
        before = books.execute(_BEFORE, (name, claim.instant, claim.member_id, self._place)).fetchone()
        granted = before[0] if before is not None else 0
        return Granted(fitting(claim.amount, claim.capacity, granted, partial=claim.partial), granted)

    def _bind(self, books: sqlite3.Connection, name: str, claim: Claim) -> Granted:
        pool = books.execute(_GRANTED, (name,)).fetchone()
        granted = pool[0] if pool is not None else 0
        amount = fitting(claim.amount, claim.capacity, granted, partial=claim.partial)
        place = _BEHIND + self._place
        books.execute(_WRITE, (name, claim.instant, claim.member_id, place, claim.mark, amount, granted))
        books.execute("INSERT OR REPLACE INTO pool VALUES (?, ?)", (name, granted + amount))
        return Granted(amount, granted)


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

    def add(self, asked: list[Asked]) -> None:
        """Note claims, in any order."""
        self._database.executemany("INSERT INTO claim VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", asked)

    def forget_misled(self) -> None:
        """Drop the claims of the members that are misled: they are folded again."""
        self._database.execute("DELETE FROM claim WHERE member IN misled")

    def clear(self) -> None:
        """Drop all claims."""
        self._database.execute("DELETE FROM claim")

    def write_books(self, path: Path) -> int:
        """Allot everything and write the books of it; returns how many members were misled by other answers."""
        self._database.execute("DELETE FROM misled")
        rows = self._database.execute("SELECT * FROM claim ORDER BY pool, instant, member, place")
        books = scratch(_BOOKS, str(path))
        try:
            answers = self._answers(allot(map(Asked._make, rows)))
            books.executemany(_WRITE, answers)
            books.execute("INSERT INTO pool SELECT pool, sum(granted) FROM answer GROUP BY pool")
            books.commit()
        finally:
            books.close()
        (misled,) = self._database.execute("SELECT count(*) FROM misled").fetchone()
        return int(misled)

    def misled(self) -> Iterator[str]:
        """The members who were answered otherwise than their claims are allotted, by id."""
        for (member_id,) in self._database.execute("SELECT member FROM misled ORDER BY member"):
            yield member_id

    def _answers(self, allotted: Iterable[tuple[Asked, Granted]]) -> Iterator[tuple[object, ...]]:
        for claim, granted in allotted:
            if granted.amount != claim.granted or (claim.numbered and granted.before != claim.earlier):
                self._database.execute("INSERT OR IGNORE INTO misled VALUES (?)", (claim.member,))
            yield (*claim[:5], granted.amount, granted.before)


def open_books(path: Path, *, writable: bool) -> sqlite3.Connection:
    """Books that `write_books` wrote."""
    mode = "rw" if writable else "ro"
    books = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    if writable:
        books.execute("PRAGMA journal_mode = OFF")
        books.execute("PRAGMA synchronous = OFF")
    return books
