"""Rewards: points and their life, coupons, their identity, their states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from schemas.codes import read_code
from schemas.wallet import WalletRecord
from services.engine.fold import advance, fold
from services.engine.programme import PromotionVersion, compile_programme
from services.engine.terms import ProgrammeTerms
from services.engine.wallet import EXPIRING_SHOWN, UnknownFormat, Wallet, wallet_record
from tests.unit.engine.stage import ALWAYS, MEMBER, MONDAY, days, event, order, programme, promotion

COUPON = {"coupon": {"amount_off": "5.00 EUR", "valid_for": "30d"}}


def record(wallet: Wallet) -> WalletRecord:
    body = wallet_record(wallet, version=3, as_of=MONDAY, caused_by=["/app e1"], occurred_at=MONDAY)
    return WalletRecord.model_validate_json(body)


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
    assert wallet.due == usable
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


def test_a_coupon_is_valid_until_the_end_of_its_last_day():
    outcome = fold(MEMBER, [order(100)], programme(promotion(reward=[COUPON], staff_hint={"it": "sul conto"})))
    (coupon,) = record(outcome.wallet).coupons
    assert coupon.status == "issued"
    assert coupon.valid_from == MONDAY
    # thirty days on, the clocks have changed: midnight in Rome is 22:00 in UTC
    assert coupon.valid_until == datetime(2026, 4, 1, 21, 59, 59, 999000, tzinfo=UTC)
    assert coupon.benefit.amount == 500
    assert coupon.title == {"en": "P"}
    assert coupon.staff_hint == {"it": "sul conto"}
    assert read_code(coupon.code.lower().replace("-", " ")) == coupon.code
    assert outcome.entries[0].coupon_id == coupon.coupon_id


def test_percent_off_some_categories_under_its_own_title():
    reward = {"percent_off": "20 %", "category": ["tea", "coffee"], "valid_for": "12h", "title": {"it": "Meno 20"}}
    outcome = fold(MEMBER, [order(100)], programme(promotion(reward=[{"coupon": reward}])))
    (coupon,) = record(outcome.wallet).coupons
    assert coupon.benefit.model_dump(exclude_none=True) == {
        "type": "percent_off",
        "percent": 20,
        "category": ("tea", "coffee"),
    }
    assert coupon.title == {"it": "Meno 20"}
    assert coupon.valid_until == MONDAY + timedelta(hours=12)


def test_identity_does_not_depend_on_the_event_that_crossed_the_line():
    plan = programme(promotion(goal={"visits": 2, "repeat": True}, reward=[COUPON]))
    orders = [order(100, MONDAY + days(day)) for day in range(4)]
    plain = fold(MEMBER, orders, plan)
    late = fold(MEMBER, [*orders, order(100, MONDAY - days(1))], plan)
    assert late.wallet.coupons.keys() == plain.wallet.coupons.keys()
    assert {e.key for e in late.entries} == {e.key for e in plain.entries}
    assert fold("m2", orders, plan).wallet.coupons.keys().isdisjoint(plain.wallet.coupons)


def test_codes_differ_by_programme_secret():
    def code(secret: bytes) -> str:
        terms = ProgrammeTerms(secret, "Europe/Rome", "EUR")
        plan = compile_programme([PromotionVersion(promotion(reward=[COUPON]), 1, ALWAYS)], terms)
        return record(fold(MEMBER, [order(100)], plan).wallet).coupons[0].code

    assert code(b"a") == code(b"a") != code(b"b")


def redemption(coupon_id: str, at: datetime, operation: str = "op1"):
    data = {"operation_id": operation, "coupon_id": coupon_id, "store_id": "1", "till_id": "3"}
    return event("coupon.redeemed", data, at, id=operation)


def test_the_states_of_a_coupon():
    plan = programme(promotion(reward=[COUPON]))
    (made,) = fold(MEMBER, [order(100)], plan).wallet.coupons

    def status(*more, until: float = 0) -> str | None:
        wallet = fold(MEMBER, [order(100), *more], plan, MONDAY + days(until)).wallet
        return next((each.status for each in record(wallet).coupons), None)

    used = redemption(made, MONDAY + days(2))
    assert status(until=31) == "expired"
    assert status(until=62) is None
    assert status(used) == "redeemed"
    assert status(used, until=31) == "redeemed"
    assert status(used, until=33) is None
    # a till that was offline redeemed it after its end, or by a clock that was slow: a fact all the same
    assert status(redemption(made, MONDAY + days(35)), until=35) == "redeemed"
    assert status(redemption(made, MONDAY - days(1))) == "redeemed"


def test_a_coupon_redeemed_twice_is_a_conflict():
    plan = programme(promotion(reward=[COUPON]))
    (made,) = fold(MEMBER, [order(100)], plan).wallet.coupons
    twice = [redemption(made, MONDAY + days(1), "op1"), redemption(made, MONDAY + days(2), "op2")]
    kinds = [e.kind for e in fold(MEMBER, [order(100), *twice], plan).entries]
    assert kinds == ["coupon.issued", "coupon.redeemed", "coupon.conflict"]


def test_a_forgotten_member_starts_from_nothing_with_new_coupons():
    plan = programme(promotion(reward=[COUPON, {"points": 5}]))
    forgotten = event("member.erased", {}, MONDAY + days(1))
    erased = fold(MEMBER, [order(100), forgotten], plan)
    assert erased.wallet.coupons == {}
    assert erased.wallet.points_active == 0
    assert sum(e.amount * (1 if e.credit.startswith("member") else -1) for e in erased.entries) == 0
    again = fold(MEMBER, [order(100), forgotten, order(100, MONDAY + days(2))], plan)
    assert again.wallet.coupons.keys().isdisjoint(fold(MEMBER, [order(100)], plan).wallet.coupons)


def test_the_state_survives_its_json_and_refuses_anothers():
    plan = programme(promotion(goal={"spend": "50.00 EUR", "within": "30d"}), promotion(promotion="q", reward=[COUPON]))
    wallet = fold(MEMBER, [order(100)], plan).wallet
    assert Wallet.from_json(wallet.to_json()) == wallet
    old = orjson.dumps(orjson.loads(wallet.to_json()) | {"format": 0})
    with pytest.raises(UnknownFormat):
        Wallet.from_json(old)


def test_the_record_shows_progress_and_tier():
    plan = programme(promotion(goal={"spend": "50.00 EUR", "within": "30d"}))
    gold = event("member.updated", {"attributes": {"tier": "gold"}})
    shown = record(fold(MEMBER, [gold, order(1500, MONDAY + days(1))], plan).wallet)
    assert shown.tier is not None
    assert (shown.tier.id, shown.tier.since) == ("gold", MONDAY)
    (progress,) = shown.offers
    assert (progress.offer_id, progress.progress, progress.target, progress.unit) == ("p", 1500, 5000, "money")
    assert progress.currency == "EUR"
    assert progress.valid_until == datetime(2026, 4, 2, 21, 59, 59, 999000, tzinfo=UTC)
