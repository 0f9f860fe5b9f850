"""Goals: progress, windows, repetition, what is carried over, limits, issued offers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.engine.fold import advance, due, fold
from services.engine.goals import REWARDS_PER_EVENT_MAX
from tests.unit.engine.stage import MEMBER, MONDAY, days, event, order, programme, promotion

SPEND = {"spend": "50.00 EUR"}

TABLE = [
    # goal, totals in cents by day, coupons given, progress at the end
    (SPEND, {0: 2000, 1: 2999}, 0, 4999),
    (SPEND, {0: 2000, 1: 3000}, 1, 5000),
    (SPEND, {0: 2000, 1: 3000, 2: 9000}, 1, 5000),
    (SPEND | {"repeat": True}, {0: 6000}, 1, 1000),
    (SPEND | {"repeat": True}, {0: 16000}, 3, 1000),
    (SPEND | {"repeat": True, "carry_over": False}, {0: 16000}, 1, 0),
    (SPEND | {"repeat": True, "carry_over": False}, {0: 6000, 1: 4500}, 1, 4500),
    (SPEND | {"within": "10d"}, {0: 2000, 10: 3000}, 1, 5000),
    (SPEND | {"within": "10d"}, {0: 2000, 11: 3000}, 0, 3000),
    (SPEND | {"within": "10d", "repeat": True}, {0: 6000, 10: 4000}, 2, 0),
    (SPEND | {"within": "10d", "repeat": True}, {0: 6000, 11: 4000}, 1, 4000),
    ({"visits": 3}, {0: 1, 1: 1}, 0, 2),
    ({"visits": 3}, {0: 1, 1: 1, 2: 1, 3: 1}, 1, 3),
    ({"visits": 3, "repeat": True}, dict.fromkeys(range(7), 1), 2, 1),
    (SPEND | {"repeat": True}, {0: 5000 * 1000}, REWARDS_PER_EVENT_MAX, 0),
]


@pytest.mark.parametrize(("goal", "spent", "coupons", "progress"), TABLE)
def test_progress_and_rewards(goal, spent, coupons, progress):
    plan = programme(promotion(goal=goal, reward=[{"coupon": {"amount_off": "5.00 EUR", "valid_for": "1y"}}]))
    outcome = fold(MEMBER, [order(total, MONDAY + days(day)) for day, total in spent.items()], plan)
    assert sum(entry.kind == "coupon.issued" for entry in outcome.entries) == coupons
    assert sum(entry.kind == "offer.completed" for entry in outcome.entries) == coupons
    assert len(outcome.wallet.coupons) == coupons
    assert outcome.wallet.pursuits["p"].progress == progress


def test_a_window_includes_the_whole_of_its_last_local_day():
    plan = programme(promotion(goal=SPEND | {"within": "10d"}))
    last = datetime(2026, 3, 12, 22, 59, 59, 999000, tzinfo=UTC)  # one millisecond before midnight in Rome
    for late, points in ((timedelta(0), 10), (timedelta(milliseconds=1), 0)):
        outcome = fold(MEMBER, [order(2000), order(3000, last + late)], plan)
        assert outcome.wallet.points_active == points


def test_a_window_closes_by_time_alone():
    plan = programme(promotion(goal=SPEND | {"within": "10d"}))
    wallet = fold(MEMBER, [order(2000)], plan).wallet
    closing = due(wallet, plan)
    assert closing == datetime(2026, 3, 12, 23, 0, tzinfo=UTC)
    assert advance(wallet, closing - timedelta(microseconds=1), plan).wallet.pursuits["p"].progress == 2000
    assert advance(wallet, closing, plan).wallet.pursuits["p"].progress == 0


def test_the_end_of_the_campaign_takes_the_progress_away():
    plan = programme(promotion(goal=SPEND, schedule={"until": "2026-03-31"}))
    wallet = fold(MEMBER, [order(2000)], plan).wallet
    assert advance(wallet, MONDAY + days(60), plan).wallet.pursuits == {}


@pytest.mark.parametrize(
    ("limit", "orders", "rewards"),
    [
        ({"times": 1}, [0, 1, 40], 1),
        ({"times": 2, "every": "day"}, [0, 0.1, 0.2, 1], 3),
        ({"times": 1, "every": "week"}, [0, 6, 7], 2),
        ({"times": 1, "every": "month"}, [0, 29, 30], 2),
    ],
)
def test_limits(limit, orders, rewards):
    """Monday the second of March: the week ends on day 6, the month on day 29."""
    plan = programme(promotion(limits={"per_member": limit}))
    outcome = fold(MEMBER, [order(100, MONDAY + days(day)) for day in orders], plan)
    assert outcome.wallet.points_active == 10 * rewards


def test_what_is_bought_beyond_the_limit_does_not_count_towards_the_goal():
    limits = {"per_member": {"times": 1, "every": "month"}}
    plan = programme(promotion(goal=SPEND | {"repeat": True}, limits=limits))
    given = [order(12000), order(4900, MONDAY + days(5)), order(4900, MONDAY + days(31))]
    outcome = fold(MEMBER, given, plan)
    assert outcome.wallet.points_active == 10 + 10
    assert outcome.wallet.pursuits["p"].progress == 1900


def offer(offer_id: str, at: datetime, **fields: object):
    return event("offer.issued", {"offer_id": offer_id, "promotion_id": "p", **fields}, at, id=offer_id)


def test_an_offer_is_its_own_instance_with_both_ends_of_its_window():
    plan = programme(promotion(by="offer", goal=SPEND))
    until = MONDAY + days(7)
    issued = offer("of1", MONDAY, valid_until=until)
    for when, points in ((-1e-4, 0), (0, 10), (7, 10), (7 + 1e-4, 0)):
        outcome = fold(MEMBER, [issued, order(5000, MONDAY + days(when))], plan)
        assert outcome.wallet.points_active == points
    assert fold(MEMBER, [order(5000)], plan).wallet.points_active == 0


def test_two_offers_of_one_promotion_are_pursued_side_by_side():
    plan = programme(promotion(by="offer", goal=SPEND))
    given = [
        offer("of1", MONDAY, valid_until=MONDAY + days(30)),
        order(2000, MONDAY + days(1)),
        offer("of2", MONDAY + days(2), valid_until=MONDAY + days(40)),
        order(3000, MONDAY + days(3)),
    ]
    outcome = fold(MEMBER, given, plan)
    offers = outcome.wallet.offers
    assert [(each.progress, each.completed) for each in offers.values()] == [(5000, 1), (3000, 0)]
    assert advance(outcome.wallet, MONDAY + days(31), plan).wallet.offers.keys() == {"of2"}


def test_an_offer_id_opens_one_offer_once_however_often_it_is_sent():
    """Its rewards are numbered by that id: sent again after its window, it would post the same entries once more."""
    plan = programme(promotion(by="offer"))
    first = offer("of1", MONDAY, valid_until=MONDAY + days(1))
    again = offer("of1", MONDAY + days(5), valid_until=MONDAY + days(9))
    again.id = "sent again"
    orders = [order(100, MONDAY + timedelta(hours=1)), order(100, MONDAY + days(6))]
    outcome = fold(MEMBER, [first, again, *orders], plan)
    assert outcome.wallet.points_active == 10
    keys = [entry.key for entry in outcome.entries]
    assert len(keys) == len(set(keys))


def test_an_offer_without_a_goal_rewards_each_match():
    plan = programme(promotion(by="offer", limits={"per_member": {"times": 2}}))
    given = [offer("of1", MONDAY), *[order(100, MONDAY + days(day)) for day in (1, 2, 3)]]
    outcome = fold(MEMBER, given, plan)
    assert outcome.wallet.points_active == 20
    assert outcome.wallet.offers["of1"].completed == 2


def test_an_offer_of_something_else_opens_nothing():
    plan = programme(promotion(goal=SPEND))
    assert fold(MEMBER, [offer("of1", MONDAY)], plan).wallet.offers == {}
