"""What happens once counts once, however often it is told; and a try that was made is not given back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.engine.fold import fold
from services.engine.rewarding.points import POINTS_MAX
from tests.unit.engine.stage import MEMBER, MONDAY, days, event, line, order, programme, promotion, returned, voided

CONTEST = {
    "schedule": {"from": "2026-03-01", "until": "2026-03-31", "timezone": "Europe/Rome"},
    "reward": [{"instant_win": True}],
    "where": {"total": {"at_least": "20.00 EUR"}},
    "limits": {"per_member": {"times": 1, "every": "day"}},
    "contest": {"seed_sha256": "0" * 64, "instant_win": {"prizes": [{"prize": "bell", "winners": 5}]}},
}


def tries(*events: Any) -> int:
    entries = fold(MEMBER, events, programme(promotion(**CONTEST))).entries
    return sum(entry.unit == "tries" for entry in entries)


def test_a_try_is_not_given_back_with_the_order():
    first, again = order(2000), order(2000, MONDAY + days(0.1))
    assert tries(first, again) == 1
    assert tries(first, voided(first, MONDAY + days(0.05)), again) == 0
    tomorrow = order(2000, MONDAY + days(1))
    assert tries(first, voided(first, MONDAY + days(0.05)), again, tomorrow) == 1


def test_a_try_is_not_given_back_with_a_part_of_the_order():
    first = order(lines=[line(1500, 1), line(500, 2)])
    back = returned(first, {"line_no": 2, "amount": 500}, at=MONDAY + days(0.05))
    assert tries(first, back, order(2000, MONDAY + days(0.1))) == 0


@pytest.mark.parametrize(
    ("trigger", "told"),
    [
        ("coupon.redeemed", {"operation_id": "op", "coupon_id": "c"}),
        ("order.voided", {"order_id": "o"}),
        ("order.returned", {"return_id": "r", "order_id": "o", "lines": (), "total": 100, "currency": "EUR"}),
        ("member.registered", {}),
    ],
)
def test_told_twice_under_two_event_ids_it_rewards_once(trigger: str, told: dict[str, Any]):
    plan = programme(promotion(on=trigger))
    events = [event(trigger, told), event(trigger, told, MONDAY + days(1))]
    assert fold(MEMBER, events, plan).wallet.points_active == 10


def test_a_second_operation_on_a_coupon_is_a_conflict_and_no_reward():
    plan = programme(promotion(on="coupon.redeemed"))
    both = [
        event("coupon.redeemed", {"operation_id": name, "coupon_id": "c"}, MONDAY + days(place))
        for place, name in enumerate("ab")
    ]
    assert fold(MEMBER, both, plan).wallet.points_active == 10


@pytest.mark.parametrize("birthday", ["9999-12-31", "0000-00-00", "tomorrow", "12-31"])
def test_a_birthday_that_stands_for_none_disturbs_nobody(birthday: str):
    plan = programme(promotion(on="birthday"))
    known = event("member.updated", {"attributes": {"birthday": birthday}})
    wallet = fold(MEMBER, [known], plan, MONDAY + days(400)).wallet
    assert wallet.points_active == (10 if birthday == "12-31" else 0)


def test_absurd_points_are_bounded():
    plan = programme(promotion(reward=[{"points": {"per": "0.01 EUR", "earn": 1_000_000}}]))
    wallet = fold(MEMBER, [order(10**15)], plan).wallet
    assert wallet.points_active == POINTS_MAX
    assert wallet.to_json()


@pytest.mark.parametrize(
    "schedule",
    [{"days": ["thu", "fri"], "hours": "18:00-02:00"}, {"windows": [{"days": ["thu", "fri"], "hours": "18:00-02:00"}]}],
)
def test_hours_past_midnight_belong_to_the_day_on_which_they_began(schedule: dict[str, Any]):
    plan = programme(promotion(schedule={**schedule, "timezone": "UTC"}))
    nights = {(5, 1): 0, (5, 19): 10, (6, 1): 10, (6, 19): 10, (7, 1): 10, (7, 19): 0, (8, 1): 0}
    for (day, hour), points in nights.items():
        at = datetime(2026, 3, day, hour, tzinfo=UTC)
        assert fold(MEMBER, [order(100, at)], plan).wallet.points_active == points, at


@pytest.mark.parametrize(
    "keeps",
    [
        {"hours": "09:00-20:00"},
        {"windows": [{"days": "sun", "hours": "09:00-12:00"}, {"days": "mon", "hours": "07:00-09:00"}]},
    ],
)
def test_a_birthday_comes_with_the_first_hour_that_the_promotion_keeps(keeps: dict[str, Any]):
    plan = programme(promotion(on="birthday", schedule={**keeps, "timezone": "UTC"}))
    known = event("member.updated", {"attributes": {"birthday": "1990-03-29"}})
    (entry,) = fold(MEMBER, [known], plan, MONDAY + days(60)).entries
    assert entry.occurred_at == datetime(2026, 3, 29, 9, tzinfo=UTC)
