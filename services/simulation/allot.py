"""What members share, allotted in the order of time although members are folded one after the other.

A first pass grants everything and notes what was asked for. Each thing that runs out is then allotted to these claims
(`services.simulation.claims`), and who was answered otherwise is folded again with these answers; a claim nobody made
before is granted what was left at its instant. It is settled when everybody was answered as their own claims are
allotted: then all is as if everything had happened one by one. Each pass gets the earliest wrong decision right.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import orjson

from services.engine.rewarding.grants import UNLIMITED, Claim, Granted, Pool

_NUMBERED = frozenset({"codes", "instant_win"})
"""Kinds of pool whose pieces differ: it matters who got the first and who the second."""


class Asked(NamedTuple):
    """A claim and the answer it got.

    `place` is where it stands among all the member asked for. `numbered`: the pieces of the pool differ. `granted` of
    it, when `earlier` had been granted before; `released` again, because another limit refused the same reward.
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
    released: bool = False


BOOKS = """
CREATE TABLE answer (
    pool TEXT, instant INTEGER, member TEXT, place INTEGER, mark TEXT, granted INTEGER NOT NULL,
    earlier INTEGER NOT NULL, later INTEGER NOT NULL,
    PRIMARY KEY (pool, instant, member, place, mark)
) WITHOUT ROWID;
CREATE TABLE pool (pool TEXT PRIMARY KEY, granted INTEGER NOT NULL) WITHOUT ROWID;
"""
"""The books of a pass: each claim's answer, with what of the pool had been granted `earlier` and was `later`."""
WRITE_ANSWER = "INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
WRITE_POOL = "INSERT OR REPLACE INTO pool VALUES (?, ?)"
_ANSWER = "SELECT granted, earlier FROM answer WHERE pool = ? AND instant = ? AND member = ? AND mark = ?"
_BEFORE = """
SELECT later FROM answer WHERE pool = ? AND (instant, member, place) < (?, ?, ?)
ORDER BY instant DESC, member DESC, place DESC LIMIT 1
"""
_GRANTED = "SELECT granted FROM pool WHERE pool = ?"
_BEHIND = 1_000_000_000
"""Added to the place of a claim that a binding pass writes into the books: behind all that stand there."""


def fitting(amount: int, capacity: int, granted: int, *, partial: bool) -> int:
    """How much of a claim a pool can still grant: all of it, what is left where that is welcome, or nothing."""
    left = capacity - granted
    if left >= amount:
        return amount
    return left if partial and left > 0 else 0


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
        self._answers: dict[tuple[Pool, str, str], tuple[Granted, int]] = {}
        """By claim: the answer, and where it is noted."""
        self._asked: list[Asked] = []
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
        known = self._answers.get(key)
        if known is not None:
            return known[0]
        if claim.member_id != self._member:
            self._member, self._place = claim.member_id, 0
        self._place += 1
        name = name_of(claim.pool)
        answer = UNLIMITED.take(claim) if self._books is None else self._answer(self._books, name, claim)
        self._answers[key] = answer, len(self._asked)
        self._asked.append(
            Asked(
                name,
                claim.instant,
                claim.member_id,
                self._place,
                _mark_of(claim),
                claim.amount,
                claim.capacity,
                claim.partial,
                claim.pool.kind in _NUMBERED,
                answer.amount,
                answer.before,
            )
        )
        return answer

    def release(self, claim: Claim) -> None:
        """It takes nothing; asked for again it is answered anew. What a binding pass took stays reserved for it."""
        _, noted = self._answers.pop((claim.pool, claim.member_id, claim.mark))
        self._asked[noted] = self._asked[noted]._replace(released=True)

    def noted(self) -> list[Asked]:
        """What was asked for since this was called last; call it only between members."""
        asked, self._asked = self._asked, []
        self._answers.clear()
        return asked

    def _answer(self, books: sqlite3.Connection, name: str, claim: Claim) -> Granted:
        found = books.execute(_ANSWER, (name, claim.instant, claim.member_id, _mark_of(claim))).fetchone()
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
        answer = (name, claim.instant, claim.member_id, place, _mark_of(claim), amount, granted, granted + amount)
        books.execute(WRITE_ANSWER, answer)
        books.execute(WRITE_POOL, (name, granted + amount))
        return Granted(amount, granted)


def _mark_of(claim: Claim) -> str:
    """What tells the reward from all others of the member."""
    return f"{claim.pool.promotion_id} {claim.mark}"


def open_books(path: Path, *, writable: bool) -> sqlite3.Connection:
    """The books of a pass, to read or (binding) to write."""
    mode = "rw" if writable else "ro"
    books = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    if writable:
        books.execute("PRAGMA journal_mode = OFF")
        books.execute("PRAGMA synchronous = OFF")
    return books
