"""What a decision looked at: filled only when somebody asks why, at no cost otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Result = Literal["rewarded", "counted", "refused"]


@dataclass(slots=True)
class Observation:
    """One condition of a promotion on one event: what the document requires, what was there, whether it held."""

    path: str
    required: str
    observed: object
    holds: bool


@dataclass(slots=True)
class Decision:
    """One promotion version (or one offer of it) on one event; `failed` is the path of the first condition not met."""

    cause: str
    promotion_id: str
    promotion_version: int
    offer_id: str | None
    observations: list[Observation] = field(default_factory=list)
    result: Result = "refused"
    completed: int = 0

    @property
    def failed(self) -> str | None:
        """The first condition that did not hold, None when all did."""
        return next((seen.path for seen in self.observations if not seen.holds), None)


@dataclass(slots=True)
class Trace:
    """Collects decisions in the order they were taken."""

    decisions: list[Decision] = field(default_factory=list)
