"""Promotions beside and after each other on one event: who looks first, who takes what, what gives nothing."""

from __future__ import annotations

from typing import Any

import pytest

from services.engine.fold import Outcome, fold
from services.engine.rewarding.grants import UNLIMITED, Claim, Granted, Grants
from services.engine.trace import Trace
from tests.unit.engine.stage import MEMBER, MONDAY, days, event, line, order, programme, promotion

PER_TEN = {"ladder": [{"from": "10.00 EUR", "earn": 5}]}


def points(outcome: Outcome) -> dict[str, int]:
    """Points earned, by promotion."""
    found: dict[str, int] = {}
    for entry in outcome.entries:
        if entry.kind == "points.earned" and entry.promotion_id is not None:
            found[entry.promotion_id] = found.get(entry.promotion_id, 0) + entry.amount
    return found


def of(*documents: dict[str, Any], terms: dict[str, Any] | None = None) -> Any:
    return programme(*[promotion(**each) for each in documents], programme_document=terms)


@pytest.mark.parametrize("mode", ["first", "best", "exclusive"])
def test_what_gives_nothing_stands_in_nobodys_way(mode: str):
    """An order below a ladder's first rung is not rewarded: the next promotion of the group has its turn."""
    ladder = {"promotion": "ladder", "reward": {"points": PER_TEN}, "stacking": {"mode": mode, "priority": 5}}
    found = of(ladder, {"promotion": "plain", "stacking": {"mode": mode}})
    assert points(fold(MEMBER, [order(900)], found)) == {"plain": 10}


def test_what_gives_nothing_uses_up_no_limit_and_starts_nothing():
    ladder = {"promotion": "ladder", "reward": {"points": PER_TEN}, "limits": {"per_member": {"times": 1}}}
    after = {"promotion": "after", "on": "promotion.completed", "where": {"promotion": "ladder"}}
    trace = Trace()
    outcome = fold(MEMBER, [order(900), order(1000, MONDAY + days(1))], of(ladder, after), trace=trace)
    assert points(outcome) == {"ladder": 5, "after": 10}
    assert [(each.result, each.failed) for each in trace.decisions if each.promotion_id == "ladder"] == [
        ("refused", "reward"),
        ("rewarded", None),
    ]


class Nothing:
    """Books in which nothing is left of stocks."""

    def __init__(self) -> None:
        self.held: list[Claim] = []

    def take(self, claim: Claim) -> Granted:
        if claim.pool.kind == "stock":
            return Granted(0, claim.capacity)
        self.held.append(claim)
        return Granted(claim.amount)

    def release(self, claim: Claim) -> None:
        self.held.remove(claim)


def test_nobody_pays_points_for_a_gift_that_is_gone():
    gift = {"item": "mug", "stock": 1, "valid_for": "30d"}
    swap = {
        "promotion": "swap",
        "on": "activity.recorded",
        "cost": {"points": 8},
        "reward": {"gift": gift},
        "limits": {"total": {"times": 5}},
    }
    play = event("activity.recorded", {"activity": "swap"}, MONDAY + days(1))
    books = Nothing()
    grants: Grants = books
    outcome = fold(MEMBER, [order(100), play], of({}, swap), grants=grants)
    assert outcome.wallet.points_active == 10
    assert [entry.kind for entry in outcome.entries] == ["points.earned"]
    assert books.held == []
    assert fold(MEMBER, [order(100), play], of({}, swap), grants=UNLIMITED).wallet.points_active == 2


def test_cards_that_fill_each_other_end():
    def card(own: str, other: str) -> dict[str, Any]:
        return {
            "promotion": own,
            "goal": {"stamps": 1, "repeat": True},
            "reward": {"stamps": {"card": other, "give": 2}},
        }

    outcome = fold(MEMBER, [order(100)], of(card("a", "b"), card("b", "a")))
    assert outcome.entries


def test_an_offer_waits_for_what_other_promotions_bring():
    """It sees tiers and completions though nobody else waits for them."""
    follows = {"promotion": "follows", "by": "offer", "on": "promotion.completed", "where": {"promotion": "p"}}
    issued = event("offer.issued", {"offer_id": "o1", "promotion_id": "follows"})
    assert points(fold(MEMBER, [issued, order(100, MONDAY + days(1))], of({}, follows))) == {"p": 10, "follows": 10}


def test_parts_of_a_goal_count_lines_of_their_own():
    coffee = {"where": {"lines": {"category": "coffee"}}, "quantity": 1}
    anything = {"on": "order.completed", "spend": "20.00 EUR"}
    found = of({"goal": {"all": [coffee, anything]}})
    basket = order(lines=[line(500, category="coffee"), line(1500, 2, category="milk")])
    assert points(fold(MEMBER, [basket], found)) == {"p": 10}


def test_several_parts_take_all_the_lines_they_counted():
    def part(category: str) -> dict[str, Any]:
        return {"where": {"lines": {"category": category}}, "quantity": 1}

    taking = {"promotion": "a", "goal": {"all": [part("coffee"), part("milk")]}, "stacking": {"takes_lines": True}}
    rest = {"promotion": "b", "reward": {"points": {"earn": 1, "per": "1.00 EUR"}}}
    basket = order(lines=[line(500, category="coffee"), line(300, 2, category="milk"), line(200, 3)])
    assert points(fold(MEMBER, [basket], of(taking, rest))) == {"a": 10, "b": 2}


def test_what_is_not_the_turn_of_a_step_does_not_count_and_takes_no_lines():
    steps = [{"on": "activity.recorded", "activities": 1}, {"on": "order.completed", "visits": 1}]
    first = {
        "promotion": "a",
        "on": ["activity.recorded", "order.completed"],
        "goal": {"steps": steps},
        "stacking": {"takes_lines": True},
    }
    rest = {"promotion": "b", "reward": {"points": {"earn": 1, "per": "1.00 EUR"}}}
    trace = Trace()
    started = event("activity.recorded", {"activity": "x"}, MONDAY + days(1))
    stream = [order(300), started, order(400, MONDAY + days(2)), order(500, MONDAY + days(3))]
    assert points(fold(MEMBER, stream, of(first, rest), trace=trace)) == {"a": 10, "b": 8}
    assert [each.result for each in trace.decisions if each.promotion_id == "a"] == [
        "refused",
        "counted",
        "rewarded",
        "refused",
    ]


def test_days_that_come_together_share_their_group():
    """Two promotions wait for one birthday: of a group in which the first gives, one does."""
    birthday = {"on": "birthday", "stacking": {"mode": "first"}}
    found = of({"promotion": "a", **birthday}, {"promotion": "b", "on": "birthday", "stacking": {"mode": "first"}})
    told = event("member.updated", {"attributes": {"birthday": "1990-03-05"}})
    assert points(fold(MEMBER, [told], found, MONDAY + days(9))) == {"a": 10}


def test_a_return_in_another_currency_counts_nothing():
    back = event(
        "order.returned",
        {"return_id": "r", "order_id": "o", "lines": (), "total": 5000, "currency": "USD"},
    )
    found = of({"on": "order.returned", "where": {"total": {"at_least": "20.00 EUR"}}})
    assert points(fold(MEMBER, [back], found)) == {}


def test_a_groups_cap_goes_by_the_programmes_clock():
    """Half past eleven at night in Rome is the same day for all of the group, wherever its promotions are."""
    far = {"schedule": {"timezone": "Asia/Tokyo"}}
    found = of(
        {"promotion": "a"},
        {"promotion": "b", **far},
        {"promotion": "c"},
        terms={"groups": {"main": {"cap": {"times": 1, "every": "day"}}}},
    )
    assert points(fold(MEMBER, [order(100, MONDAY.replace(hour=20))], found)) == {"a": 10}


def test_a_group_that_the_programme_makes_exclusive_looks_first():
    found = of(
        {"promotion": "a", "stacking": {"priority": 9}},
        {"promotion": "b", "stacking": {"group": "alone"}},
        terms={"groups": {"alone": {"mode": "exclusive"}}},
    )
    assert points(fold(MEMBER, [order(100)], found)) == {"b": 10}


def test_an_offer_that_is_over_before_it_begins_says_so():
    issued = event("offer.issued", {"offer_id": "o1", "promotion_id": "p", "valid_until": MONDAY - days(1)})
    trace = Trace()
    fold(MEMBER, [issued], of({"by": "offer"}), trace=trace)
    assert [each.failed for each in trace.decisions] == ["offer.valid_until"]


class Taken:
    """Books that give each claim the next place of its pool, once."""

    def __init__(self) -> None:
        self.facts: dict[tuple[object, str], Granted] = {}

    def take(self, claim: Claim) -> Granted:
        before = sum(of.kind == claim.pool.kind for of, _ in self.facts)  # type: ignore[attr-defined]
        return self.facts.setdefault((claim.pool, claim.mark), Granted(claim.amount, before))

    def release(self, claim: Claim) -> None:
        del self.facts[claim.pool, claim.mark]


def contest(winners: int) -> dict[str, Any]:
    return {
        "schedule": {"from": "2026-03-01", "until": "2026-03-01", "timezone": "Europe/Rome"},
        "contest": {"seed_sha256": "0" * 64, "instant_win": {"prizes": [{"prize": "bike", "winners": winners}]}},
        "reward": [{"instant_win": True}, {"instant_win": True}],
    }


def test_two_tries_of_one_bundle_win_two_prizes():
    found = of(contest(50))
    late = order(100, MONDAY.replace(day=1, hour=22, minute=59))
    wins = [e.detail["moment"] for e in fold(MEMBER, [late], found, grants=Taken()).entries if "prize" in e.unit]
    assert wins == [0, 1]


def test_a_prize_that_a_newer_version_no_longer_has_is_not_won():
    late = order(100, MONDAY.replace(day=1, hour=22, minute=59))
    books = Taken()
    fold(MEMBER, [late], of(contest(2)), grants=books)
    fewer = fold(MEMBER, [late], of(contest(1)), grants=books)
    assert sum("prize" in entry.unit for entry in fewer.entries) == 1
