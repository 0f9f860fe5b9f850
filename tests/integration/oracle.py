"""What two simple promotions must have given, computed without one line of the engine.

One point for every full euro of an order; a coupon for every full 50 euro a member has spent in all. Nothing here knows
wallets, folds, versions or order of arrival: sums only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PROMOTIONS = {
    "points.yaml": """
promotion: a-point-a-euro
title: {en: "A point for every euro"}
on: order.completed
reward: [{points: {per: 1.00 EUR, earn: 1}}]
""",
    "fifty.yaml": """
promotion: five-for-fifty
title: {en: "5 € for every 50 €"}
on: order.completed
goal: {spend: 50.00 EUR, repeat: true}
reward: [{coupon: {amount_off: 5.00 EUR, valid_for: 30d}}]
""",
}


@dataclass(frozen=True)
class Due:
    """What one member must hold in the end."""

    points: int
    coupons: int


def due(orders: Iterable[dict[str, Any]]) -> dict[str, Due]:
    """Member → what is due, from the data of each order counted once (minor units of EUR)."""
    points: dict[str, int] = defaultdict(int)
    spent: dict[str, int] = defaultdict(int)
    for order in orders:
        points[order["member_id"]] += order["total"] // 100
        spent[order["member_id"]] += order["total"]
    return {member: Due(points[member], spent[member] // 5000) for member in spent}
