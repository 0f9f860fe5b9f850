"""Figures of a run, and when an event was seen where wallets are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from schemas.envelope import CloudEvent
from services.demo.figures import Spread, milliseconds, spread


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was measured, the figure, and the goal it is held against."""

    bench: str
    what: str
    figure: str
    goal: str = ""
    met: bool | None = None


def delays(sent: Iterable[CloudEvent], seen: Iterable[tuple[str, datetime, datetime]]) -> list[float]:
    """Milliseconds from each event to the first sight of a wallet that knows of it; unseen ones count as an hour.

    `seen` are (member id, occurred_at of the wallet's newest cause, when it was seen), in order of sight. A wallet that
    replaced another before anyone looked stands for the causes of both.
    """
    waiting: dict[str, list[datetime]] = {}
    for event in sent:
        waiting.setdefault(event.subject or "", []).append(event.time)
    found: list[float] = []
    for member_id, occurred_at, seen_at in seen:
        own = waiting.get(member_id, [])
        found += [milliseconds(at, seen_at) for at in own if at <= occurred_at]
        waiting[member_id] = [at for at in own if at > occurred_at]
    return found + [3_600_000.0 for own in waiting.values() for _ in own]


def middle(spreads: Iterable[Spread]) -> Spread:
    """The median of each percentile over several rounds."""
    some = list(spreads)
    return Spread(
        median(s.p50 for s in some),
        median(s.p95 for s in some),
        median(s.p99 for s in some),
        sum(s.measured for s in some),
    )


def as_json(spreads: Mapping[str, Spread]) -> dict[str, object]:
    """Percentiles by name."""
    return {name: {"p50": s.p50, "p95": s.p95, "p99": s.p99, "n": s.measured} for name, s in spreads.items()}


__all__ = ["Row", "Spread", "as_json", "delays", "middle", "milliseconds", "spread"]
