"""Returns and voids: history as if the goods had never been bought, whatever arrives first."""

from __future__ import annotations

import pytest

from schemas.promotions.programme import Returns
from services.engine.fold import apply, fold, needs_refold, refold
from services.engine.orders import reduce_orders, spread
from services.engine.wallet import Wallet
from tests.unit.engine.stage import MEMBER, MONDAY, days, event, line, order, programme, promotion, returned, voided

PER_EURO = {"reward": [{"points": {"per": "1.00 EUR", "earn": 1}}]}
LATER = MONDAY + days(3)
TWO = order(lines=[line(3000, 1, quantity=3), line(1000, 2)])


@pytest.mark.parametrize(
    ("back", "points"),
    [
        ([{"line_no": 1, "quantity": 1, "amount": 1000}], 30),
        ([{"line_no": 1, "quantity": 3, "amount": 3000}], 10),
        ([{"line_no": 2, "amount": 1000}], 30),
        ([{"line_no": 1, "quantity": 3, "amount": 3000}, {"line_no": 2, "amount": 1000}], 0),
        ([{"line_no": 1, "quantity": 9, "amount": 9000}], 0),
        ([{"line_no": 7, "amount": 500}], 35),
        ([{"line_no": 2, "amount": -1000}], 30),
    ],
)
def test_points_follow_what_came_back(back, points):
    outcome = fold(MEMBER, [TWO, returned(TWO, *back, at=LATER)], programme(promotion(**PER_EURO)))
    assert outcome.wallet.points_active == points


def test_a_void_undoes_the_whole_order_and_its_coupon():
    plan = programme(promotion(goal={"visits": 1}, reward=[{"coupon": {"amount_off": "1.00 EUR", "valid_for": "30d"}}]))
    outcome = fold(MEMBER, [TWO, voided(TWO, LATER)], plan)
    assert outcome.entries == []
    assert outcome.wallet.coupons == {}


def test_a_first_order_bonus_is_not_paid_twice_by_bringing_things_back():
    plan = programme(promotion(limits={"per_member": {"times": 1}}))
    back = returned(TWO, {"line_no": 1, "quantity": 3, "amount": 3000}, {"line_no": 2, "amount": 1000}, at=LATER)
    again = order(2000, LATER + days(1))
    assert fold(MEMBER, [TWO, back, again], plan).wallet.points_active == 10


def test_a_weighed_line_gives_back_its_part():
    bought = order(lines=[line(1500, 1, quantity="0.750", unit="kg")])
    back = returned(bought, {"quantity": "0.250", "amount": 500}, at=LATER)
    left = reduce_orders([bought, back], lambda _: Returns())
    rest = left.data[0]
    assert rest is not None
    assert (rest.total, rest.lines[0].quantity, rest.lines[0].amount) == (1000, "0.500", 1000)
    assert left.awaiting == ()


def test_the_same_return_told_twice_counts_once():
    one = returned(TWO, {"line_no": 2, "amount": 1000}, at=LATER, return_id="r1")
    told_again = returned(TWO, {"line_no": 2, "amount": 1000}, at=LATER + days(1), return_id="r1")
    plan = programme(promotion(**PER_EURO))
    assert fold(MEMBER, [TWO, one, told_again], plan).wallet.points_active == 30


def test_a_return_in_another_currency_takes_nothing():
    back = returned(TWO, {"line_no": 2, "amount": 1000}, at=LATER, currency="USD")
    assert fold(MEMBER, [TWO, back], programme(promotion(**PER_EURO))).wallet.points_active == 40


def test_a_return_that_arrives_before_its_order_is_remembered():
    plan = programme(promotion(**PER_EURO))
    back = returned(TWO, {"line_no": 2, "amount": 1000}, at=LATER)
    wallet = Wallet.empty(MEMBER)
    assert needs_refold(wallet, back)
    wallet = refold(wallet, [back], plan).wallet
    assert wallet.awaiting == (TWO.data.order_id,)
    assert needs_refold(wallet, TWO)
    wallet = refold(wallet, [back, TWO], plan).wallet
    assert wallet.awaiting == ()
    assert wallet.points_active == 30
    other = order(500, LATER + days(1))
    assert not needs_refold(wallet, other)
    assert apply(wallet, other, plan).wallet.points_active == 35


def test_an_older_event_asks_for_a_refold_and_the_same_instant_knows_its_order():
    plan = programme(promotion(by="offer"))
    wallet = apply(Wallet.empty(MEMBER), order(100), plan).wallet
    assert needs_refold(wallet, order(100, MONDAY - days(1)))
    assert not needs_refold(wallet, order(100, MONDAY + days(1)))
    offer = event("offer.issued", {"offer_id": "of1", "promotion_id": "p"})
    assert needs_refold(wallet, offer)
    assert refold(wallet, [order(100), offer], plan).wallet.points_active == 10


def test_points_spread_without_a_cent_lost():
    assert spread(100, [1, 1, 1]) == [34, 33, 33]
    assert spread(2, [5, 0, 5, 5]) == [1, 0, 1, 0]
    assert spread(10, []) == []
