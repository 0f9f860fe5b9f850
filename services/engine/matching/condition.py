"""One condition of a promotion version."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.engine.occasion import Occasion
from services.engine.trace import Miss, Observation

Holds = Callable[[Occasion], bool]


@dataclass(slots=True)
class Condition:
    """Where the document states it, what it requires, how to test, to observe and to measure it.

    `miss` tells how far an occasion for which it does not hold is from one for which it does, None where that has no
    meaning. `required` and what `observe` gives are plain values (see trace.Observation).
    """

    path: str
    required: object
    holds: Holds
    observe: Callable[[Occasion], object]
    miss: Callable[[Occasion], Miss | None] | None = None

    def seen(self, occasion: Occasion) -> Observation:
        """The condition on this occasion, told."""
        holds = self.holds(occasion)
        miss = self.miss(occasion) if not holds and self.miss is not None else None
        return Observation(self.path, self.required, self.observe(occasion), holds, miss)


def one_of(path: str, names: Iterable[str], get: Callable[[Occasion], object]) -> Condition:
    """What the occasion has is one of these names."""
    wanted = frozenset(names)
    return Condition(path, list(names), lambda o: get(o) in wanted, get)
