"""Milliseconds from the event to each touchpoint, and between them: last, median and worst of the last twenty."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median

KEPT = 20
PANES = ("app", "till", "web")


@dataclass(frozen=True, slots=True)
class Figure:
    """One series: the newest value, and median and worst of those kept; all milliseconds."""

    last: float
    median: float
    worst: float
    count: int


class Figures:
    """Fed with what each touchpoint applied when. Pure: every instant is the touchpoint's own."""

    def __init__(self) -> None:
        self._propagation: dict[str, deque[float]] = {pane: deque(maxlen=KEPT) for pane in PANES}
        self._applied: dict[int, dict[str, datetime]] = {}

    def arrived(self, pane: str, version: int, occurred_at: datetime, applied_at: datetime) -> None:
        """This touchpoint shows this version since `applied_at`; said once a touchpoint and version."""
        applied = self._applied.setdefault(version, {})
        if pane in applied:
            return
        applied[pane] = applied_at
        self._propagation[pane].append(_milliseconds(occurred_at, applied_at))
        for old in sorted(self._applied)[:-KEPT]:
            del self._applied[old]

    def propagation(self, pane: str) -> Figure | None:
        """Event to touchpoint; None before the first."""
        return _figure(self._propagation[pane])

    @property
    def skew(self) -> Figure | None:
        """First to last touchpoint for the same version, where at least two have applied it."""
        complete = (applied.values() for _, applied in sorted(self._applied.items()) if len(applied) > 1)
        return _figure([_milliseconds(min(instants), max(instants)) for instants in complete])


def _milliseconds(since: datetime, until: datetime) -> float:
    return max(0.0, (until - since).total_seconds() * 1000)


def _figure(values: Iterable[float]) -> Figure | None:
    kept = list(values)
    return Figure(kept[-1], median(kept), max(kept), len(kept)) if kept else None
