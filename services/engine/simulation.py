"""What a simulation needs of the engine beside the fold: which of a heap's events count, and the wallet as a record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.events.catalogue import Event, same_content
from services.engine.fold import Outcome, place
from services.engine.record import wallet_record

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Effective from the beginning of time: how promotions are in force in a simulation."""
_YEARS = range(1971, 2200)


def plausible(moment: datetime) -> bool:
    """Whether the calendar can reckon with the time of an event; the live path asks for far more."""
    return moment.year in _YEARS


@dataclass(slots=True)
class Heap:
    """The events of one member that count, each once, in the order they were found; and how many did not."""

    events: list[Event]
    duplicates: int = 0
    conflicts: int = 0


def without_repeats(events: Iterable[Event]) -> Heap:
    """The first of each (source, id) counts; the same again is a duplicate, another content a conflict."""
    first: dict[tuple[str, str], Event] = {}
    heap = Heap([])
    for event in events:
        known = first.setdefault((event.source, event.id), event)
        if known is event:
            heap.events.append(event)
        elif same_content(known, event):
            heap.duplicates += 1
        else:
            heap.conflicts += 1
    return heap


def record_of(outcome: Outcome, events: Sequence[Event]) -> bytes:
    """The sync record of a simulated wallet: its version is the number of events, its cause the newest of them."""
    newest = max(events, key=place)
    return wallet_record(
        outcome.wallet,
        version=len(events),
        as_of=newest.occurred_at,
        caused_by=(newest.cause,),
        occurred_at=newest.occurred_at,
    )
