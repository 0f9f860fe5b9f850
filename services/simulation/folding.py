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
from services.simulation.allot import Allotment, Asked, Claims
from services.simulation.heap import EventHeap, Row, event_of
from services.simulation.tally import Tally, faces_of
from services.simulation.workers import in_order

PASSES_MAX = 4


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

    def begin(self, number: int) -> None:
        """A pass begins; what was written in the one before does not count."""
        ...

    def folded(self, folded: Folded) -> None:
        """Some members are folded, in the order of their ids."""
        ...


def fold_heap(heap: EventHeap, plan: Plan, folder: Path, jobs: int, listener: Listener) -> Result:
    """Fold every member, again until shared limits are granted in the order of time, at most `PASSES_MAX` times.

    The last of these passes is binding: it grants from what is left, member by member, so that nothing is ever
    overdrawn. The books of each pass lie in `folder`.
    """
    number = 1
    while True:
        result = Result(plan, passes=number)
        listener.begin(number)
        books = folder / f"books-{number}.db"
        with Claims() as claims:
            for folded in in_order(1 if plan.binding else jobs, plan, heap.by_member()):
                claims.add(folded.asked)
                result.add(folded)
                listener.folded(folded)
            settlement = claims.write_books(books)
        result.settled = not settlement.differing
        if result.settled or plan.binding:
            return result
        if plan.books is not None:
            plan.books.unlink()
        number += 1
        plan = replace(plan, books=books, binding=number == PASSES_MAX)


def decisions_on(heap: EventHeap, plan: Plan, member_id: str, cause: str) -> list[Decision]:
    """Why that event of the member led to what it led to, promotion by promotion."""
    with Allotment(plan.books) as grants:
        return Folding(plan, grants).why(heap.of_member(member_id), cause)


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
