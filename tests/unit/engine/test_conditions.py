"""Which events count: each condition of a document against events that just meet and just miss it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.engine.calendar.moments import micros
from services.engine.fold import fold
from services.engine.matching.conditions import in_holdout
from services.engine.occasion import Desk, Occasion
from services.engine.programme import PromotionVersion, compile_programme
from services.engine.rewarding.grants import UNLIMITED
from services.engine.trace import Trace
from services.engine.wallet import Wallet
from tests.unit.engine.stage import MEMBER, MONDAY, TERMS, days, event, line, order, programme, promotion


def rome(text: str) -> datetime:
    from zoneinfo import ZoneInfo

    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Rome")).astimezone(UTC)


COFFEE = [line(400, 1, category="coffee", brand="B", sku="s1", tags=("fair",)), line(600, 2, category="milk")]

ORDERS = [
    # what the document says, the order, whether it counts
    ({}, order(100), True),
    ({"where": {"channel": ["pos", "app"]}}, order(100), True),
    ({"where": {"channel": "app"}}, order(100), False),
    ({"where": {"store": [1, 2]}}, order(100), True),
    ({"where": {"store": 2}}, order(100), False),
    ({"where": {"store": 1}}, order(100, store_id=None), False),
    ({"where": {"total": {"at_least": "10.00 EUR"}}}, order(1000), True),
    ({"where": {"total": {"at_least": "10.00 EUR"}}}, order(999), False),
    ({"where": {"total": {"at_most": "10.00 EUR"}}}, order(1000), True),
    ({"where": {"total": {"at_most": "10.00 EUR"}}}, order(1001), False),
    ({"where": {"total": {"at_least": "10.00 EUR"}}}, order(5000, currency="USD"), False),
    ({"where": {"lines": {"category": "coffee"}}}, order(lines=COFFEE), True),
    ({"where": {"lines": {"category": "Coffee"}}}, order(lines=COFFEE), False),
    ({"where": {"lines": {"category": "coffee", "brand": "B"}}}, order(lines=COFFEE), True),
    ({"where": {"lines": {"category": "milk", "brand": "B"}}}, order(lines=COFFEE), False),
    ({"where": {"lines": {"sku": "s1", "tag": "fair"}}}, order(lines=COFFEE), True),
    ({"where": {"lines": {"tag": ["fair", "organic"]}}}, order(lines=COFFEE), True),
    ({"where": {"lines": {"tag": "organic"}}}, order(lines=COFFEE), False),
    ({"where": {"lines": {"gtin": "1"}}}, order(lines=COFFEE), False),
    ({"where": {"lines": {"category": "coffee"}, "store": 2}}, order(lines=COFFEE), False),
    ({}, order(100, training=True), False),
    # Monday the second of March, ten in the morning in Rome
    ({"schedule": {"days": ["mon", "tue"]}}, order(100), True),
    ({"schedule": {"days": "tue"}}, order(100), False),
    ({"schedule": {"hours": "10:00-11:00"}}, order(100), True),
    ({"schedule": {"hours": "09:00-10:00"}}, order(100), False),
    ({"schedule": {"hours": "22:00-02:00"}}, order(100, rome("2026-03-03T01:59")), True),
    ({"schedule": {"hours": "22:00-02:00"}}, order(100, rome("2026-03-03T02:00")), False),
    ({"schedule": {"timezone": "America/New_York", "hours": "04:00-05:00"}}, order(100), True),
    ({"schedule": {"from": "2026-03-02"}}, order(100, rome("2026-03-02T00:00")), True),
    ({"schedule": {"from": "2026-03-03"}}, order(100, rome("2026-03-02T23:59:59")), False),
    ({"schedule": {"until": "2026-03-02"}}, order(100, rome("2026-03-02T23:59:59.999")), True),
    ({"schedule": {"until": "2026-03-02"}}, order(100, rome("2026-03-03T00:00")), False),
    ({"schedule": {"until": "2026-03-02T10:00"}}, order(100, rome("2026-03-02T10:00")), True),
    ({"schedule": {"until": "2026-03-02T10:00"}}, order(100, rome("2026-03-02T10:00:00.001")), False),
    # the clocks go forward on the 29th of March: nine in the morning is an hour earlier in UTC
    ({"schedule": {"hours": "09:00-10:00"}}, order(100, datetime(2026, 3, 28, 8, 30, tzinfo=UTC)), True),
    ({"schedule": {"hours": "09:00-10:00"}}, order(100, datetime(2026, 3, 30, 7, 30, tzinfo=UTC)), True),
    ({"schedule": {"hours": "09:00-10:00"}}, order(100, datetime(2026, 3, 30, 8, 30, tzinfo=UTC)), False),
]


@pytest.mark.parametrize(("says", "given", "counts"), ORDERS)
def test_orders(says, given, counts):
    outcome = fold(MEMBER, [given], programme(promotion(**says)))
    assert (outcome.wallet.points_active == 10) is counts


@pytest.mark.parametrize(("says", "given", "counts"), ORDERS)
def test_a_trace_says_the_same_and_names_what_failed(says, given, counts):
    trace = Trace()
    fold(MEMBER, [given], programme(promotion(**says)), trace=trace)
    decision = trace.decisions[0]
    assert (decision.result == "rewarded") is counts
    assert (decision.failed is None) is counts


def test_a_trace_tells_what_was_required_and_what_was_there():
    trace = Trace()
    says = {"where": {"total": {"at_least": "10.00 EUR"}, "channel": "app"}}
    fold(MEMBER, [order(999)], programme(promotion(**says)), trace=trace)
    seen = {each.path: (each.required, each.observed, each.holds) for each in trace.decisions[0].observations}
    assert seen["where.channel"] == (["app"], "pos", False)
    assert seen["where.total.at_least"] == ("10.00 EUR", "9.99 EUR", False)
    assert trace.decisions[0].failed == "where.channel"


@pytest.mark.parametrize(
    ("says", "given", "counts"),
    [
        ({}, {"activity": "app.check_in"}, True),
        ({"activity": "app.check_in"}, {"activity": "app.check_in"}, True),
        ({"activity": ["a", "b"]}, {"activity": "app.check_in"}, False),
        ({"where": {"channel": "app"}}, {"activity": "x", "channel": "app"}, True),
        ({"where": {"channel": "app"}}, {"activity": "x"}, False),
        ({"where": {"store": "7"}}, {"activity": "x", "store_id": "7"}, True),
    ],
)
def test_activities(says, given, counts):
    outcome = fold(MEMBER, [event("activity.recorded", given)], programme(promotion(on="activity.recorded", **says)))
    assert (outcome.wallet.points_active == 10) is counts


def test_who_the_member_is_at_the_time_of_the_event_decides():
    gold = event(
        "member.registered", {"attributes": {"tier": "gold"}, "segments": {"add": ("a", "b")}}, MONDAY + days(1)
    )
    left = event("member.updated", {"attributes": {"tier": None}, "segments": {"remove": ("a",)}}, MONDAY + days(3))
    orders = [order(100, MONDAY + days(day)) for day in (0, 2, 4)]
    for audience in ({"tiers": "gold"}, {"segments": ["a", "z"]}, {"tiers": ["silver", "gold"], "segments": "a"}):
        outcome = fold(MEMBER, [gold, left, *orders], programme(promotion(audience=audience)))
        assert outcome.wallet.points_active == 10
    changes = [entry.credit for entry in outcome.entries if entry.kind == "tier.changed"]
    assert changes == ["tier:gold", "tier:none"]
    assert outcome.wallet.segments == ("b",)


def test_the_holdout_is_a_stable_share_that_only_grows():
    members = [f"m{number}" for number in range(4000)]
    five = {member for member in members if in_holdout("p", member, 500)}
    ten = {member for member in members if in_holdout("p", member, 1000)}
    assert five < ten
    assert 150 < len(five) < 250
    assert five != {member for member in members if in_holdout("q", member, 500)}
    inside, outside = next(iter(five)), next(member for member in members if member not in five)
    plan = programme(promotion(audience={"holdout": "5 %"}))
    given = order(100)
    for member, points in ((inside, 0), (outside, 10)):
        given.member_id = member
        assert fold(member, [given], plan).wallet.points_active == points


def test_the_version_in_force_at_the_event_decides():
    versions = [
        PromotionVersion(promotion(reward=[{"points": 1}]), 1, MONDAY, None),
        PromotionVersion(promotion(reward=[{"points": 20}]), 2, MONDAY + days(2), MONDAY + days(4)),
    ]
    plan = compile_programme(reversed(versions), TERMS)
    orders = [order(100, MONDAY + days(day)) for day in (-1, 0, 1.99, 2, 3.99, 4)]
    outcome = fold(MEMBER, orders, plan)
    assert [(e.amount, e.promotion_version) for e in outcome.entries] == [(1, 1), (1, 1), (20, 2), (20, 2)]


def test_an_event_meets_only_promotions_that_may_match():
    narrow = [promotion(promotion=f"p{n}", where={"lines": {"sku": f"s{n}"}}) for n in range(200)]
    plan = programme(*narrow, promotion(promotion="all"), promotion(promotion="store", where={"store": "9"}))
    bought = order(lines=[line(100, 1, sku="s7"), line(100, 2, sku="s5")])
    desk = Desk(plan, UNLIMITED, [])
    occasion = Occasion(Wallet.empty(MEMBER), desk, "order.completed", "c", MONDAY, micros(MONDAY), bought.data)
    assert {c.promotion_id for c in plan.index.find(occasion)} == {"all", "p5", "p7"}


def test_what_was_paid_is_spread_over_the_lines():
    """Ten per cent off the whole order: the coffee of 4.00 counts with what was paid for it, 3.60."""
    plan = programme(
        promotion(where={"lines": {"category": "coffee"}}, reward=[{"points": {"per": "0.01 EUR", "earn": 1}}])
    )
    assert fold(MEMBER, [order(900, lines=COFFEE)], plan).wallet.points_active == 360
    assert fold(MEMBER, [order(1500, lines=COFFEE)], plan).wallet.points_active == 400
