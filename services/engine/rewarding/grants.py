"""The port through which the fold asks for what all members share: budgets, stocks, limits of a store or household.

A grant is a fact: asked again for the same claim, whoever keeps the books gives the same answer, so that a refold
changes nothing that was granted. The engine asks in the order in which it decides and never knows what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Pool:
    """One thing that runs out: the budget of a promotion, the stock of a gift, a store's limit in one week.

    `kind`: `budget`, `stock`, `codes`, `instant_win`, `household`, `store`, `channel`, `total`. `key` tells pools of a
    kind apart (a place in the document, a store's id); `period` numbers the period of a limit that renews, else 0.
    """

    promotion_id: str
    kind: str
    key: str = ""
    period: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """So much of a pool, for one reward of one member.

    `capacity` is what the pool holds in all at this instant (it may grow with time). `mark` names the reward within the
    promotion and member, the same in every refold. `partial`: less than `amount` is welcome too.
    """

    pool: Pool
    amount: int
    capacity: int
    member_id: str
    mark: str
    instant: int
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Granted:
    """How much of a claim was granted (0: nothing is left), and how much of the pool had been granted before it."""

    amount: int
    before: int = 0


class Grants(Protocol):
    """Whoever keeps the books of shared limits."""

    def take(self, claim: Claim) -> Granted:
        """Grant all of the claim, part of it where it may be partial, or nothing."""
        ...

    def release(self, claim: Claim) -> None:
        """Undo what was granted for this claim: another of the same reward was refused."""
        ...


class Unlimited:
    """Grants everything: for a programme without shared limits, and to learn what would be asked for."""

    def take(self, claim: Claim) -> Granted:
        """All of it, as the first of the pool."""
        return Granted(min(claim.amount, claim.capacity) if claim.partial else claim.amount)

    def release(self, claim: Claim) -> None:
        """Nothing to undo."""


UNLIMITED = Unlimited()
