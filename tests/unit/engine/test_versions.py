"""A promotion published anew: what was reached and used up under the old version is not forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.engine.fold import fold
from services.engine.programme import Programme, PromotionVersion, compile_programme
from tests.unit.engine.stage import ALWAYS, MEMBER, MONDAY, TERMS, days, order, promotion


def versions(old: dict[str, Any], new: dict[str, Any]) -> Programme:
    """One promotion, changed after the first day."""
    later = MONDAY + timedelta(hours=12)
    first, second = PromotionVersion(promotion(**old), 1, ALWAYS), PromotionVersion(promotion(**new), 2, later)
    return compile_programme([first, second], TERMS)


def points(plan: Programme, *amounts: int) -> int:
    orders = [order(amount, MONDAY + days(day)) for day, amount in enumerate(amounts)]
    return fold(MEMBER, orders, plan).wallet.points_active


def limited(*limits: dict[str, Any]) -> dict[str, Any]:
    return {"reward": [{"points": 30}], "limits": {"per_member": list(limits)}}


def test_a_goal_that_was_reached_is_not_reached_again_because_it_may_now_be():
    goal = {"spend": "50.00 EUR"}
    plan = versions({"goal": goal}, {"goal": goal | {"repeat": True}})
    assert points(plan, 8000, 100) == 10
    assert points(plan, 8000, 100, 4900) == 20


def test_points_used_of_a_limit_are_no_times():
    plan = versions(limited({"points": 50, "every": "month"}), limited({"times": 2, "every": "month"}))
    assert points(plan, 100, 100, 100, 100) == 90


def test_a_limit_keeps_its_count_wherever_it_stands_in_the_list():
    month = {"points": 50, "every": "month"}
    plan = versions(limited(month), limited({"points": 40, "every": "day"}, month))
    assert points(plan, 100, 100, 100) == 50


def test_of_two_limits_that_count_the_same_the_stricter_holds():
    plan = versions(limited({"times": 3}, {"times": 1}), limited({"times": 3}, {"times": 1}))
    assert points(plan, 100, 100) == 30
