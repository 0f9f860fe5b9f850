"""What a member holds, in both languages: every benefit, every condition, every unit of a goal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest

from schemas.wallet import Benefit, BenefitType, GoalPart, GoalUnit, StampCard, WalletCoupon, WalletOffer, WalletRecord
from services.words.holdings import badge, conditions, given, goals, terms, to_go
from services.words.voice import Voice

ENGLISH, ITALIAN = Voice("en"), Voice("it")
NOW = datetime(2026, 11, 22, tzinfo=UTC)
BENEFITS = [
    (Benefit(type="amount_off", amount=500, currency="EUR"), "−€5.00", "5,00\xa0€ di sconto"),
    (
        Benefit(type="percent_off", percent=20, max_amount=800, currency="EUR"),
        "−20%",
        "20% di sconto, al massimo 8,00\xa0€",
    ),
    (Benefit(type="free_item", sku=("8001", "8002")), "free", "un pezzo gratis: 8001 o 8002"),
    (Benefit(type="cheapest_free"), "free", "il pezzo meno caro è gratis"),
    (Benefit(type="fixed_price", amount=300, currency="EUR"), "€3.00", "un pezzo a 3,00\xa0€"),
    (Benefit(type="buy_get", buy=2, get=1, percent=100), "2 + 1", "ogni 2 acquistati, 1 in omaggio"),
    (Benefit(type="buy_get", buy=2, get=1, percent=50), "−50%", "ogni 2 acquistati, 1 con il 50% di sconto"),
    (Benefit(type="free_shipping"), "free", "spedizione gratuita"),
    (Benefit(type="points_times", factor="2.50"), "× 2.5", "i punti di un acquisto per 2,5"),
    (Benefit(type="gift", item="mug"), "gift", "in omaggio: mug"),
]


def coupon(benefit: Benefit, **changes: object) -> WalletCoupon:
    """An issued coupon that gives this."""
    held = WalletCoupon(
        coupon_id="c1",
        promotion_id="p",
        promotion_version=1,
        status="issued",
        code="7KQM-2VXR-9D",
        benefit=benefit,
        valid_from=NOW,
        valid_until=NOW,
        title={},
    )
    return held.model_copy(update=changes)


@pytest.mark.parametrize(("benefit", "short", "said"), BENEFITS, ids=[benefit.type for benefit, _, _ in BENEFITS])
def test_a_benefit_has_a_badge_and_a_phrase(benefit: Benefit, short: str, said: str):
    assert badge(ENGLISH, benefit) == short
    assert given(ITALIAN, benefit) == said


def test_every_benefit_is_told():
    assert {benefit.type for benefit, _, _ in BENEFITS} == set(get_args(BenefitType))


def test_the_conditions_of_a_coupon_are_told():
    benefit = Benefit(
        type="amount_off", amount=500, currency="EUR", category=("coffee",), brand=("B7",), min_total=1500
    )
    held = coupon(benefit, channels=("pos", "web"), stores=("114",))
    assert conditions(ENGLISH, held) == [
        "on coffee",
        "of the brand B7",
        "from €15.00 on",
        "only in the shops or online",
        "in store 114",
    ]
    assert terms(ITALIAN, held).startswith("Su coffee · della marca B7 · da 15,00\xa0€ di spesa")
    assert terms(ENGLISH, coupon(Benefit(type="amount_off", amount=500, currency="EUR"))) == ""


@pytest.mark.parametrize("unit", get_args(GoalUnit))
def test_what_is_missing_is_told_in_its_unit(unit: GoalUnit):
    one = GoalPart(progress=2, target=3, unit=unit, currency="EUR")
    assert to_go(ENGLISH, one).endswith(" to go")
    assert to_go(ITALIAN, one).startswith("manca")
    assert (unit == "money") is ("€" in to_go(ITALIAN, one))


def test_a_card_of_stamps_is_a_goal_once():
    offer = WalletOffer(offer_id="o1", promotion_id="coffee", progress=3, target=4, unit="stamps")
    cards = (StampCard(promotion_id="coffee", count=3, goal=4), StampCard(promotion_id="tea", count=1, goal=5))
    wallet = WalletRecord(
        member_id="m1", version=1, as_of=NOW, occurred_at=NOW, points={}, offers=(offer,), stamps=cards
    )
    assert [(goal.offer_id, goal.unit, goal.progress) for goal in goals(wallet)] == [
        ("o1", "stamps", 3),
        ("tea", "stamps", 1),
    ]
