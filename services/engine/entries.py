"""Ledger entries: what a decision changed, double-entry, each under a key that any refold would give it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from schemas.journal import EntryKind

Kind = EntryKind

POINTS = "points:base"
COUPON = "coupon"
COMPLETION = "completion"
TIER = "tier"


@dataclass(slots=True)
class Entry:
    """One ledger line.

    Two entries of one key are the same line: kind, unit, accounts and amount are part of the key, so the books may be
    brought from one fold to another by keys alone. `cause` and `occurred_at` may differ between folds of one key: the
    k-th coupon stays the k-th coupon whichever event crossed the line. `amount` is positive; `debit` gives, `credit`
    receives. `cause` is "<source> <id>" of an event, or "time <instant>" where nothing but time passed.
    """

    key: str
    kind: Kind
    unit: str
    debit: str
    credit: str
    amount: int
    promotion_id: str | None
    promotion_version: int | None
    offer_id: str | None
    coupon_id: str | None
    cause: str
    occurred_at: datetime
    detail: dict[str, object] = field(default_factory=dict)


def told(entry: Entry) -> str:
    """What an explanation calls what was given: the unit of a reward; a kind of points by currency, other than base."""
    if entry.kind == "reward.granted":
        return entry.unit
    if entry.unit.startswith("points:") and entry.unit != POINTS:
        return f"{entry.kind}:{entry.unit.removeprefix('points:')}"
    return entry.kind
