"""Points: how many a reward gives, how long they live, which are spent first, and that the books agree."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.promotions.rewards import PointsReward
from services.engine.calendar.moments import moment_of
from services.engine.rewarding.points import give_points, leftovers, merged, points_of, spend_points
from services.engine.wallet import Lot, Wallet
from tests.unit.engine.rooms import Member, shown
from tests.unit.engine.stage import MEMBER, MONDAY, line

NOON = "2026-03-02T12:00"
LADDER = [{"from": "20.00 EUR", "earn": 10}, {"from": "50.00 EUR", "earn": 40}]


@pytest.mark.parametrize(
    ("reward", "total", "points"),
    [
        ({"earn": 7}, 100, 7),
        ({"earn": 7}, 0, 7),
        ({"earn": 1, "per": "1.00 EUR"}, 1999, 19),
        ({"earn": 3, "per": "1.00 EUR"}, 1999, 57),
        ({"earn": 1, "per": "1.00 EUR", "rounding": "up"}, 1901, 20),
        ({"earn": 1, "per": "1.00 EUR", "rounding": "half_up"}, 1950, 20),
        ({"earn": 1, "per": "1.00 EUR", "rounding": "half_up"}, 1949, 19),
        ({"earn": 1, "per": "1.00 EUR"}, -500, 0),
        ({"earn": 1, "per": "1.00 USD"}, 500, 0),
        ({"ladder": LADDER}, 1999, 0),
        ({"ladder": LADDER}, 2000, 10),
        ({"ladder": LADDER}, 4999, 10),
        ({"ladder": LADDER}, 5000, 40),
        ({"ladder": [{"from": "1.00 USD", "earn": 10}]}, 5000, 0),
    ],
)
def test_how_many(reward, total, points):
    member = Member()
    member.earn(NOON, total, **reward)
    assert member.wallet.points_active == points
    assert [(entry.kind, entry.amount) for entry in member.entries] == ([("points.earned", points)] if points else [])


def test_by_the_piece():
    """Weighed goods are one piece a line."""
    member = Member()
    lines = [line(100, 1, quantity=3), line(200, 2, quantity="0.482")]
    occasion = member.occasion(NOON, 300, lines=lines)
    reward = PointsReward.model_validate({"earn": 5, "per_piece": True})
    assert points_of(reward, member.grant(occasion).compiled, occasion) == 20


def test_the_programme_rounds_unless_the_reward_does():
    member = Member({"points": {"base": {"rounding": "up"}}})
    member.earn(NOON, 101, earn=1, per="1.00 EUR")
    member.earn(NOON, 101, earn=1, per="1.00 EUR", rounding="down")
    assert [entry.amount for entry in member.entries] == [2, 1]


@pytest.mark.parametrize(
    ("fields", "places", "points"),
    [
        ({"times": "2"}, None, 130),
        ({"times": "1.5"}, None, 65),
        ({"times": "3", "of": "shop"}, None, 200),
        ({"times": "3", "of": ["web", "none"]}, None, 60),
        ({"times": "2"}, [0], 32),
        ({"times": "2", "rounding": "up"}, [0], 33),
        ({"times": "2", "rounding": "half_up"}, [0], 33),
        ({"times": "2", "currency": "miles"}, None, 5),
        ({"times": "1"}, None, 0),
    ],
)
def test_multiplied(fields, places, points):
    """What others gave on this occasion, of these promotions, in this currency, in proportion to the lines."""
    member = Member()
    occasion = member.occasion(NOON, 400, lines=[line(100, 1), line(300, 2)])
    occasion.earned = {("shop", "base"): 100, ("web", "base"): 30, ("web", "miles"): 5, ("p", "base"): 1000}
    occasion.places = places
    reward = PointsReward.model_validate(fields)
    assert points_of(reward, member.grant(occasion).compiled, occasion) == points


def test_limits_cut_the_points_of_a_bundle():
    member = Member()
    grant = member.grant(member.occasion(NOON))
    grant.points_left = 25
    for place in "012":
        give_points(grant, place, PointsReward(earn=10))
    assert [entry.amount for entry in member.entries] == [10, 10, 5]
    assert (grant.points_left, member.wallet.points_active) == (0, 25)
    assert grant.occasion.earned == {("p", "base"): 25}


@pytest.mark.parametrize(
    ("when", "fields", "usable"),
    [
        (NOON, {}, ""),
        (NOON, {"pending_for": "36h"}, "2026-03-04T00:00:00"),
        (NOON, {"pending_for": "2w"}, "2026-03-16T00:00:00"),
        (NOON, {"pending_until": "2026-05-01"}, "2026-05-01T00:00:00"),
        (NOON, {"pending_until": "2026-05-01T08:30"}, "2026-05-01T08:30:00"),
        (NOON, {"pending_until": "2026-03-02"}, ""),
        (NOON, {"pending_returns": True}, "2026-03-17T00:00:00"),
        ("2026-03-28T12:00", {"pending_for": "1d"}, "2026-03-29T00:00:00"),
        ("2026-03-28T12:00", {"pending_for": "24h"}, "2026-03-29T13:00:00"),
    ],
)
def test_usable(when, fields, usable):
    """On the 29th of March the clock goes forward: 24 hours are hours, a day is a day."""
    member = Member({"returns": {"period": "14d"}})
    member.earn(when, earn=1, **fields)
    assert shown(member.wallet.lots[0].active_from) == usable


def test_what_waits_for_returns_waits_as_the_currency_does_where_nothing_comes_back():
    member = Member({"points": {"base": {"pending_for": "3d"}}})
    member.earn(NOON, earn=1, pending_returns=True)
    member.earn(NOON, earn=2)
    assert [(lot.points, shown(lot.active_from)) for lot in member.wallet.lots] == [(3, "2026-03-05T00:00:00")]


@pytest.mark.parametrize(
    ("when", "expires", "on"),
    [
        ("2026-01-31T12:00", {"after": "1mo"}, "2026-02-28"),
        ("2028-01-31T12:00", {"after": "1mo"}, "2028-02-29"),
        ("2028-02-29T12:00", {"after": "1y"}, "2029-02-28"),
        ("2026-03-28T23:30", {"after": "1d"}, "2026-03-29"),
        ("2026-10-24T23:30", {"after": "1d"}, "2026-10-25"),
        ("2026-02-10T12:00", {"end_of": "month"}, "2026-02-28"),
        ("2026-02-28T23:59", {"end_of": "month"}, "2026-02-28"),
        ("2026-03-01T00:00", {"end_of": "month"}, "2026-03-31"),
        ("2026-12-31T12:00", {"end_of": "month", "plus": "2mo"}, "2027-02-28"),
        ("2026-01-31T12:00", {"end_of": "month", "plus": "1mo"}, "2026-02-28"),
        ("2026-01-31T12:00", {"end_of": "month", "plus": "10d"}, "2026-02-10"),
        ("2026-06-15T12:00", {"end_of": "year"}, "2026-12-31"),
        ("2026-06-15T12:00", {"end_of": "year", "plus": "1y"}, "2027-12-31"),
        ("2026-06-15T12:00", {"end_of": "year", "plus": "3mo"}, "2027-03-31"),
    ],
)
def test_expiry_of_the_currency(when, expires, on):
    """The whole of the last local day is usable, whatever the clock does on it."""
    member = Member({"points": {"base": {"expires": expires}}})
    member.earn(when, earn=1)
    (lot,) = member.wallet.lots
    assert lot.on == on
    assert shown(lot.expires - 1)[:10] == on
    assert shown(lot.expires).endswith("T00:00:00")
    member.until(moment_of(lot.expires - 1))
    assert member.wallet.points_active == 1
    member.until(moment_of(lot.expires))
    assert member.wallet.points_active == 0
    assert member.told("points.expired") == [(shown(lot.expires), 1)]


def test_expiry_runs_from_the_day_they_are_usable():
    member = Member({"points": {"base": {"pending_for": "40d", "expires": {"end_of": "month"}}}})
    member.earn(NOON, earn=1)
    member.earn(NOON, earn=1, expires_after="1mo", pending_for="1d")
    assert [(shown(lot.active_from)[:10], lot.on) for lot in member.wallet.lots] == [
        ("2026-03-03", "2026-04-03"),
        ("2026-04-11", "2026-04-30"),
    ]


def test_a_fixed_last_day_is_a_whole_day():
    member = Member({"points": {"base": {"expires": {"after": "1d"}}}})
    member.earn(NOON, earn=1, expires_on="2026-12-31")
    (lot,) = member.wallet.lots
    assert (lot.on, shown(lot.expires)) == ("2026-12-31", "2027-01-01T00:00:00")


@pytest.mark.parametrize("fields", [{}, {"pending_until": "2026-06-01"}])
def test_points_that_could_never_be_used_are_not_given(fields):
    member = Member()
    member.earn("2026-03-02T12:00", earn=1, expires_on="2026-03-01" if not fields else "2026-05-31", **fields)
    assert (member.wallet.lots, member.entries) == ((), [])


INACTIVE = {"points": {"base": {"expires": {"inactive_for": "6mo"}}}}


def test_inactivity_takes_all_usable_points():
    member = Member(INACTIVE)
    member.earn("2026-01-10T12:00", earn=10)
    member.earn("2026-02-10T12:00", earn=5)
    member.until("2026-08-10T23:59")
    assert member.wallet.points_active == 15
    member.until("2026-08-11T00:00")
    assert member.wallet.points_active == 0
    assert member.told("points.expired") == [("2026-08-11T00:00:00", 15)]
    assert member.dues() == (0, 0)


def test_spending_puts_inactivity_off_and_points_that_wait_stay():
    member = Member(INACTIVE)
    member.earn("2026-01-10T12:00", earn=10)
    member.earn("2026-01-10T12:00", earn=3, pending_until="2027-01-01")
    member.spend("2026-05-31T12:00", 4)
    member.until("2026-11-30T23:59")
    assert member.wallet.points_active == 6
    member.until("2026-12-01T00:00")
    assert (member.wallet.points_active, member.wallet.points_pending) == (0, 3)
    member.until("2027-07-01T23:59")
    assert member.wallet.points_active == 3
    member.until("2027-07-02T00:00")
    assert member.wallet.lots == ()


def test_spending_order():
    """Earliest expiry first, those that never expire last."""
    member = Member()
    member.earn(NOON, earn=10)
    member.earn(NOON, earn=10, expires_after="60d")
    member.earn(NOON, earn=10, expires_after="30d")
    member.earn(NOON, earn=10, pending_for="1d", expires_after="2d")
    member.earn(NOON, earn=10, currency="miles")
    assert [(points, shown(expires)[:10]) for points, expires in member.spend(NOON, 25)] == [
        (10, "2026-04-02"),
        (10, "2026-05-02"),
        (5, ""),
    ]
    assert {(currency, name): points for currency, name, points in leftovers(member.wallet)} == {
        ("base", "active"): 5,
        ("base", "pending"): 10,
        ("miles", "active:miles"): 10,
    }


def test_spending_the_oldest_first():
    member = Member({"points": {"base": {"spend": "oldest"}}})
    member.earn("2026-03-01T10:00", earn=10)
    member.earn("2026-03-01T18:00", earn=5)
    member.earn("2026-03-02T10:00", earn=10, expires_after="3d")
    assert [lot.points for lot in member.wallet.lots] == [15, 10]
    taken = member.spend(NOON, 20)
    assert [(points, shown(expires)[:10]) for points, expires in taken] == [(15, ""), (5, "2026-03-06")]


def test_what_has_expired_is_never_spent():
    member = Member()
    member.earn(NOON, earn=10, expires_after="1d")
    member.earn(NOON, earn=10, expires_after="9d")
    taken = member.spend("2026-03-04T00:00", 4)
    assert [(points, shown(expires)[:10]) for points, expires in taken] == [(4, "2026-03-12")]


def test_currencies_have_accounts_of_their_own():
    member = Member({"points": {"miles": {"pending_for": "1d", "expires": {"after": "1d"}}}})
    member.earn(NOON, earn=7, currency="miles")
    member.earn(NOON, earn=2)
    member.until("2026-03-03T00:00")
    assert member.balance("member:points_active:miles", "points:miles") == 7
    member.spend("2026-03-03T12:00", 3, "miles")
    member.until("2027-01-01T00:00")
    assert [(e.kind, e.unit, e.debit, e.credit, e.amount) for e in member.entries] == [
        ("points.earned", "points:miles", "programme:points_granted", "member:points_pending:miles", 7),
        ("points.earned", "points:base", "programme:points_granted", "member:points_active", 2),
        ("points.activated", "points:miles", "member:points_pending:miles", "member:points_active:miles", 7),
        ("points.spent", "points:miles", "member:points_active:miles", "programme:points_spent", 3),
        ("points.expired", "points:miles", "member:points_active:miles", "programme:points_expired", 4),
    ]


def test_activation_comes_before_expiry_at_one_instant():
    member = Member()
    member.wallet.lots = merged((), Lot(5, 10, 10, "1970-01-01"))
    member.until("2026-01-01T00:00")
    assert [entry.kind for entry in member.entries] == ["points.activated", "points.expired"]
    assert member.balance() == 0


lots = st.builds(
    lambda points, starts, ends, currency, since: Lot(
        points, starts, starts + ends if ends else 0, "", currency, since
    ),
    st.integers(1, 9),
    st.sampled_from([0, 0, 5, 9]),
    st.sampled_from([0, 3, 7]),
    st.sampled_from(["base", "miles"]),
    st.sampled_from([0, 1, 2]),
)


@given(st.lists(lots, max_size=12), st.randoms(use_true_random=False))
def test_lots_merge_the_same_in_any_order(given_lots, random):
    one: tuple[Lot, ...] = ()
    for lot in given_lots:
        one = merged(one, lot)
    random.shuffle(given_lots)
    other: tuple[Lot, ...] = ()
    for lot in given_lots:
        other = merged(other, lot)
    assert one == other
    keys = [(lot.active_from, lot.expires, lot.currency, lot.since) for lot in one]
    assert keys == sorted(set(keys))
    assert sum(lot.points for lot in one) == sum(lot.points for lot in given_lots)


@given(st.lists(lots, max_size=12), st.data())
def test_spending_takes_exactly_so_much_of_what_is_usable(given_lots, data):
    wallet = Wallet.empty(MEMBER)
    for lot in given_lots:
        wallet.lots = merged(wallet.lots, lot)
    before = wallet.lots
    points = data.draw(st.integers(0, wallet.points_usable()))
    taken = spend_points(wallet, "base", points, Member().terms)
    assert sum(lot.points for lot in taken) == points
    assert all(lot.points > 0 and not lot.active_from and lot.currency == "base" for lot in taken)
    for lot in taken:
        wallet.lots = merged(wallet.lots, lot)
    assert wallet.lots == before


DOCUMENTS = [
    {},
    {"points": {"base": {"pending_for": "2d", "expires": {"after": "20d"}, "spend": "oldest"}}},
    {"points": {"base": {"expires": {"end_of": "month"}}, "miles": {"expires": {"inactive_for": "9d"}}}},
    {"points": {"base": {"expires": {"inactive_for": "5d"}, "pending_for": "30h"}}, "returns": {"period": "7d"}},
]
REWARDS = [{}, {"pending_for": "3d"}, {"expires_after": "36h"}, {"expires_on": "2026-03-29"}, {"pending_returns": True}]
steps = st.tuples(
    st.integers(0, 400),
    st.sampled_from(["earn", "earn", "spend", "pass"]),
    st.integers(1, 50),
    st.sampled_from(REWARDS),
    st.sampled_from(["base", "miles"]),
)


def lived(document, life, stops):
    """A member who lived so; time brought on at every stop as well."""
    member, hours = Member(document), 0
    for gap, what, points, reward, currency in life:
        if stops:
            for hour in range(0, gap, stops):
                member.until(MONDAY + timedelta(hours=hours + hour))
        hours += gap
        when = MONDAY + timedelta(hours=hours)
        if what == "earn":
            member.earn(when, earn=points, currency=currency, **reward)
        elif what == "spend":
            member.until(when)
            member.spend(when, min(points, member.wallet.points_usable(currency)), currency)
    member.until(MONDAY + timedelta(hours=hours + 2_000))
    return member


@given(st.sampled_from(DOCUMENTS), st.lists(steps, max_size=12), st.sampled_from([1, 7, 24, 100]))
def test_the_books_agree_with_the_lots_and_many_steps_are_one(document, life, stops):
    member, other = lived(document, life, 0), lived(document, life, stops)
    assert (member.wallet, member.entries) == (other.wallet, other.entries)
    keys = [entry.key for entry in member.entries]
    assert len(keys) == len(set(keys))
    for currency, name in (("base", ""), ("miles", ":miles")):
        held = {account: points for each, account, points in leftovers(member.wallet) if each == currency}
        for account in (f"active{name}", f"pending{name}"):
            assert member.balance(f"member:points_{account}", f"points:{currency}") == held.get(account, 0)
