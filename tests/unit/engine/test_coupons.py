"""Coupons and gifts: benefit, validity, identity, code, stock, end; and coupons that multiply points."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.codes import read_code
from schemas.wallet import WalletCoupon
from services.engine.fold import advance, fold
from services.engine.programme import Programme, PromotionVersion, compile_programme
from services.engine.rewarding.coupons import coupon_id
from services.engine.rewarding.grants import Claim, Granted
from services.engine.terms import ProgrammeTerms
from services.engine.trace import Trace
from tests.unit.engine.shown import record
from tests.unit.engine.stage import ALWAYS, MEMBER, MONDAY, TERMS, days, event, line, order, programme, promotion

COUPON = {"coupon": {"amount_off": "5.00 EUR", "valid_for": "30d"}}
LAST = timedelta(milliseconds=1)
"""How far the last instant of a day is, as written, from the next day."""


@dataclass
class Books:
    """Grants what is left of each pool; the same claim again gets the same answer."""

    granted: dict[tuple[object, str, str], Granted] = field(default_factory=dict)
    used: dict[object, int] = field(default_factory=dict)

    def take(self, claim: Claim) -> Granted:
        key = (claim.pool, claim.member_id, claim.mark)
        if key not in self.granted:
            before = self.used.get(claim.pool, 0)
            if before + claim.amount > claim.capacity:
                return Granted(0, before)
            self.used[claim.pool] = before + claim.amount
            self.granted[key] = Granted(claim.amount, before)
        return self.granted[key]

    def release(self, claim: Claim) -> None:
        self.granted.pop((claim.pool, claim.member_id, claim.mark))
        self.used[claim.pool] -= claim.amount


def plan_of(*rewards: dict[str, Any], **fields: Any) -> Programme:
    return programme(promotion(reward=list(rewards), **fields))


def given(plan: Programme, *events: Any, until: datetime | None = None) -> tuple[WalletCoupon, ...]:
    return record(fold(MEMBER, events or [order(100)], plan, until).wallet).coupons


def used(coupon: str, at: datetime, operation: str = "op1", **fields: Any):
    data = {"operation_id": operation, "coupon_id": coupon, "store_id": "1", "till_id": "3"}
    return event("coupon.redeemed", data | fields, at, id=f"{operation} {at.isoformat()}")


@pytest.mark.parametrize(
    ("reward", "benefit"),
    [
        ({"amount_off": "5.00 EUR"}, {"type": "amount_off", "amount": 500, "currency": "EUR"}),
        ({"percent_off": "20 %"}, {"type": "percent_off", "percent": 20}),
        (
            {"percent_off": "20 %", "max_amount": "7.50 EUR", "min_total": "30.00 EUR"},
            {"type": "percent_off", "percent": 20, "max_amount": 750, "currency": "EUR", "min_total": 3000},
        ),
        ({"free_item": ["a", 7]}, {"type": "free_item", "sku": ("a", "7")}),
        ({"cheapest_free": True, "category": "tea"}, {"type": "cheapest_free", "category": ("tea",)}),
        (
            {"fixed_price": "1.00 EUR", "sku": "a"},
            {"type": "fixed_price", "amount": 100, "currency": "EUR", "sku": ("a",)},
        ),
        (
            {"buy_get": {"buy": 2, "get": 3}, "brand": "b"},
            {"type": "buy_get", "buy": 2, "get": 3, "percent": 100, "brand": ("b",)},
        ),
        ({"buy_get": {"buy": 1, "percent_off": "50 %"}}, {"type": "buy_get", "buy": 1, "get": 1, "percent": 50}),
        ({"free_shipping": True}, {"type": "free_shipping"}),
        ({"points_times": "2.5"}, {"type": "points_times", "factor": "2.50"}),
    ],
)
def test_every_benefit(reward, benefit):
    (coupon,) = given(plan_of({"coupon": {**reward, "valid_for": "12h"}}))
    shown = coupon.benefit.model_dump(exclude_none=True)
    assert {name: value for name, value in shown.items() if value != ()} == benefit
    assert coupon.valid_until == MONDAY + timedelta(hours=12)


def test_texts_and_places_of_use():
    reward = {
        "free_shipping": True,
        "valid_for": "1d",
        "channels": "app",
        "stores": [114, "r2"],
        "title": {"it": "Via"},
    }
    (own,) = given(plan_of({"coupon": reward}, staff_hint={"it": "sul conto"}))
    assert (own.channels, own.stores, own.title, own.staff_hint) == (
        ("app",),
        ("114", "r2"),
        {"it": "Via"},
        {"it": "sul conto"},
    )
    (plain,) = given(plan_of(COUPON))
    assert (plain.channels, plain.stores, plain.title) == ((), (), {"en": "P"})


@pytest.mark.parametrize(
    ("fields", "first", "last"),
    [
        # thirty days on, the clocks have changed: midnight in Rome is 22:00 in UTC
        ({"valid_for": "30d"}, MONDAY, datetime(2026, 4, 1, 22, tzinfo=UTC) - LAST),
        ({"valid_until": "2026-03-05"}, MONDAY, datetime(2026, 3, 5, 23, tzinfo=UTC) - LAST),
        ({"valid_until": "2026-03-05T12:00"}, MONDAY, datetime(2026, 3, 5, 11, tzinfo=UTC)),
        ({"valid_until": "2026-03-05", "valid_for": "2d"}, MONDAY, datetime(2026, 3, 4, 23, tzinfo=UTC) - LAST),
        ({"valid_until": "2026-03-05", "valid_for": "1y"}, MONDAY, datetime(2026, 3, 5, 23, tzinfo=UTC) - LAST),
        (
            {"valid_from": "2026-03-10", "valid_for": "2d"},
            datetime(2026, 3, 9, 23, tzinfo=UTC),
            datetime(2026, 3, 12, 23, tzinfo=UTC) - LAST,
        ),
        ({"valid_from": "2026-01-01", "valid_for": "1h"}, MONDAY, MONDAY + timedelta(hours=1)),
        (
            {"usable_after": "1d", "valid_for": "1d"},
            datetime(2026, 3, 2, 23, tzinfo=UTC),
            datetime(2026, 3, 4, 23, tzinfo=UTC) - LAST,
        ),
    ],
)
def test_validity(fields, first, last):
    """Monday 2 March, ten in the morning in Rome: local days, the last one included."""
    (coupon,) = given(plan_of({"coupon": {"free_shipping": True, **fields}}))
    assert (coupon.valid_from, coupon.valid_until) == (first, last)


def test_a_coupon_that_could_never_be_used_is_not_given():
    plan = plan_of({"coupon": {"free_shipping": True, "valid_until": "2026-03-01"}}, COUPON)
    (other,) = given(plan)
    assert other.coupon_id == coupon_id("p", MEMBER, "", "1")


def test_codes_are_secret_or_shared():
    (coupon,) = given(plan_of(COUPON))
    assert read_code(coupon.code.lower().replace("-", " ")) == coupon.code
    (shared,) = given(plan_of({"coupon": {**COUPON["coupon"], "code": "WELCOME-5"}}))
    assert shared.code == "WELCOME-5"

    def code(secret: bytes) -> str:
        terms = ProgrammeTerms(secret, "Europe/Rome", "EUR")
        plan = compile_programme([PromotionVersion(promotion(reward=[COUPON]), 1, ALWAYS)], terms)
        return record(fold(MEMBER, [order(100)], plan).wallet).coupons[0].code

    assert code(b"a") == code(b"a") != code(b"b")


def pooled(at_hand: list[str] | None) -> Programme:
    sha256 = "ab" * 32
    reward = {"coupon": {**COUPON["coupon"], "codes": {"file": "codes.txt", "count": 3, "sha256": sha256}}}
    codes = {} if at_hand is None else {sha256: at_hand}
    version = PromotionVersion(promotion(reward=[reward, {"points": 1}]), 1, ALWAYS, codes=codes)
    return compile_programme([version], TERMS)


def test_codes_of_a_pool_are_given_once_each_until_none_is_left():
    books, plan = Books(), pooled(["X1", 'Y"2', "Z3"])
    orders = [order(100, MONDAY + days(day)) for day in range(2)]
    first = fold(MEMBER, orders, plan, grants=books)
    assert [coupon.code for coupon in record(first.wallet).coupons] == ["X1", 'Y"2']
    other = fold("m2", orders, plan, grants=books)
    assert [coupon.code for coupon in record(other.wallet).coupons] == ["Z3"]
    assert other.wallet.points_active == 2, "the rest of the bundle is given all the same"
    late = fold(MEMBER, [order(100, MONDAY - days(1)), *orders], plan, grants=books)
    assert late.wallet.to_json().count(b"X1") == 1
    assert [coupon.code for coupon in record(late.wallet).coupons] == ["X1", 'Y"2'], "a code stays with its coupon"


def test_without_its_pool_at_hand_a_coupon_has_a_code_of_ours():
    (coupon,) = given(pooled(None))
    assert read_code(coupon.code) == coupon.code


def test_a_stock_of_gifts_is_never_overdrawn():
    mug = {"gift": {"item": "mug", "stock": 3, "valid_for": "7d", "title": {"en": "A mug"}}}
    books, plan = Books(), plan_of(mug, mug)
    outcome = fold(MEMBER, [order(100), order(100, MONDAY + days(1))], plan, grants=books)
    coupons = record(outcome.wallet).coupons
    assert [coupon.benefit.item for coupon in coupons] == ["mug"] * 3
    assert {coupon.benefit.type for coupon in coupons} == {"gift"}
    assert coupons[0].title == {"en": "A mug"}
    assert [entry.kind for entry in outcome.entries] == ["coupon.issued"] * 3


def test_identity_does_not_depend_on_the_event_that_crossed_the_line():
    plan = plan_of(COUPON, goal={"visits": 2, "repeat": True})
    orders = [order(100, MONDAY + days(day)) for day in range(4)]
    plain = fold(MEMBER, orders, plan)
    late = fold(MEMBER, [*orders, order(100, MONDAY - days(1))], plan)
    assert late.wallet.coupons.keys() == plain.wallet.coupons.keys()
    assert {e.key for e in late.entries} == {e.key for e in plain.entries}
    assert fold("m2", orders, plan).wallet.coupons.keys().isdisjoint(plain.wallet.coupons)


def test_the_ids_of_first_light_are_the_same():
    """Coupons given before the promotion engine keep their ids when a member is refolded."""
    assert coupon_id("p", "m1", "", "1") == "d08408cc-2d7c-8ba3-a67d-0aa3edb4e8c4"
    assert coupon_id("a b", "c", "", "1") != coupon_id("a", "b c", "", "1")


def test_coupons_of_an_offer_are_numbered_by_the_offer():
    plan = plan_of(COUPON, by="offer", goal={"visits": 1, "repeat": True})
    issued = event("offer.issued", {"offer_id": "o1", "promotion_id": "p"}, MONDAY - days(1))
    coupons = given(plan, issued, order(100), order(100, MONDAY + days(1)))
    assert [coupon.coupon_id for coupon in coupons] == [coupon_id("p", MEMBER, "o1", n) for n in "12"]


def test_the_states_of_a_coupon():
    plan = plan_of(COUPON)
    made = coupon_id("p", MEMBER, "", "1")

    def status(*more: Any, until: float = 0) -> str | None:
        coupons = given(plan, order(100), *more, until=MONDAY + days(until))
        return next((each.status for each in coupons), None)

    assert status() == "issued"
    assert status(until=31) == "expired"
    assert status(until=62) is None
    assert status(used(made, MONDAY + days(2))) == "redeemed"
    assert status(used(made, MONDAY + days(2)), until=31) == "redeemed"
    assert status(used(made, MONDAY + days(2)), until=33) is None
    # a till that was offline redeemed it after its end, or by a clock that was slow: a fact all the same
    assert status(used(made, MONDAY + days(35)), until=35) == "redeemed"
    assert status(used(made, MONDAY - days(1))) == "redeemed"


def test_expiry_is_told_once_at_its_instant():
    plan = plan_of(COUPON)
    wallet = fold(MEMBER, [order(100)], plan).wallet
    gone = datetime(2026, 4, 1, 22, tzinfo=UTC)
    assert advance(wallet, gone - timedelta(microseconds=1), plan).entries == []
    (entry,) = advance(wallet, gone + days(90), plan).entries
    assert (entry.kind, entry.debit, entry.occurred_at, entry.promotion_id) == (
        "coupon.expired",
        "member:coupons",
        gone,
        "p",
    )


DOUBLE = {"coupon": {"points_times": "2", "valid_for": "30d"}}
FROM_TUESDAY = {"where": {"total": {"at_least": "2.00 EUR"}}}


def points_of(*orders: Any, reward: dict[str, Any] | None = None) -> int:
    """Points of orders after one that gave a coupon; each order of two euro or more gives ten points, and one more."""
    plan = programme(
        promotion(reward=[reward or DOUBLE], goal={"visits": 1}),
        promotion(promotion="ten", **FROM_TUESDAY),
        promotion(promotion="one", reward=[{"points": 1}], **FROM_TUESDAY),
    )
    return fold(MEMBER, [order(100), *orders], plan).wallet.points_active


def naming(day: float, *coupons: dict[str, str], total: int = 200, **fields: Any) -> Any:
    return order(total, MONDAY + days(day), coupons=coupons, **fields)


MINE = {"coupon_id": coupon_id("p", MEMBER, "", "1")}


def test_a_coupon_multiplies_the_points_of_one_order():
    assert points_of(naming(1)) == 11
    assert points_of(naming(1, MINE)) == 22
    assert points_of(naming(1, MINE, MINE)) == 22
    assert points_of(naming(1, MINE), naming(2, MINE)) == 33, "the second order pays as any other"
    assert points_of(naming(40, MINE)) == 11, "expired"
    assert points_of(naming(1, {"coupon_id": "unknown"})) == 11
    assert points_of(naming(1, MINE, training=True)) == 0


def test_a_coupon_named_by_its_code():
    plan = plan_of(DOUBLE)
    code = given(plan)[0].code
    assert points_of(naming(1, {"code": code})) == 22
    assert points_of(naming(1, {"code": code.lower().replace("-", " ")})) == 22
    assert points_of(naming(1, {"code": "0000-0000-0000"})) == 11
    shared = {"coupon": {**DOUBLE["coupon"], "code": "TWICE"}}
    assert points_of(naming(1, {"code": "twice"}), naming(2, {"code": "TWICE"}), reward=shared) == 33


@pytest.mark.parametrize(
    ("fields", "points"),
    [
        ({"points_times": "1.5"}, 16),
        ({"channels": "app"}, 11),
        ({"channels": "pos", "stores": "1"}, 22),
        ({"stores": "2"}, 11),
        ({"min_total": "2.00 EUR"}, 22),
        ({"min_total": "2.01 EUR"}, 11),
        ({"category": "tea"}, 11),
        ({"sku": ["s", "t"]}, 22),
        ({"usable_after": "2d"}, 11),
    ],
)
def test_what_a_multiplying_coupon_asks_of_the_order(fields, points):
    """Eleven points at one and a half times are sixteen and a half: rounded as the programme rounds."""
    reward = {"coupon": {**DOUBLE["coupon"], **fields}}
    assert points_of(naming(1, MINE, lines=[line(200)]), reward=reward) == points


def test_a_coupon_redeemed_at_the_counter_multiplies_that_order():
    assert points_of(used(MINE["coupon_id"], MONDAY + days(1)), naming(1.001, MINE)) == 22
    assert points_of(naming(1, MINE), used(MINE["coupon_id"], MONDAY + days(1.001))) == 22
    assert points_of(used(MINE["coupon_id"], MONDAY + days(1)), naming(3, MINE)) == 11


def test_multiplied_points_are_the_coupons_and_explained_as_its_promotion():
    plan = programme(promotion(reward=[DOUBLE], goal={"visits": 1}), promotion(promotion="ten", **FROM_TUESDAY))
    trace = Trace()
    outcome = fold(MEMBER, [order(100), naming(1, MINE)], plan, trace=trace)
    earned = [(e.promotion_id, e.amount, e.key) for e in outcome.entries if e.kind == "points.earned"]
    assert [each[:2] for each in earned] == [("ten", 10), ("p", 10)]
    assert MINE["coupon_id"] in earned[1][2]
    last = trace.decisions[-1]
    assert (last.promotion_id, last.result, last.gave) == ("p", "rewarded", [("points.earned", 10)])
