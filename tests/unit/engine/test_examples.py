"""Examples inside documents: every step can be played, and what a step does not say does not stand in the way."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.promotions.document import Promotion
from schemas.promotions.programme import ProgrammeDocument
from services.engine.examples.examples import ExampleResult, run_examples
from tests.unit.engine.stage import TERMS, promotion

PROGRAMME = ProgrammeDocument.model_validate(
    {
        "programme": "p",
        "regions": {"lazio": ["rm-01"]},
        "tiers": {"levels": [{"tier": "green", "from": 0}, {"tier": "gold", "from": 100}]},
        "returns": {"period": "14d"},
    }
)


def run(
    fields: dict[str, Any], given: Any, expect: dict[str, Any], *others: Promotion, **example: Any
) -> ExampleResult:
    """The result of one example of a promotion."""
    told = promotion(**fields, examples={"given": given, "expect": expect, **example})
    [result] = run_examples(told, TERMS, PROGRAMME, {other.promotion: other for other in others})
    return result


def passes(fields: dict[str, Any], given: Any, expect: dict[str, Any], *others: Promotion, **example: Any) -> None:
    """Asserts that the example holds."""
    result = run(fields, given, expect, *others, **example)
    assert (result.failures, result.why) == ((), ())
    assert result.passed


NOT_IN_THE_WAY = {
    "schedule of weekdays and hours": {"schedule": {"days": "sun", "hours": "20:00-22:00"}},
    "hours past midnight": {"schedule": {"hours": "22:00-06:00"}},
    "hours past midnight of one day": {"schedule": {"days": "thu", "hours": "12:00-11:00"}},
    "a night that begins on a day": {"schedule": {"windows": [{"days": "thu", "hours": "09:00-02:00"}]}},
    "windows": {"schedule": {"windows": [{"days": "thu", "hours": "07:00-08:00"}]}},
    "the last day of a month": {"schedule": {"month_days": -1}},
    "a blackout on the first day": {
        "schedule": {"from": "2026-03-01", "blackout": {"from": "2026-03-01", "until": "2026-03-05"}}
    },
    "tier and segment": {"audience": {"tiers": ["gold"], "segments": ["vip"], "outside": ["staff"]}},
    "attributes": {"audience": {"attributes": {"pet": "cat", "age": {"at_least": 18}, "city": {"present": True}}}},
    "attributes to leave alone": {
        "audience": {"attributes": {"age": {"at_most": 3, "not": 3}, "x": {"present": False}}}
    },
    "home store": {"audience": {"home_store": "7"}},
    "home region": {"audience": {"home_region": "lazio"}},
    "a new member": {"audience": {"new": "7d"}},
    "a long absence": {"audience": {"lapsed": "3mo"}},
    "channel, store and payment": {"where": {"channel": "web", "store": "9", "payment_method": "card"}},
    "region": {"where": {"region": "lazio"}},
    "attributes of the event": {"where": {"attributes": {"delivery": "collect", "gift": {"present": False}}}},
    "pieces and lines": {"where": {"quantity": 12, "lines": {"tag": "bio", "count": 3, "quantity": 7}}},
    "all and any": {"where": {"all": [{"store": "9"}], "any": [{"channel": "app"}, {"channel": "pos"}]}},
    "a measure of its own": {"goal": {"visits": 1, "where": {"lines": {"sku": "1", "gtin": "2", "brand": "b"}}}},
    "holdout": {"audience": {"holdout": "99 %"}},
}


@pytest.mark.parametrize("fields", NOT_IN_THE_WAY.values(), ids=NOT_IN_THE_WAY)
def test_what_a_step_does_not_say_does_not_stand_in_the_way(fields: dict[str, Any]):
    passes(fields, {"order": {"total": "30.00 EUR"}}, {"points": 10})


@pytest.mark.parametrize(
    "where",
    [
        {"total": {"at_least": "70.00 EUR"}},
        {"subtotal": {"at_least": "70.00 EUR"}},
        {"lines": {"category": "x", "amount": {"at_least": "70.00 EUR"}}},
        {"lines": {"each": {"at_least": "70.00 EUR"}}},
    ],
)
def test_an_order_of_no_amount_costs_what_is_asked_for(where: dict[str, Any]):
    passes({"where": where}, {"order": {}}, {"points": 10})


def test_what_a_step_says_does_stand_in_the_way():
    fields = {
        "audience": {"tiers": "gold", "segments": "vip", "attributes": {"pet": "cat"}},
        "where": {"channel": "web"},
    }
    order = {"order": {"total": "1.00 EUR"}}
    passes(fields, [{"member": {"tier": "green"}}, order], {"points": 0})
    passes(fields, [{"member": {"tier": None}}, order], {"points": 0, "tier": "green"})
    passes(fields, [{"member": {"segments": "others"}}, order], {"points": 0})
    passes(fields, [{"member": {"attributes": {"pet": "dog"}}}, order], {"points": 0})
    passes(fields, [{"member": {"attributes": {"city": "Roma"}}}, order], {"points": 10})
    passes(fields, {"order": {"total": "1.00 EUR", "channel": "pos"}}, {"points": 0})


def test_news_of_the_member_that_start_the_promotion_come_with_the_step():
    fields = {"on": "member.registered", "audience": {"attributes": {"city": {"present": True}}}}
    passes(fields, {"registered": {}}, {"points": 10})
    passes(fields, {"registered": {"attributes": {"city": None}}}, {"points": 0})


def test_an_activity_has_the_attributes_that_its_part_of_the_goal_asks_for():
    opened = {"activities": 1, "activity": "opened", "where": {"attributes": {"letter": "may"}}}
    fields = {"on": "activity.recorded", "goal": {"all": [opened, {"activities": 1, "activity": "answered"}]}}
    passes(fields, [{"activity": "opened"}, {"activity": "answered"}], {"points": 10})


def test_offers_are_viewed_and_activated_by_their_number():
    steps = [{"on": "offer.viewed", "visits": 1}, {"on": "offer.activated", "visits": 1}]
    fields = {"by": "offer", "on": ["offer.viewed", "offer.activated"], "goal": {"steps": steps}}
    passes(fields, [{"offer": {"valid_for": "3d"}}, {"viewed": 1}, {"activated": 1, "after": "3d"}], {"points": 10})
    passes(fields, [{"offer": {"valid_for": "3d"}}, {"viewed": 1}, {"activated": 1, "after": "4d"}], {"points": 0})


def test_a_coupon_is_redeemed_and_used_on_an_order_by_its_number():
    coupon = {"coupon": {"points_times": "3", "valid_for": "30d"}}
    fields = {"on": "activity.recorded", "reward": coupon}
    per_euro = promotion(promotion="q", reward={"points": {"per": "1.00 EUR", "earn": 1}})
    used = [{"activity": "a"}, {"order": {"total": "5.00 EUR", "coupons": 1}}]
    passes(fields, used, {"coupons": 1, "balance": 15}, per_euro, together="q")
    thanks = promotion(promotion="q", reward=coupon)
    fields = {"on": "coupon.redeemed", "where": {"promotion": "q"}}
    passes(fields, [{"order": {"total": "5.00 EUR"}}, {"redeemed": 1}], {"points": 10}, thanks, together="q")


def test_time_passes_to_the_end_of_the_example():
    fields = {"reward": {"points": {"earn": 7, "pending_returns": True}}}
    passes(fields, {"order": {"total": "5.00 EUR"}}, {"points": 7, "pending": 7, "balance": 0})
    passes(fields, [{"order": {"total": "5.00 EUR"}}, {"wait": True, "after": "15d"}], {"points": 7, "balance": 7})


def test_a_member_is_in_the_variant_that_is_named():
    arms = [{"variant": "a", "reward": {"points": 1}}, {"variant": "b", "weight": 9999, "reward": []}]
    fields = {"reward": [], "variants": arms}
    order = {"order": {"total": "5.00 EUR"}}
    passes(fields, order, {"points": 1})
    passes(fields, order, {"points": 0}, variant="b")


def test_what_others_give_is_not_counted_as_its_own():
    other = promotion(promotion="q", reward={"points": 90})
    passes({}, {"order": {"total": "5.00 EUR"}}, {"points": 10, "balance": 100}, other, together="q")
    passes({}, {"order": {"total": "5.00 EUR"}}, {"points": 10, "balance": 10}, other)


def test_gifts_entries_messages_and_tiers_are_counted():
    rewards = [
        {"gift": {"item": "bag", "stock": 2, "valid_for": "7d"}},
        {"coupon": {"amount_off": "1.00 EUR", "valid_for": "7d"}},
        {"message": {"en": "Thanks"}},
        {"tier": "gold"},
        {"points": {"earn": 4, "currency": "miles"}},
    ]
    order = {"order": {"total": "5.00 EUR"}}
    expected = {"gifts": 2, "coupons": 3, "messages": 3, "tier": "gold", "points": {"miles": 12, "base": 0}}
    passes({"reward": rewards}, [order, order, order], expected)


UNPLAYABLE = {
    "order 2, but only 1": ([{"order": {"total": "5.00 EUR"}}, {"voided": 2}], {}),
    "order 1, but only 0": ({"returned": {"order": 1, "amount": "5.00 EUR"}}, {}),
    "offer 1, but only 0": ({"viewed": 1}, {}),
    "coupon 1, but only 0": ({"redeemed": 1}, {}),
    "`q`, which is not among the documents": ({"order": {"total": "5.00 EUR"}}, {"together": "q"}),
    "`b` is none of the variants": ({"order": {"total": "5.00 EUR"}}, {"variant": "b"}),
}


@pytest.mark.parametrize("words", UNPLAYABLE)
def test_a_step_that_refers_to_nothing_is_told(words: str):
    given, example = UNPLAYABLE[words]
    result = run({}, given, {"points": 10}, **example)
    assert not result.passed
    assert words in result.failures[0]


def test_a_failed_example_says_what_was_expected_and_what_stood_in_the_way():
    order = {"order": {"total": "5.00 EUR", "channel": "pos"}}
    result = run({"where": {"channel": "app"}}, order, {"points": 10, "coupons": 1, "progress": 3})
    assert result.name == "example 1"
    assert result.failures == (
        "expected coupons: 1, got 0",
        "expected points: 10, got 0",
        "expected progress: 3, got 0",
    )
    assert [(reason.event, reason.promotion_id, reason.seen.path) for reason in result.why] == [
        ("event 1", "p", "where.channel")
    ]
    miles = run({}, order, {"points": {"miles": 2}, "pending": {"miles": 1}, "balance": 3})
    assert miles.failures == (
        "expected points: {miles: 2}, got 0",
        "expected pending: {miles: 1}, got 0",
        "expected balance: 3, got 10",
    )


def test_tier_points_count_whichever_reward_gave_them():
    reward = [{"tier_points": 30}, {"points": {"earn": 5, "currency": "tier"}}]
    passes({"reward": reward}, {"order": {"total": "5.00 EUR"}}, {"points": {"tier": 35, "base": 0}})


def test_points_wait_and_are_usable_by_currency():
    reward = [{"points": {"earn": 4, "currency": "miles", "pending_for": "3d"}}, {"points": 1}]
    order = {"order": {"total": "5.00 EUR"}}
    passes({"reward": reward}, order, {"pending": {"miles": 4, "base": 0}, "balance": {"miles": 0, "base": 1}})
    waited = [order, {"wait": True, "after": "4d"}]
    passes({"reward": reward}, waited, {"pending": 0, "balance": {"miles": 4}})


def test_what_stood_in_the_way_of_those_beside_it_is_told_too():
    """A chain whose first link asks for a tier that the example does not give."""
    first = promotion(promotion="q", audience={"tiers": "gold"}, goal={"visits": 1})
    fields = {"on": "promotion.completed", "where": {"promotion": "q"}}
    result = run(fields, {"order": {"total": "5.00 EUR"}}, {"points": 10}, first, together="q")
    assert [(reason.promotion_id, reason.seen.path) for reason in result.why] == [("q", "audience.tiers")]
