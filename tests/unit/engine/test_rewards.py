"""Points as a whole programme gives them: earned by orders, shown in the record, gone in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.engine.fold import advance, due, fold
from services.engine.record import EXPIRING_SHOWN
from tests.unit.engine.shown import record
from tests.unit.engine.stage import MEMBER, MONDAY, days, order, programme, promotion


@pytest.mark.parametrize(
    ("reward", "total", "points"),
    [
        ({"points": 7}, 100, 7),
        ({"points": {"earn": 7}}, 100, 7),
        ({"points": {"per": "1.00 EUR", "earn": 1}}, 1999, 19),
        ({"points": {"per": "1.00 EUR", "earn": 3}}, 1999, 57),
        ({"points": {"per": "1.00 EUR", "earn": 1}}, 99, 0),
        ({"points": {"per": "1.00 EUR", "earn": 1}}, -500, 0),
    ],
)
def test_points(reward, total, points):
    outcome = fold(MEMBER, [order(total)], programme(promotion(reward=[reward])))
    assert outcome.wallet.points_active == points
    assert [entry.amount for entry in outcome.entries] == ([points] if points else [])


def test_points_wait_then_count_then_expire():
    """Earned on the 2nd of March, usable from the 16th, last used on the 16th of April: local days in Rome."""
    reward = {"points": {"earn": 5, "pending_for": "2w", "expires_after": "1mo"}}
    plan = programme(promotion(reward=[reward]))
    wallet = fold(MEMBER, [order(100)], plan).wallet
    assert record(wallet).points["base"].model_dump() == {"active": 0, "pending": 5, "expiring": ()}
    usable = datetime(2026, 3, 15, 23, tzinfo=UTC)
    assert due(wallet, plan) == usable
    wallet = advance(wallet, usable, plan).wallet
    assert record(wallet).points["base"].model_dump() == {
        "active": 5,
        "pending": 0,
        "expiring": ({"on": "2026-04-16", "points": 5},),
    }
    gone = datetime(2026, 4, 16, 22, tzinfo=UTC)
    assert advance(wallet, gone - timedelta(microseconds=1), plan).wallet.points_active == 5
    last = advance(wallet, gone, plan)
    assert last.wallet.points_active == 0
    assert [(e.kind, e.amount, e.debit, e.occurred_at) for e in last.entries] == [
        ("points.expired", 5, "member:points_active", gone)
    ]


def test_a_month_after_the_thirty_first_is_the_last_of_february():
    plan = programme(promotion(reward=[{"points": {"earn": 1, "expires_after": "1mo"}}]))
    wallet = fold(MEMBER, [order(100, datetime(2026, 1, 31, 12, tzinfo=UTC))], plan).wallet
    assert wallet.lots[0].on == "2026-02-28"


def test_points_that_expire_together_are_one_lot_and_the_record_stays_short():
    plan = programme(promotion(reward=[{"points": {"earn": 1, "expires_after": "1y"}}]))
    orders = [order(100, MONDAY + days(day / 2)) for day in range(60)]
    wallet = fold(MEMBER, orders, plan).wallet
    assert len(wallet.lots) == 30
    assert len(record(wallet).points["base"].expiring) == EXPIRING_SHOWN
