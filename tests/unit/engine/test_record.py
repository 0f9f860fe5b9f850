"""The sync record: everything touchpoints see of a wallet, and the state beneath it."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from services.engine.calendar.moments import DAY, micros
from services.engine.fold import advance, fold
from services.engine.record import EXPIRING_SHOWN
from services.engine.wallet import Lot, Pursuit, UnknownFormat, Wallet
from tests.unit.engine.shown import record
from tests.unit.engine.stage import MEMBER, MONDAY, days, event, order, programme, promotion

COUPON = {"coupon": {"amount_off": "5.00 EUR", "valid_for": "30d"}}


def test_a_blank_wallet():
    shown = record(Wallet.empty(MEMBER))
    assert shown.points["base"].model_dump() == {"active": 0, "pending": 0, "expiring": ()}
    assert (shown.version, shown.coupons, shown.offers, shown.tier, shown.messages) == (3, (), (), None, ())


def test_points_by_currency_and_day():
    lots = (
        Lot(5, 0, 0, ""),
        Lot(2, 0, 10, "2026-03-02"),
        Lot(3, 0, 11, "2026-03-02"),
        Lot(1, 0, 10, "2026-03-03", "miles", 7),
        Lot(4, 99, 200, "2026-05-01"),
        Lot(6, 99, 0, "", "stars"),
    )
    points = record(Wallet(MEMBER, lots=lots)).points
    assert {currency: (b.active, b.pending) for currency, b in points.items()} == {
        "base": (10, 4),
        "miles": (1, 0),
        "stars": (0, 6),
    }
    assert [day.model_dump() for day in points["base"].expiring] == [{"on": "2026-03-02", "points": 5}]
    assert [day.model_dump() for day in points["miles"].expiring] == [{"on": "2026-03-03", "points": 1}]


def test_only_the_next_days_on_which_points_expire():
    lots = tuple([Lot(1, 0, day * DAY, f"2026-03-{day:02}") for day in range(1, 31)])
    expiring = record(Wallet(MEMBER, lots=lots)).points["base"].expiring
    assert [day.on for day in expiring] == [f"2026-03-{day:02}" for day in range(1, EXPIRING_SHOWN + 1)]


def test_progress_and_tier():
    plan = programme(promotion(goal={"spend": "50.00 EUR", "within": "30d"}))
    gold = event("member.updated", {"attributes": {"tier": "gold"}})
    shown = record(fold(MEMBER, [gold, order(1500, MONDAY + days(1))], plan).wallet)
    assert shown.tier is not None
    assert (shown.tier.id, shown.tier.since, shown.tier.until) == ("gold", MONDAY, None)
    (progress,) = shown.offers
    assert (progress.offer_id, progress.progress, progress.target, progress.unit) == ("p", 1500, 5000, "money")
    assert progress.currency == "EUR"
    assert progress.valid_until == datetime(2026, 4, 2, 21, 59, 59, 999000, tzinfo=UTC)
    assert (progress.parts, progress.parts_are, shown.stamps) == ((), None, ())


def test_the_end_of_a_tier():
    until = record(Wallet(MEMBER, tier="gold", tier_since=1, tier_until=micros(MONDAY))).tier
    assert until is not None
    assert until.until == MONDAY


def test_a_promotion_not_begun_is_not_shown_and_an_issued_offer_is():
    bare = Pursuit("p", "", "visits", None, 3, 0, 0, 0, 0, "{}")
    issued = Pursuit("p", "o1", "visits", None, 3, 0, 0, 0, 0, "{}")
    shown = record(Wallet(MEMBER, pursuits={"p": bare}, offers={"o1": issued}))
    assert [offer.offer_id for offer in shown.offers] == ["o1"]


def test_stamp_cards():
    plan = programme(promotion(goal={"stamps": 10}))
    shown = record(fold(MEMBER, [order(100), order(100, MONDAY + days(1))], plan).wallet)
    (card,) = shown.stamps
    assert (card.promotion_id, card.count, card.goal, card.title) == ("p", 2, 10, {"en": "P"})
    assert [(offer.unit, offer.progress) for offer in shown.offers] == [("stamps", 2)]


def test_parts_of_a_goal():
    goal = {"all": [{"spend": "10.00 EUR"}, {"visits": 2}, {"distinct": {"of": "store", "count": 2}}]}
    shown = record(fold(MEMBER, [order(1500)], programme(promotion(goal=goal))).wallet)
    (offer,) = shown.offers
    assert (offer.unit, offer.progress, offer.target) == ("parts", 1, 3)
    assert [(part.progress, part.target, part.unit, part.currency, part.met) for part in offer.parts] == [
        (1000, 1000, "money", "EUR", True),
        (1, 2, "visits", None, False),
        (1, 2, "stores", None, False),
    ]


def test_messages_newest_first_twenty_at_most_for_thirty_days():
    plan = programme(promotion(reward=[{"message": {"en": "Thanks", "it": "Grazie"}}]))
    orders = [order(100, MONDAY + days(day)) for day in range(25)]
    outcome = fold(MEMBER, orders, plan)
    messages = record(outcome.wallet).messages
    assert [message.at for message in messages] == [MONDAY + days(day) for day in range(24, 4, -1)]
    assert messages[0].text == {"en": "Thanks", "it": "Grazie"}
    assert len({message.message_id for message in messages}) == 20
    assert [(e.kind, e.unit, e.amount, e.detail) for e in outcome.entries[:1]] == [
        ("reward.granted", "message", 1, {"text": {"en": "Thanks", "it": "Grazie"}})
    ]
    later = record(advance(outcome.wallet, MONDAY + days(30 + 23), plan).wallet).messages
    assert [message.at for message in later] == [MONDAY + days(24)]
    assert record(advance(outcome.wallet, MONDAY + days(60), plan).wallet).messages == ()


def test_the_state_survives_its_json_and_refuses_anothers():
    goal = {"all": [{"spend": "50.00 EUR"}, {"distinct": {"of": "store", "count": 2}}], "within": "30d"}
    plan = programme(
        promotion(goal=goal, limits={"per_member": {"times": 2, "every": "week"}}),
        promotion(
            promotion="q", reward=[COUPON, {"message": {"en": "Hi"}}, {"points": {"earn": 1, "expires_after": "1y"}}]
        ),
    )
    told = event(
        "member.registered", {"attributes": {"tier": "gold", "birthday": "05-17"}, "segments": {"add": ("a",)}}
    )
    wallet = fold(MEMBER, [told, order(100)], plan).wallet
    assert Wallet.from_json(wallet.to_json()) == wallet
    old = orjson.loads(wallet.to_json())
    for body in ([0, *old[1:]], {"format": 1}):
        with pytest.raises(UnknownFormat):
            Wallet.from_json(orjson.dumps(body))
