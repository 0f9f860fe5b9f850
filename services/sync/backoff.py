"""Waiting longer after each failure, by chance, so that ten thousand tills do not come back in the same instant."""

from __future__ import annotations

import secrets

_STEPS = 10_000


def spread(low: float, high: float) -> float:
    """A number between the two, each as likely; for spreading load, so it needs no seed."""
    return low + (high - low) * secrets.randbelow(_STEPS) / _STEPS


class Backoff:
    """Seconds to wait before the next attempt: random below a limit that doubles up to `most_s`."""

    def __init__(self, first_s: float = 0.2, most_s: float = 5.0) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._limit_s = first_s

    def next_s(self) -> float:
        """The wait before the next attempt, at least half the first limit."""
        wait_s = spread(self._first_s / 2, self._limit_s)
        self._limit_s = min(self._limit_s * 2, self._most_s)
        return wait_s

    def reset(self) -> None:
        """The last attempt worked."""
        self._limit_s = self._first_s
