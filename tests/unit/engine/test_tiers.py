"""Tiers: up at once, down on schedule, never below what was given by hand."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.promotions.programme import ProgrammeDocument
from services.engine.calendar.moments import micros
from services.engine.fold import fold
from services.engine.programme import PromotionVersion, compile_programme
from services.engine.rewarding.tiers import add_tier_points, count_towards_tier, enter_tiers, set_by_hand
from services.engine.terms import ProgrammeVersion
from tests.unit.engine.rooms import Member, shown
from tests.unit.engine.stage import ALWAYS, MEMBER, MONDAY, TERMS, days, order, promotion

LEVELS = [{"tier": "bronze", "from": 100}, {"tier": "silver", "from": 500}, {"tier": "gold", "from": 1000}]


def member(**fields):
    return Member({"tiers": {"levels": LEVELS, **fields}})


def count(member, when, amount):
    occasion = member.occasion(when)
    add_tier_points(occasion, amount)
    return occasion


def by_hand(member, when, tier):
    occasion = member.occasion(when)
    set_by_hand(occasion, tier)
    return occasion


def standing(member):
    wallet = member.wallet
    return wallet.tier, shown(wallet.tier_since)[:10], shown(wallet.tier_until)[:10]


def changes(member):
    return [(f"{e.debit[5:]} {e.credit[5:]}", shown(int(e.occurred_at.timestamp() * 1e6))[:10]) for e in member.entries]


def test_up_at_once():
    """Equality meets what a level takes; several levels may be passed at once."""
    m = member()
    assert count(m, "2026-03-02T12:00", 99).raised == []
    assert standing(m) == (None, "", "")
    assert count(m, "2026-03-03T12:00", 1).raised == [("tier.reached", "bronze")]
    assert standing(m) == ("bronze", "2026-03-03", "2027-12-31")
    assert count(m, "2026-03-04T12:00", 900).raised == [("tier.reached", "gold")]
    assert standing(m) == ("gold", "2026-03-04", "2027-12-31")
    assert changes(m) == [("none bronze", "2026-03-03"), ("bronze gold", "2026-03-04")]
    assert [entry.key for entry in m.entries] == ["tier.changed /app 2 None bronze", "tier.changed /app 3 bronze gold"]


def test_only_the_basis_counts():
    m = member(basis="spend")
    occasion = m.occasion("2026-03-02T12:00")
    add_tier_points(occasion, 5000)
    count_towards_tier(occasion, "points", 5000)
    assert standing(m) == (None, "", "")
    dollars = m.occasion("2026-03-02T12:00", 5000, currency="USD")
    count_towards_tier(dollars, "spend", 5000)
    assert standing(m) == (None, "", "")
    count_towards_tier(m.occasion("2026-03-02T12:00", 500), "spend", 500)
    assert standing(m)[0] == "silver"


def test_points_count_when_they_are_the_basis():
    m = member(basis="points")
    assert m.earn("2026-03-02T12:00", earn=100, pending_for="9d").occasion.raised == [("tier.reached", "bronze")]
    m.earn("2026-03-02T12:00", earn=9000, currency="miles")
    assert standing(m)[0] == "bronze"


def test_points_of_the_tier_currency_are_tier_points():
    m = member()
    m.earn("2026-03-02T12:00", earn=500, currency="tier")
    assert standing(m)[0] == "silver"
    assert m.wallet.points_usable("tier") == 500


def test_without_levels_nothing_counts():
    m = Member()
    count(m, "2026-03-02T12:00", 5000)
    enter_tiers(m.occasion("2026-03-02T12:00"))
    assert (standing(m), m.wallet.tier_marks) == ((None, "", ""), ())


def test_calendar_years_start_anew_on_the_first_of_january():
    """Half past midnight in Rome is still the old year in Greenwich."""
    m = member()
    count(m, "2026-12-31T23:59", 60)
    count(m, "2027-01-01T00:30", 60)
    assert standing(m)[0] is None
    count(m, "2027-01-02T00:30", 40)
    assert standing(m) == ("bronze", "2027-01-02", "2028-12-31")


def test_a_year_that_earns_it_again_keeps_it():
    m = member()
    count(m, "2026-05-01T12:00", 1000)
    count(m, "2027-05-01T12:00", 1000)
    assert standing(m) == ("gold", "2026-05-01", "2028-12-31")
    m.until("2028-12-31T23:59")
    assert standing(m)[0] == "gold"
    m.until("2029-01-01T00:00")
    assert standing(m) == (None, "", "")
    assert changes(m)[-1] == ("gold none", "2029-01-01")


def test_down_to_what_the_last_year_earned():
    m = member()
    count(m, "2026-05-01T12:00", 1000)
    count(m, "2027-05-01T12:00", 600)
    m.until("2028-01-01T00:00")
    assert standing(m) == ("silver", "2028-01-01", "2028-12-31")
    m.until("2029-06-01T00:00")
    assert changes(m)[1:] == [("gold silver", "2028-01-01"), ("silver none", "2029-01-01")]


def test_down_one_level_at_a_time():
    m = member(downgrade="one_level")
    count(m, "2026-05-01T12:00", 1000)
    m.until("2035-01-01T00:00")
    assert changes(m)[1:] == [
        ("gold silver", "2028-01-01"),
        ("silver bronze", "2029-01-01"),
        ("bronze none", "2030-01-01"),
    ]


def test_grace():
    """Who earns it again within the grace never fell; the grace does not make the next time longer."""
    m = member(grace="2mo")
    count(m, "2026-05-01T12:00", 1000)
    late, lost = m, member(grace="2mo")
    count(lost, "2026-05-01T12:00", 1000)
    lost.until("2028-02-28T23:59")
    assert standing(lost)[0] == "gold"
    lost.until("2028-03-01T00:00")
    assert standing(lost) == (None, "", "")
    count(late, "2028-02-10T12:00", 1000)
    assert standing(late) == ("gold", "2026-05-01", "2029-12-31")


def test_a_rolling_period():
    m = member(period="30d", valid_for="30d")
    count(m, "2026-03-01T10:00", 60)
    count(m, "2026-03-01T18:00", 20)
    assert len(m.wallet.tier_marks) == 1
    count(m, "2026-03-31T23:00", 20)
    assert standing(m) == ("bronze", "2026-03-31", "2026-04-30")
    count(m, "2026-04-20T12:00", 79)
    m.until("2026-05-01T00:00")
    assert standing(m) == (None, "", "")
    count(m, "2026-05-01T12:00", 21)
    assert standing(m) == ("bronze", "2026-05-01", "2026-05-31")
    m.until("2026-06-01T00:00")
    assert standing(m) == (None, "", "")


def test_a_rolling_period_is_looked_at_again_when_the_time_is_over():
    m = member(period="1y", valid_for="1mo")
    count(m, "2026-03-02T12:00", 100)
    m.until("2026-12-31T12:00")
    assert standing(m) == ("bronze", "2026-03-02", "2027-01-02")
    m.until("2028-01-01T00:00")
    assert changes(m)[1:] == [("bronze none", "2027-03-03")]


def test_for_ever():
    m = member(period="ever", valid_for="1y")
    count(m, "2026-03-02T12:00", 60)
    count(m, "2029-03-02T12:00", 60)
    m.until("2039-01-01T00:00")
    assert standing(m) == ("bronze", "2029-03-02", "2039-03-02")


def test_a_level_that_takes_nothing_has_no_end():
    m = Member({"tiers": {"levels": [{"tier": "basic", "from": 0}, *LEVELS]}})
    enter_tiers(m.occasion("2026-03-02T12:00"))
    assert standing(m) == ("basic", "2026-03-02", "")
    count(m, "2026-03-03T12:00", 100)
    m.until("2030-01-01T00:00")
    assert standing(m) == ("basic", "2028-01-01", "")


def test_by_hand_is_a_floor():
    m = member()
    assert by_hand(m, "2026-03-02T12:00", "silver").raised == [("tier.reached", "silver")]
    assert standing(m) == ("silver", "2026-03-02", "")
    count(m, "2026-03-03T12:00", 1000)
    assert standing(m) == ("gold", "2026-03-03", "2027-12-31")
    m.until("2029-01-01T00:00")
    assert standing(m) == ("silver", "2028-01-01", "")
    by_hand(m, "2029-01-02T12:00", "bronze")
    assert standing(m) == ("bronze", "2029-01-02", "")
    by_hand(m, "2029-01-03T12:00", None)
    assert standing(m) == (None, "", "")


def test_what_was_earned_stays_when_the_floor_goes():
    m = member()
    count(m, "2026-03-02T12:00", 500)
    assert by_hand(m, "2026-03-03T12:00", "bronze").raised == []
    assert standing(m) == ("silver", "2026-03-02", "2027-12-31")
    by_hand(m, "2026-03-04T12:00", "gold")
    assert standing(m) == ("gold", "2026-03-04", "")
    by_hand(m, "2026-03-05T12:00", None)
    assert standing(m) == ("silver", "2026-03-05", "2027-12-31")


def test_an_unknown_tier_ranks_below_all():
    m = member()
    by_hand(m, "2026-03-02T12:00", "staff")
    assert standing(m)[0] == "staff"
    assert m.given_tier("2026-03-02T12:00", "friend").raised == []
    count(m, "2026-03-03T12:00", 100)
    assert standing(m)[0] == "bronze"
    m.until("2030-01-01T00:00")
    assert standing(m) == ("staff", "2028-01-01", "")


def test_without_levels_the_tier_is_what_the_event_says():
    m = Member()
    assert by_hand(m, "2026-03-02T12:00", "gold").raised == [("tier.reached", "gold")]
    assert by_hand(m, "2026-03-03T12:00", "silver").raised == [("tier.reached", "silver")]
    assert by_hand(m, "2026-03-04T12:00", "silver").raised == []
    assert standing(m) == ("silver", "2026-03-03", "")
    by_hand(m, "2026-03-05T12:00", None)
    assert standing(m) == (None, "", "")
    assert changes(m) == [("none gold", "2026-03-02"), ("gold silver", "2026-03-03"), ("silver none", "2026-03-05")]


def test_given_for_a_time():
    """Afterwards the member is where they would have been, whatever they earned meanwhile."""
    m = member(downgrade="one_level", grace="1mo")
    count(m, "2026-03-01T12:00", 100)
    assert m.given_tier("2026-03-02T12:00", "gold", **{"for": "30d"}).raised == [("tier.reached", "gold")]
    assert standing(m) == ("gold", "2026-03-02", "2026-04-01")
    count(m, "2026-03-20T12:00", 400)
    assert standing(m) == ("gold", "2026-03-02", "2026-04-01")
    m.until("2026-04-02T00:00")
    assert standing(m) == ("silver", "2026-04-02", "2027-12-31")
    given, entry = m.entries[1], m.entries[2]
    assert (given.promotion_id, given.key) == ("p", "tier.changed p v1  2 bronze gold")
    assert (entry.promotion_id, entry.debit, entry.credit) == (None, "tier:gold", "tier:silver")


def test_given_for_a_time_and_earned_meanwhile():
    m = member()
    m.given_tier("2026-03-02T12:00", "silver", **{"for": "30d"})
    count(m, "2026-03-20T12:00", 500)
    assert standing(m) == ("silver", "2026-03-02", "2027-12-31")
    m.given_tier("2026-03-21T12:00", "gold", **{"for": "1d"})
    count(m, "2026-03-22T12:00", 500)
    assert standing(m) == ("gold", "2026-03-21", "2027-12-31")
    assert all(mark[0] > 0 for mark in m.wallet.tier_marks)


@pytest.mark.parametrize("levels", [True, False])
def test_given_to_who_has_none(levels):
    m = member() if levels else Member()
    m.given_tier("2026-03-02T12:00", "gold", **{"for": "30d"})
    m.given_tier("2026-03-03T12:00", "gold", **{"for": "30d"})
    assert standing(m) == ("gold", "2026-03-02", "2026-04-02")
    m.until("2026-04-03T00:00")
    assert standing(m) == (None, "", "")


def test_given_as_one_that_was_earned():
    m = member(downgrade="one_level")
    m.given_tier("2026-03-02T12:00", "gold")
    assert standing(m) == ("gold", "2026-03-02", "2027-12-31")
    m.given_tier("2026-03-02T12:00", "silver")
    m.until("2028-01-01T00:00")
    assert standing(m) == ("silver", "2028-01-01", "2028-12-31")


def test_other_levels_from_now_on():
    """A member keeps the tier until its time is over, then the levels of that day decide."""
    m = member()
    count(m, "2026-03-02T12:00", 500)
    m.publish({"tiers": {"levels": [{"tier": "club", "from": 200}], "period": "ever"}})
    m.until("2028-01-01T00:00")
    assert standing(m) == (None, "", "")


PROGRAMMES = [
    {},
    {"downgrade": "one_level", "grace": "10d"},
    {"period": "20d", "valid_for": "12d", "downgrade": "one_level"},
    {"period": "30d", "valid_for": "36h", "grace": "5h"},
    {"period": "ever", "valid_for": "20d"},
    {"levels": [{"tier": "basic", "from": 0}, *LEVELS], "valid_for": "2mo"},
]
steps = st.tuples(
    st.integers(0, 3000),
    st.sampled_from(["count", "count", "hand", "give", "give for"]),
    st.sampled_from([30, 100, 400, 900]),
    st.sampled_from(["bronze", "silver", "gold", "staff", None]),
)


def lived(programme, life, stops):
    m, hours = member(**programme), 0
    for gap, what, amount, tier in life:
        for hour in range(0, gap, stops) if stops else ():
            m.until(MONDAY + timedelta(hours=hours + hour))
        hours += gap
        when = MONDAY + timedelta(hours=hours)
        if what == "count":
            count(m, when, amount)
        elif what == "hand":
            by_hand(m, when, tier)
        elif tier is not None:
            m.given_tier(when, tier, **({"for": f"{amount}h"} if what == "give for" else {}))
        check(m)
    m.until(MONDAY + timedelta(hours=hours + 50_000))
    check(m)
    return m


def check(m):
    """Never below the floor; no tier, no dates; the entries lead where the wallet is."""
    wallet, order = m.wallet, [level.tier for level in m.terms.document.tiers.levels]
    ranks = {None: -2} | {tier: rank for rank, tier in enumerate(order)}
    assert ranks.get(wallet.tier, -1) >= ranks.get(wallet.tier_floor, -1)
    assert bool(wallet.tier_since) == (wallet.tier is not None)
    assert wallet.tier is not None or not wallet.tier_until
    told = [("tier:none", "tier:none"), *((entry.debit, entry.credit) for entry in m.entries)]
    assert all(one[1] == other[0] != other[1] for one, other in pairwise(told))
    assert told[-1][1] == f"tier:{wallet.tier or 'none'}"
    assert sum(mark[0] < 0 for mark in wallet.tier_marks) <= 1


@given(st.sampled_from(PROGRAMMES), st.lists(steps, max_size=10), st.sampled_from([11, 24, 500]))
def test_many_steps_are_one(programme, life, stops):
    one, other = lived(programme, life, 0), lived(programme, life, stops)
    assert (one.wallet, one.entries) == (other.wallet, other.entries)
    assert len({entry.key for entry in one.entries}) == len(one.entries)


@given(st.lists(st.tuples(st.integers(0, 3000), st.sampled_from([30, 100, 400, 900])), max_size=10))
def test_counting_never_lowers(life):
    m, hours = member(), 0
    order = [None, "bronze", "silver", "gold"]
    for gap, amount in life:
        hours += gap
        occasion = m.occasion(MONDAY + timedelta(hours=hours))
        before = m.wallet.tier, m.wallet.tier_until
        add_tier_points(occasion, amount)
        assert order.index(m.wallet.tier) >= order.index(before[0])
        assert m.wallet.tier_until >= before[1]


def test_a_shorter_grace_does_not_take_the_member_back_in_time():
    """The tier's time was over, the grace was not; then an order comes under terms without any."""
    levels = [{"tier": "gold", "from": 1000}]
    long, none = ({"tiers": {"levels": levels, "valid_for": "10d", "period": "5d", **more}} for more in GRACES)
    versions = [
        ProgrammeVersion(ProgrammeDocument.model_validate({"programme": "main", **document}), number, when)
        for number, (document, when) in enumerate([(long, ALWAYS), (none, MONDAY + days(20))], 1)
    ]
    giving = promotion(reward=[{"tier_points": 1000}], where={"total": {"at_least": "1.00 EUR"}})
    plan = compile_programme([PromotionVersion(giving, 1, ALWAYS)], TERMS, versions)
    wallet = fold(MEMBER, [order(100), order(1, MONDAY + days(21))], plan, MONDAY + days(22)).wallet
    assert (wallet.tier, wallet.moved_at) == (None, micros(MONDAY + days(21)))


GRACES = [{"grace": "1mo"}, {}]
