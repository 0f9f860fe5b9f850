"""The figures of a run, from what the touchpoints themselves noted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from schemas.api.sync import Applied


@dataclass(frozen=True, slots=True)
class Spread:
    """How a number of measured milliseconds is spread; all zero when nothing was measured."""

    p50: float
    p95: float
    p99: float
    measured: int


def spread(milliseconds: Iterable[float]) -> Spread:
    """Percentiles by nearest rank: each is a value that was really measured."""
    ordered = sorted(milliseconds)
    if not ordered:
        return Spread(0, 0, 0, 0)
    p50, p95, p99 = (round(ordered[ceil(len(ordered) * share) - 1], 1) for share in (0.50, 0.95, 0.99))
    return Spread(p50, p95, p99, len(ordered))


def propagation(applied: Iterable[Applied], since: datetime) -> list[float]:
    """Milliseconds from the event to the touchpoint, of what happened after `since` and was applied live."""
    return [
        max(0.0, milliseconds(row.occurred_at, row.applied_at))
        for row in applied
        if row.via == "stream" and row.occurred_at >= since
    ]


def skew(one: Iterable[Applied], other: Iterable[Applied], since: datetime) -> list[float]:
    """Milliseconds between two touchpoints, for each version of a member that both applied live."""
    seen = {
        (row.member_id, row.version): row.applied_at for row in one if row.via == "stream" and row.occurred_at >= since
    }
    return [
        abs(milliseconds(seen[key], row.applied_at))
        for row in other
        if row.via == "stream" and (key := (row.member_id, row.version)) in seen
    ]


def milliseconds(start: datetime, end: datetime) -> float:
    """From one instant to another."""
    return (end - start).total_seconds() * 1000
