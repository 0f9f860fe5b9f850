"""Promotions that share an order: the best that can be given, and nobody left with nothing for it."""

from __future__ import annotations

from typing import Any

from services.engine.fold import fold
from services.engine.programme import Programme
from services.engine.rewarding.grants import Claim, Granted
from services.engine.trace import Trace
from tests.unit.engine.stage import MEMBER, line, order, programme, promotion


class Empty:
    """Books in which nothing is left."""

    def take(self, claim: Claim) -> Granted:
        """Nothing."""
        return Granted(0)

    def release(self, claim: Claim) -> None:
        """Nothing to undo."""


def best(promotion_id: str, **fields: Any) -> Any:
    return promotion(promotion=promotion_id, stacking={"group": "g", "mode": "best"}, **fields)


def coupon(amount: str) -> list[dict[str, Any]]:
    return [{"coupon": {"amount_off": amount, "valid_for": "30d"}}]


def gave(plan: Programme, *events: Any, grants: Any = None) -> list[tuple[str | None, int]]:
    outcome = fold(MEMBER, events, plan, grants=grants) if grants else fold(MEMBER, events, plan)
    return [(entry.promotion_id, entry.amount) for entry in outcome.entries]


def test_the_next_best_gives_where_the_books_refuse_the_best():
    a = best("a", reward=coupon("10.00 EUR"), limits={"budget": {"amount": "5.00 EUR"}})
    assert gave(programme(a, best("b", reward=coupon("5.00 EUR"))), order(2000), grants=Empty()) == [("b", 1)]


def test_what_is_best_is_judged_on_the_lines_that_are_left():
    wine = {"lines": {"category": "wine"}}
    taking = {"takes_lines": True, "priority": 9}
    x = promotion(promotion="x", where=wine, stacking=taking)
    plan = programme(x, best("b", where=wine, reward=[{"points": 100}]), best("c", reward=[{"points": 5}]))
    bought = order(lines=[line(1000, 1, category="wine"), line(500, 2)])
    assert gave(plan, bought) == [("x", 10), ("c", 5)]


def test_a_limit_on_points_counts_in_what_is_best():
    a = best("a", reward=[{"points": 100}], limits={"per_member": {"points": 101}})
    b = best("b", reward=[{"points": 50}])
    second = order(2001, order(1).occurred_at.replace(hour=12))
    assert gave(programme(a, b), order(2000), second) == [("a", 100), ("b", 50)]


def test_who_was_passed_over_learns_by_whom():
    trace = Trace()
    plan = programme(best("a", reward=[{"points": 1}]), best("b", reward=[{"points": 2}]))
    fold(MEMBER, [order(2000)], plan, trace=trace)
    told = {decision.promotion_id: decision for decision in trace.decisions}
    assert told["b"].result == "rewarded"
    assert told["a"].obstacle is not None
    assert (told["a"].obstacle.path, told["a"].obstacle.observed) == ("stacking", "b")


def test_multipliers_add_up_and_leave_points_of_other_lines_in_proportion():
    """2x and 3x of 100 points bring 100 and 200 more, not 100 and 400."""
    plan = programme(
        promotion(promotion="base", reward=[{"points": 100}]),
        promotion(promotion="double", reward=[{"points": {"times": "2"}}]),
        promotion(promotion="treble", reward=[{"points": {"times": "3"}}]),
    )
    assert gave(plan, order(2000)) == [("base", 100), ("double", 100), ("treble", 200)]


def test_a_cap_on_points_leaves_points_towards_tiers_alone():
    both = [{"points": 100}, {"points": {"earn": 100, "currency": "tier"}}]
    plan = programme(promotion(reward=both, limits={"per_member": {"points": 100}}))
    assert gave(plan, order(2000)) == [("p", 100), ("p", 100)]
