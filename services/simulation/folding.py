"""Members folded a chunk at a time, and the passes it takes until shared limits are settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Protocol

import orjson

from schemas.events.catalogue import Event
from schemas.values import rfc3339
from services.engine.entries import Entry
from services.engine.fold import Outcome, fold
from services.engine.programme import Programme, PromotionVersion, compile_programme
from services.engine.simulation import record_of, without_repeats
from services.engine.terms import ProgrammeTerms, ProgrammeVersion
from services.engine.trace import Decision, Trace
from services.simulation.allot import Allotment, Asked
from services.simulation.claims import Claims
from services.simulation.heap import EventHeap, Row, event_of
from services.simulation.tally import Tally, faces_of
from services.simulation.workers import in_order

PASSES_MAX = 100
AGAIN_MAX = 2
"""So many times all members, and `SOME` more, are folded again; then what is left over goes in the order of members."""
SOME = 20_000
WHOLE_MAX = 2
"""So many passes over all members before only those who were misled are folded again."""
FEW = 4
"""Fewer than one in so many members: they are folded alone."""
ALONE_MAX = 5_000
"""So many members are folded before other processes have started."""


@dataclass(slots=True)
class Folded:
    """What some members came to; `wallets` and `journal` are lines, empty where nobody asked for them."""

    tally: Tally = field(default_factory=Tally)
    found: int = 0
    """Events as they were found, repeats included."""
    events: int = 0
    members: int = 0
    duplicates: int = 0
    conflicts: int = 0
    wallets: bytes = b""
    journal: bytes = b""
    asked: list[Asked] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """How members are folded: under what, until when, with which books of shared limits, and what is written of it."""

    versions: tuple[PromotionVersion, ...]
    terms: ProgrammeTerms
    programme_versions: tuple[ProgrammeVersion, ...] = ()
    until: datetime | None = None
    wallets: bool = False
    journal: bool = False
    books: Path | None = None
    binding: bool = False

    def programme(self) -> Programme:
        """The programme, compiled."""
        return compile_programme(self.versions, self.terms, self.programme_versions)

    @contextmanager
    def __call__(self) -> Iterator[Callable[[list[Row]], Folded]]:
        """The function that folds a chunk of whole members."""
        with Allotment(self.books, binding=self.binding) as grants:
            yield Folding(self, grants).fold


class Folding:
    """Folds chunks of members under a plan."""

    def __init__(self, plan: Plan, grants: Allotment) -> None:
        self._plan = plan
        self._programme = plan.programme()
        self._grants = grants
        self._faces = faces_of((version.promotion, version.version) for version in plan.versions)

    def fold(self, rows: list[Row]) -> Folded:
        """Fold the members whose events these are, one after the other."""
        done = Folded(found=len(rows))
        wallets: list[bytes] = []
        journal: list[bytes] = []
        for member_id, own in groupby(rows, key=itemgetter(0)):
            heap = without_repeats(map(event_of, own))
            done.members += 1
            done.events += len(heap.events)
            done.duplicates += heap.duplicates
            done.conflicts += heap.conflicts
            outcome = self._outcome(member_id, heap.events)
            done.tally.count(outcome.entries, self._faces)
            if self._plan.wallets:
                wallets.append(record_of(outcome, heap.events))
            if self._plan.journal:
                journal += [journal_line(member_id, entry) for entry in outcome.entries]
        done.wallets, done.journal = lines_of(wallets), lines_of(journal)
        done.asked = self._grants.noted()
        return done

    def why(self, rows: list[Row], cause: str) -> list[Decision]:
        """The decisions on one event of the member whose events these are."""
        trace = Trace()
        events = without_repeats(map(event_of, rows)).events
        self._outcome(rows[0][0], events, trace)
        return [decision for decision in trace.decisions if decision.cause == cause]

    def _outcome(self, member_id: str, events: list[Event], trace: Trace | None = None) -> Outcome:
        return fold(member_id, events, self._programme, self._plan.until, trace, self._grants)


@dataclass(slots=True)
class Result:
    """What all members came to. `passes` it took; `settled` is False when shared limits were still moving in the last.

    `plan` is that of the last pass: who folds a member under it again gets the same.
    """

    plan: Plan
    tally: Tally = field(default_factory=Tally)
    events: int = 0
    members: int = 0
    duplicates: int = 0
    conflicts: int = 0
    passes: int = 0
    settled: bool = True

    def add(self, folded: Folded) -> None:
        """Count some members more."""
        self.tally.add(folded.tally)
        self.events += folded.events
        self.members += folded.members
        self.duplicates += folded.duplicates
        self.conflicts += folded.conflicts


class Listener(Protocol):
    """Who hears of each pass: where its lines go, and how far it is."""

    def begin(self, number: int, *, whole: bool) -> None:
        """A pass begins, over all members or (not `whole`) some; what an earlier one wrote does not count."""
        ...

    def folded(self, folded: Folded) -> None:
        """Some members are folded, in the order of their ids."""
        ...


class Passes:
    """Folds every member, and those again who were granted what was due to others, until nobody is.

    The first pass grants everything. Where that was right it is the only one; else many members are folded again
    together with all the others, few alone, and then all once more. Where that finds no end the last pass is binding:
    it grants from what is left, member by member, so that nothing is ever overdrawn.
    """

    def __init__(self, heap: EventHeap, plan: Plan, folder: Path, jobs: int, listener: Listener) -> None:
        self._heap = heap
        self._plan = plan
        self._folder = folder
        self._jobs = jobs
        self._listener = listener
        self._number = 0

    def run(self) -> Result:
        """What all members came to, as the listener was told in the last pass."""
        whole, again, stale = 1, 0, False
        with Claims() as claims:
            result = self._whole(claims)
            while misled := self._settle(claims):
                again += misled
                if self._number == PASSES_MAX - 1 or again > AGAIN_MAX * result.members + SOME:
                    return self._bind(claims)
                stale = whole == WHOLE_MAX or misled * FEW < result.members
                if stale:
                    self._some(claims, misled)
                else:
                    result = self._whole(claims)
                    whole += 1
            if stale:
                result = self._whole(claims)
            result.plan = self._plan
            return result

    def _whole(self, claims: Claims) -> Result:
        self._number += 1
        self._listener.begin(self._number, whole=True)
        claims.outdate()
        result = Result(self._plan, passes=self._number)
        for folded in in_order(1 if self._plan.binding else self._jobs, self._plan, self._heap.by_member()):
            claims.add(folded.asked)
            result.add(folded)
            self._listener.folded(folded)
        return result

    def _some(self, claims: Claims, members: int) -> None:
        self._number += 1
        self._listener.begin(self._number, whole=False)
        plan = replace(self._plan, wallets=False, journal=False)
        jobs = self._jobs if members > ALONE_MAX else 1
        for folded in in_order(jobs, plan, self._heap.of_members(claims.outdate_misled())):
            claims.add(folded.asked)

    def _settle(self, claims: Claims) -> int:
        """Write the books of all claims for the next pass; returns how many members were misled in the last."""
        books = self._folder / f"books-{self._number}.db"
        misled = claims.write_books(books)
        if self._plan.books is not None:
            self._plan.books.unlink()
        self._plan = replace(self._plan, books=books)
        return misled

    def _bind(self, claims: Claims) -> Result:
        self._plan = replace(self._plan, binding=True)
        result = self._whole(claims)
        result.settled = not claims.write_books(self._folder / "books-last.db")
        return result


def fold_heap(heap: EventHeap, plan: Plan, folder: Path, jobs: int, listener: Listener) -> Result:
    """Fold every member under a plan, shared limits granted in the order of time; books of them lie in `folder`."""
    return Passes(heap, plan, folder, jobs, listener).run()


def decisions_on(heap: EventHeap, plan: Plan, member_id: str, cause: str) -> list[Decision]:
    """Why that event of the member led to what it led to, promotion by promotion."""
    rows = [row for chunk in heap.of_members([member_id]) for row in chunk]
    with Allotment(plan.books) as grants:
        return Folding(plan, grants).why(rows, cause)


def lines_of(bodies: list[bytes]) -> bytes:
    """Each on a line of its own."""
    return b"\n".join((*bodies, b""))


def journal_line(member_id: str, entry: Entry) -> bytes:
    """A ledger entry for people and programs, schemas.journal.JournalEntry less when it was recorded."""
    return orjson.dumps(
        {
            "member_id": member_id,
            "entry_id": entry.key,
            "type": f"unisono.{entry.kind}.v1",
            "unit": entry.unit,
            "debit": entry.debit,
            "credit": entry.credit,
            "amount": entry.amount,
            "promotion_id": entry.promotion_id,
            "promotion_version": entry.promotion_version,
            "offer_id": entry.offer_id,
            "coupon_id": entry.coupon_id,
            "caused_by": entry.cause,
            "occurred_at": rfc3339(entry.occurred_at),
            "detail": entry.detail or None,
        }
    )
