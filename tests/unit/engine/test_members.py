"""Who the member is, what they redeemed at a counter, and that nothing is left when they are erased."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from services.engine.calendar.moments import micros
from services.engine.entries import Entry
from services.engine.fold import fold
from services.engine.members import ATTRIBUTES_KEPT, NAME_MAX
from services.engine.wallet import Wallet
from tests.unit.engine.shown import record
from tests.unit.engine.stage import MEMBER, MONDAY, days, event, order, programme, promotion

COUPON = {"coupon": {"amount_off": "5.00 EUR", "valid_for": "30d"}}
PLAN = programme(promotion(reward=[COUPON]))


def told(day: float = 0, name: str = "updated", **fields: Any):
    return event(f"member.{name}", fields, MONDAY + days(day))


def redemption(coupon_id: str, at: datetime, operation: str = "op1", **fields: Any):
    data = {"operation_id": operation, "coupon_id": coupon_id, "store_id": "1", "till_id": "3"}
    return event("coupon.redeemed", data | fields, at, id=f"{operation} {at.isoformat()}")


def of(*events: Any) -> Wallet:
    return fold(MEMBER, events, programme()).wallet


def balances(entries: list[Entry]) -> Counter[str]:
    held = Counter[str]()
    for entry in entries:
        held[f"{entry.credit} {entry.unit}"] += entry.amount
        held[f"{entry.debit} {entry.unit}"] -= entry.amount
    return held


def test_attributes_are_merged_and_null_removes():
    wallet = of(
        told(0, attributes={"city": "Roma", "children": 2, "app": True}),
        told(1, attributes={"children": 3, "app": None, "never": None}),
    )
    assert wallet.attributes == {"city": "Roma", "children": 3}


def test_so_many_attributes_are_kept():
    many = {f"a{number}": number for number in range(ATTRIBUTES_KEPT + 50)}
    wallet = of(told(0, attributes=many | {"x" * (NAME_MAX + 1): 1}), told(1, attributes={"a0": 7, "late": 1}))
    assert len(wallet.attributes) == ATTRIBUTES_KEPT
    assert wallet.attributes["a0"] == 7
    assert "late" not in wallet.attributes


def test_registered_once():
    first = told(1, "registered")
    assert of(told(0), first, told(2, "registered")).registered == micros(first.occurred_at)
    assert of(told(0)).registered == 0


def test_segments_are_sorted_and_leave():
    wallet = of(told(0, segments={"add": ("b", "a", "c")}), told(1, segments={"remove": ("c", "x")}))
    assert wallet.segments == ("a", "b")


def test_the_tier_is_told_by_hand_and_is_no_attribute():
    outcome = fold(MEMBER, [told(0, attributes={"tier": "gold"}), told(1, attributes={"tier": None})], programme())
    assert (outcome.wallet.tier, outcome.wallet.attributes) == (None, {})
    assert [(e.kind, e.debit, e.credit) for e in outcome.entries] == [
        ("tier.changed", "tier:none", "tier:gold"),
        ("tier.changed", "tier:gold", "tier:none"),
    ]


def test_a_coupon_redeemed_twice_is_a_conflict():
    (made,) = fold(MEMBER, [order(100)], PLAN).wallet.coupons
    twice = [redemption(made, MONDAY + days(day), f"op{day}") for day in (1, 2, 3)]
    outcome = fold(MEMBER, [order(100), *twice], PLAN)
    assert [e.kind for e in outcome.entries] == [
        "coupon.issued",
        "coupon.redeemed",
        "coupon.conflict",
        "coupon.conflict",
    ]
    assert len({e.key for e in outcome.entries}) == 4
    assert balances(outcome.entries)["member:coupons coupon"] == 0


def test_a_conflict_is_known_long_after_the_coupon_left_the_wallet():
    (made,) = fold(MEMBER, [order(100)], PLAN).wallet.coupons
    late = redemption(made, MONDAY + days(90), "op2")
    outcome = fold(MEMBER, [order(100), redemption(made, MONDAY + days(1)), late], PLAN)
    assert outcome.entries[-1].kind == "coupon.conflict"


def test_one_operation_sent_again_under_another_event_counts_once():
    (made,) = fold(MEMBER, [order(100)], PLAN).wallet.coupons
    again = [redemption(made, MONDAY + days(day)) for day in (1, 1.5, 50)]
    assert [e.kind for e in fold(MEMBER, [order(100), *again], PLAN).entries] == ["coupon.issued", "coupon.redeemed"]
    disputed = [redemption(made, MONDAY + days(day), "op2") for day in (3, 4)]
    kinds = [e.kind for e in fold(MEMBER, [order(100), *again, *disputed], PLAN).entries]
    assert kinds == ["coupon.issued", "coupon.redeemed", "coupon.conflict"]


def test_ids_made_of_the_same_characters_are_different_operations():
    events = [redemption("a b", MONDAY, "c"), redemption("a", MONDAY + days(1), "b c")]
    keys = [e.key for e in fold(MEMBER, events, PLAN).entries]
    assert len(set(keys)) == 2


def test_what_a_redemption_tells():
    (made,) = fold(MEMBER, [order(100)], PLAN).wallet.coupons
    sent = redemption(made, MONDAY + days(1), order_id="o9", amount=500)
    entry = fold(MEMBER, [order(100), sent], PLAN).entries[-1]
    assert (entry.coupon_id, entry.promotion_id, entry.promotion_version) == (made, "p", 1)
    assert entry.detail == {"store_id": "1", "till_id": "3", "order_id": "o9", "amount": 500}


def test_books_balance_whenever_a_coupon_is_redeemed():
    """Before it is known to be given, while it is valid, after it expired: the member holds what the wallet says."""
    (made,) = fold(MEMBER, [order(100)], PLAN).wallet.coupons
    for day in (-1, 1, 35):
        outcome = fold(MEMBER, [order(100), redemption(made, MONDAY + days(day))], PLAN, MONDAY + days(40))
        assert balances(outcome.entries)["member:coupons coupon"] == 0, day


FULL = programme(
    promotion(
        reward=[
            COUPON,
            {"points": 5},
            {"points": {"earn": 7, "currency": "miles"}},
            {"points": {"earn": 3, "pending_for": "30d"}},
            {"points": {"earn": 4, "pending_for": "30d", "currency": "miles"}},
            {"message": {"en": "Hi"}},
        ],
        limits={"per_member": {"times": 5, "every": "year"}},
    ),
    promotion(promotion="q", goal={"visits": 5}),
)
FORGOTTEN = event("member.erased", {}, MONDAY + days(1))
KNOWN = told(-1, "registered", attributes={"city": "Roma", "tier": "gold"}, segments={"add": ("a",)})


def test_nothing_is_left_of_an_erased_member_and_the_books_balance():
    outcome = fold(MEMBER, [KNOWN, order(100), FORGOTTEN], FULL)
    wallet = outcome.wallet
    blank = Wallet(MEMBER, newest=wallet.newest, life=1, moved_at=wallet.moved_at)
    assert wallet == blank
    held = {name: amount for name, amount in balances(outcome.entries).items() if amount and name.startswith("member:")}
    assert held.keys() <= {"member:completions completion", "member:messages message"}
    assert balances(outcome.entries)["tier:gold tier"] == 0


def test_an_erased_member_starts_again_with_new_coupons_and_numbers():
    again = order(100, MONDAY + days(2))
    outcome = fold(MEMBER, [KNOWN, order(100), FORGOTTEN, again], FULL)
    assert outcome.wallet.coupons.keys().isdisjoint(fold(MEMBER, [order(100)], FULL).wallet.coupons)
    keys = [entry.key for entry in outcome.entries]
    assert len(set(keys)) == len(keys)
    assert record(outcome.wallet).points["miles"].model_dump() == {"active": 7, "pending": 4, "expiring": ()}


def test_an_operation_sent_again_after_the_erasure_has_a_key_of_its_own():
    events = [redemption("c", MONDAY), FORGOTTEN, redemption("c", MONDAY + days(2))]
    keys = [entry.key for entry in fold(MEMBER, events, FULL).entries]
    assert len(set(keys)) == len(keys) == 2
