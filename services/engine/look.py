"""A look: one promotion, or one offer of it, about to decide an occasion; and how it is told to who asks why."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.promotions.limits import Mode
from services.engine.occasion import Occasion
from services.engine.programme import Compiled, Rank
from services.engine.trace import Decision


@dataclass(slots=True)
class Look:
    """One promotion, or one offer of it, about to look at an occasion."""

    compiled: Compiled
    offer_id: str
    mode: Mode
    """How it shares the event with its group, as the programme or the document says."""

    @property
    def rank(self) -> tuple[Rank, str]:
        """Where it stands in the order of looking."""
        rank = self.compiled.rank
        if self.mode != self.compiled.mode:
            rank = (rank[0], self.mode != "exclusive", *rank[2:])
        return rank, self.offer_id


def told(occasion: Occasion, look: Look) -> Decision | None:
    """A decision to fill in, where somebody asks why."""
    trace = occasion.trace
    if trace is None:
        return None
    compiled = look.compiled
    decision = Decision(
        occasion.cause, compiled.promotion_id, compiled.version, look.offer_id or None, trigger=occasion.trigger
    )
    trace.decisions.append(decision)
    return decision
