"""What the demo sends: real events in their real order, a tenth of them twice, and broken ones among them.

The same number of events and the same seed give the same plan. Nothing here has a time yet: `send` stamps each event
with the moment it goes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

from schemas.envelope import CloudEvent
from services.adapters.complete_journey import journey_events
from services.demo.broken import KINDS, Kind

SINCE = date(2017, 11, 1)
"""The first day of the purchases that are sent: a grocer's November, into the holidays."""
STORES = ("433", "313")
"""Two busy stores of those weeks, which get a till each."""
EVENTS_PER_MEMBER = 13
REPEATED_PER_MILLE = 100
REPEAT_AFTER_MAX = 120
BROKEN_EVERY = 1000
"""Each kind of broken record is sent once for so many events, and at least once."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to send: an event for the first time, the same bytes again, or something broken made from it."""

    event: CloudEvent
    again: bool = False
    broken: Kind | None = None
    in_app: bool = False
    """Sent by the member's app through the gateway, not straight to Kafka."""


def purchases(events: int) -> list[CloudEvent]:
    """So many events of the data, of about a thirteenth as many members; takes a second or two."""
    return list(journey_events(members=max(20, events // EVENTS_PER_MEMBER), since=SINCE, limit=events))


def plan(events: Sequence[CloudEvent], seed: int, app_member: str) -> list[Step]:
    """Every step in the order of sending; what `app_member` does in the app is left to the member's app, once each."""
    in_app = {event.id for event in events if event.source == "/app" and event.subject == app_member}
    repeats: dict[int, list[CloudEvent]] = {}
    for place, event in enumerate(events):
        if _draw(seed, "repeat", event) < REPEATED_PER_MILLE and event.id not in in_app:
            repeats.setdefault(place + 1 + _draw(seed, "delay", event) % REPEAT_AFTER_MAX, []).append(event)
    broken = _broken(events, seed, in_app)
    steps = []
    for place, event in enumerate(events):
        steps += [Step(early, again=True) for early in repeats.pop(place, ())]
        steps.append(Step(event, in_app=event.id in in_app))
        steps += [Step(event, broken=kind) for kind in broken.pop(place, ())]
    return steps + [Step(late, again=True) for some in repeats.values() for late in some]


def _broken(events: Sequence[CloudEvent], seed: int, in_app: set[str]) -> dict[int, list[Kind]]:
    """Places spread over the stream, each with the kind of broken record made from the order just before it."""
    orders = [
        place
        for place, event in enumerate(events)
        if event.type == "unisono.order.completed.v1" and event.id not in in_app
    ]
    wanted = [kind for _ in range(max(1, len(events) // BROKEN_EVERY)) for kind in KINDS]
    found: dict[int, list[Kind]] = {}
    if not orders:
        return found
    wanted.sort(key=lambda kind: blake2b(f"{seed}:{kind.name}".encode(), digest_size=4).digest())
    for number, kind in enumerate(wanted):
        found.setdefault(orders[(2 * number + 1) * len(orders) // (2 * len(wanted))], []).append(kind)
    return found


def expected_letters(steps: Iterable[Step]) -> dict[str, int]:
    """Reason codes of the dead letters that the broken steps must become, with their number."""
    counts: dict[str, int] = {}
    for step in steps:
        if step.broken is not None:
            counts[step.broken.reason] = counts.get(step.broken.reason, 0) + 1
    return dict(sorted(counts.items()))


def _draw(seed: int, what: str, event: CloudEvent) -> int:
    return int.from_bytes(blake2b(f"{seed}:{what}:{event.id}".encode(), digest_size=4).digest()) % 1000
