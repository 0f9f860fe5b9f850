"""What a decision looked at: filled only when somebody asks why, at no cost otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Result = Literal["rewarded", "counted", "refused"]
Unit = Literal["money", "count", "instant", "points"]


@dataclass(frozen=True, slots=True)
class Miss:
    """How far a condition was from holding: so much money (minor units of `currency`), so many, or until an instant."""

    unit: Unit
    amount: int
    currency: str | None = None


@dataclass(slots=True)
class Observation:
    """One condition of a promotion on one event: what the document requires, what was there, whether it held.

    `path` is the place in the document (`where.total.at_least`, `goal.all[0].where.channel`); `required` and `observed`
    are plain values: texts, whole numbers, written money, lists of names. `miss` is set where it did not hold and the
    distance can be told.
    """

    path: str
    required: object
    observed: object
    holds: bool
    miss: Miss | None = None


@dataclass(slots=True)
class Decision:
    """One promotion version (or one offer of it) on one event; `failed` is the path of the first condition not met.

    `result`: `rewarded` something, `counted` towards its goal, or `refused`. `gave` names what was given, as
    (kind of entry, amount); `used` the limits that were drawn on, as (path, how much).
    """

    cause: str
    promotion_id: str
    promotion_version: int
    offer_id: str | None
    trigger: str = "order.completed"
    observations: list[Observation] = field(default_factory=list)
    result: Result = "refused"
    completed: int = 0
    gave: list[tuple[str, int]] = field(default_factory=list)
    used: list[tuple[str, int]] = field(default_factory=list)

    @property
    def failed(self) -> str | None:
        """The first condition that did not hold, None when all did."""
        first = self.obstacle
        return first.path if first is not None else None

    @property
    def obstacle(self) -> Observation | None:
        """The first observation that did not hold."""
        return next((seen for seen in self.observations if not seen.holds), None)


@dataclass(slots=True)
class Trace:
    """Collects decisions in the order they were taken: of all causes, or of one alone."""

    decisions: list[Decision] = field(default_factory=list)
    cause: str | None = None
