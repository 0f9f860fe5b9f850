"""What one more event cannot do: each way in which history changes asks for a refold, and the refold is the fold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.events.catalogue import Event
from services.engine.fold import advance, apply, fold, needs_refold, refold
from services.engine.programme import Programme
from services.engine.rewarding.grants import Claim, Granted
from services.engine.wallet import Wallet
from tests.unit.engine.stage import MEMBER, MONDAY, days, event, order, programme, promotion, voided

HOUR = timedelta(hours=1)
SOON = MONDAY + HOUR
COUPON = [{"coupon": {"amount_off": "5.00 EUR", "valid_for": "90d"}}]


def arriving(plan: Programme, known: list[Event], late: Event, wallet: Wallet | None = None) -> Wallet:
    """The wallet after one event more, refolded where the engine asks for it."""
    wallet = wallet or fold(MEMBER, known, plan).wallet
    assert needs_refold(wallet, late)
    assert apply(wallet, late, plan).wallet.to_json() != refold(wallet, [*known, late], plan).wallet.to_json()
    return refold(wallet, [*known, late], plan).wallet


def test_an_event_from_before_time_passed_finds_the_window_open():
    """Two orders of one day reach a goal of one day, though the day was over when the second was heard of."""
    plan = programme(promotion(goal={"spend": "50.00 EUR", "within": "1d"}))
    first, late = order(3000), order(3000, SOON)
    brought = advance(fold(MEMBER, [first], plan).wallet, MONDAY + days(5), plan).wallet
    assert brought.points_active == 0
    assert arriving(plan, [first], late, brought).points_active == 10


def test_an_order_that_was_voided_before_it_was_heard_of_counts_nothing():
    plan = programme(promotion())
    bought = order(3000, SOON, order_id="o")
    void = event("order.voided", {"order_id": "o"})
    assert arriving(plan, [void], bought).points_active == 0


def test_a_coupon_used_on_an_order_that_was_undone_comes_back():
    plan = programme(promotion(reward=COUPON))
    bought, used_on = order(3000), order(2000, SOON, order_id="o")
    void = voided(used_on, SOON + HOUR)
    (held,) = fold(MEMBER, [bought, used_on, void], plan).wallet.coupons
    uploaded = event("coupon.redeemed", {"operation_id": "1", "coupon_id": held, "order_id": "o"}, SOON + 2 * HOUR)
    wallet = arriving(plan, [bought, used_on, void], uploaded)
    assert wallet.coupons[held].status == "issued"


class Books:
    """Books that count what each pool has left."""

    def __init__(self, **left: int) -> None:
        self.left = left

    def take(self, claim: Claim) -> Granted:
        """All or nothing."""
        if self.left[claim.pool.kind] < claim.amount:
            return Granted(0)
        self.left[claim.pool.kind] -= claim.amount
        return Granted(claim.amount)

    def release(self, claim: Claim) -> None:
        """It is there again."""
        self.left[claim.pool.kind] += claim.amount


@pytest.mark.parametrize(("left", "after", "points"), [({}, {"store": 9, "budget": 90}, 10), ({"budget": 5}, {}, 0)])
def test_what_one_limit_refuses_no_other_keeps(left: dict[str, int], after: dict[str, int], points: int):
    limits: dict[str, Any] = {"per_store": {"times": 10}, "budget": {"points": 100}}
    books = Books(**{"store": 10, "budget": 100} | left)
    outcome = fold(MEMBER, [order(100)], programme(promotion(limits=limits)), grants=books)
    assert outcome.wallet.points_active == points
    assert books.left == {"store": 10, "budget": 100} | left | after


def test_of_two_shared_limits_that_count_the_same_the_stricter_holds():
    books = Books(store=10)
    limits = {"per_store": [{"times": 3}, {"times": 1}]}
    fold(MEMBER, [order(100)], programme(promotion(limits=limits)), grants=books)
    assert books.left == {"store": 9}
