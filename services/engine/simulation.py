"""Folding a heap of events without a server: in any order, duplicates included, member by member.

The same function is the oracle of the demo: what the stack holds in the end must be what this says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

from schemas.events.catalogue import Event, same_content
from services.engine.fold import Outcome, fold, place
from services.engine.programme import Programme
from services.engine.wallet import wallet_record

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Effective from the beginning of time: how promotions are in force in a simulation."""
_YEARS = range(1971, 2200)
Taken = Literal["new", "duplicate", "conflict"]


def plausible(event: Event) -> bool:
    """Whether the event's time is one that a calendar can reckon with; the live path asks for far more."""
    return event.occurred_at.year in _YEARS


class Simulation:
    """Collects events once each by (source, id), then folds each member. Memory grows with the distinct events."""

    def __init__(self) -> None:
        self.duplicates = 0
        self.conflicts = 0
        self._seen: dict[tuple[str, str], Event] = {}

    def take(self, event: Event) -> Taken:
        """Take one event; the first of a (source, id) counts, the same again is a duplicate, another a conflict."""
        first = self._seen.setdefault((event.source, event.id), event)
        if first is event:
            return "new"
        if same_content(first, event):
            self.duplicates += 1
            return "duplicate"
        self.conflicts += 1
        return "conflict"

    @property
    def events(self) -> int:
        """Distinct events taken."""
        return len(self._seen)

    def outcomes(self, programme: Programme, until: datetime | None = None) -> Iterator[tuple[Outcome, list[Event]]]:
        """Each member's outcome with their events in order, by member id."""
        by_member: dict[str, list[Event]] = {}
        for event in self._seen.values():
            by_member.setdefault(event.member_id, []).append(event)
        for member_id in sorted(by_member):
            events = sorted(by_member[member_id], key=place)
            yield fold(member_id, events, programme, until), events


def record_of(outcome: Outcome, events: list[Event]) -> bytes:
    """The sync record of a simulated wallet: its version is the number of events, its cause the newest of them."""
    newest = max(events, key=place)
    return wallet_record(
        outcome.wallet,
        version=len(events),
        as_of=newest.occurred_at,
        caused_by=(newest.cause,),
        occurred_at=newest.occurred_at,
    )


def rewards_by_promotion(outcome: Outcome) -> Counter[tuple[str, str]]:
    """(promotion id, kind of reward) → how much of it: points earned, coupons issued, goals completed."""
    counted: Counter[tuple[str, str]] = Counter()
    for entry in outcome.entries:
        if entry.promotion_id is not None and entry.kind in ("points.earned", "coupon.issued", "offer.completed"):
            counted[entry.promotion_id, entry.kind] += entry.amount
    return counted
