"""What a run of the demo found, and whether it is as promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from schemas.journal import JournalEntry
from services.demo.compare import Difference
from services.demo.figures import Spread
from services.engine.entries import Entry

_GIVEN = ("unisono.points.earned.v1", "unisono.coupon.issued.v1")
_TAKEN = ("unisono.points.reversed.v1", "unisono.coupon.reversed.v1")


@dataclass(slots=True)
class Given:
    """What one promotion gave in all, reversals taken off."""

    rewards: int = 0
    coupons: int = 0
    points: int = 0
    members: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Findings:
    """`letters` are the dead letters by reason; `spreads` the propagation of each touchpoint, `by_kind` of its kind."""

    events: int
    members: int
    repeats: int
    duplicates: int
    letters: Mapping[str, int]
    letters_expected: Mapping[str, int]
    rewards: Mapping[str, Given]
    spreads: Mapping[str, Spread]
    by_kind: Mapping[str, Spread]
    skew: Spread
    touchpoint_differences: Sequence[Difference]
    fold_differences: Sequence[Difference]

    @property
    def complaints(self) -> list[str]:
        """What is not as promised, a sentence each: every touchpoint, the database and the fold must be equal, and each
        repeat and each broken record accounted for."""
        told = [str(difference) for difference in (*self.touchpoint_differences, *self.fold_differences)]
        if self.duplicates != self.repeats:
            told.append(f"{self.repeats} events were sent twice, the worker absorbed {self.duplicates}")
        if self.letters != self.letters_expected:
            told.append(f"dead letters are {dict(self.letters)}, expected {dict(self.letters_expected)}")
        return told

    def summary(self) -> dict[str, object]:
        """The one JSON object of `--json`."""
        return {
            "events": self.events,
            "duplicates": self.duplicates,
            "dead_letters": sum(self.letters.values()),
            "dead_letters_by_reason": dict(self.letters),
            "rewards": sum(given.rewards for given in self.rewards.values()),
            "rewards_by_promotion": {
                promotion: {"coupons": given.coupons, "points": given.points}
                for promotion, given in self.rewards.items()
            },
            "members": self.members,
            "propagation_ms": {
                kind: {"p50": spread.p50, "p95": spread.p95, "p99": spread.p99} for kind, spread in self.by_kind.items()
            },
            "skew_ms": {"p50": self.skew.p50, "p99": self.skew.p99},
            "touchpoints_equal": not self.touchpoint_differences,
            "fold_equal": not self.fold_differences,
        }


def rewards_by_promotion(entries: Iterable[JournalEntry]) -> dict[str, Given]:
    """What the journal says was given, by promotion id."""
    found: dict[str, Given] = {}
    for entry in entries:
        if entry.promotion_id is None or entry.type not in (*_GIVEN, *_TAKEN):
            continue
        given = found.setdefault(entry.promotion_id, Given())
        sign = 1 if entry.type in _GIVEN else -1
        given.rewards += sign
        given.members.add(entry.member_id)
        if entry.coupon_id:
            given.coupons += sign
        else:
            given.points += sign * entry.amount
    return dict(sorted(found.items()))


def books_of_journal(entries: Iterable[JournalEntry]) -> dict[str, bytes]:
    """Per member what stands after all entries on `loyalty.rewards`: by promotion, unit and account."""
    return _summed((e.member_id, e.promotion_id, e.unit, e.debit, e.credit, e.amount) for e in entries)


def books_of_fold(entries: Mapping[str, Iterable[Entry]]) -> dict[str, bytes]:
    """The same of what the fold decided, by member id."""
    return _summed(
        (member_id, e.promotion_id, e.unit, e.debit, e.credit, e.amount)
        for member_id, own in entries.items()
        for e in own
    )


def _summed(lines: Iterable[tuple[str, str | None, str, str, str, int]]) -> dict[str, bytes]:
    """Balances of both accounts of each line: a line and its reversal, accounts swapped, cancel out."""
    sums: dict[str, Counter[str]] = {}
    for member_id, promotion_id, unit, debit, credit, amount in lines:
        own = sums.setdefault(member_id, Counter())
        own[f"{promotion_id} {unit} {credit}"] += amount
        own[f"{promotion_id} {unit} {debit}"] -= amount
    standing = {member_id: {name: n for name, n in own.items() if n} for member_id, own in sums.items()}
    return {member_id: orjson.dumps(own, option=orjson.OPT_SORT_KEYS) for member_id, own in standing.items() if own}
