"""Shared limits of a simulation: who is granted what, on its own and over several passes."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import pytest

from services.engine.rewarding.grants import Claim, Granted, Pool
from services.simulation import claims
from services.simulation.allot import BOOKS, Allotment, Asked, fitting
from services.simulation.claims import Claims, Due, Totals, allot
from services.simulation.heap import scratch

BUDGET = Pool("p", "budget")


def claim(member: str, amount: int, instant: int, *, capacity: int = 10, partial: bool = False, pool: Pool = BUDGET):
    return Claim(pool, amount, capacity, member, "1", instant, partial)


def asked(
    pool: str, instant: int, member: str, amount: int, *, capacity: int = 10, partial: bool = False, place: int = 1
) -> Asked:
    return Asked(pool, instant, member, place, "1", amount, capacity, partial, False, amount, 0)


def due(*claims: Asked, stale: int = 0) -> list[Due]:
    """What these are due, in order; the last `stale` are."""
    rows = [(claim, place >= len(claims) - stale) for place, claim in enumerate(claims)]
    with closing(scratch(BOOKS)) as books:
        return list(allot(rows, Totals(books)))


@pytest.mark.parametrize(
    ("amount", "granted", "partial", "expected"),
    [(4, 0, False, 4), (4, 6, False, 4), (4, 7, False, 0), (4, 7, True, 3), (4, 10, True, 0), (4, 12, True, 0)],
)
def test_the_last_bit_is_given_only_where_a_part_is_welcome(amount: int, granted: int, partial: bool, expected: int):
    assert fitting(amount, 10, granted, partial=partial) == expected


def test_a_pool_goes_to_the_claims_in_their_order_and_a_smaller_one_may_still_fit():
    found = due(asked("b", 0, "q", 10), asked("a", 1, "z", 6), asked("a", 2, "m", 6), asked("a", 3, "b", 4))
    assert [(one.amount, one.earlier) for one in found] == [(10, 0), (6, 0), (0, 6), (4, 6)]


def test_capacity_may_grow_with_time():
    claims = [asked("a", 1, "x", 1, capacity=0), asked("a", 2, "y", 1, capacity=1), asked("a", 3, "z", 1, capacity=1)]
    assert [one.amount for one in due(*claims)] == [0, 1, 0]


def test_a_reward_takes_of_all_its_limits_or_of_none():
    """Its store has room, the budget has not: the store keeps its room for the next."""
    budget, later = asked("budget", 1, "a", 6), asked("store", 2, "b", 10)
    refused = asked("budget", 2, "a", 6, place=2)
    found = due(budget, asked("store", 2, "a", 6), refused, later)
    assert [(one.claim.pool, one.amount, one.later) for one in found] == [
        ("budget", 6, 6),
        ("store", 6, 0),
        ("budget", 0, 6),
        ("store", 10, 10),
    ]


def test_behind_the_limit_that_refuses_nothing_is_due():
    found = due(asked("store", 1, "a", 99), asked("budget", 1, "a", 6, place=2), stale=1)
    assert [one.amount for one in found] == [0]


def test_what_another_instant_refused_takes_nothing():
    found = due(asked("store", 2, "a", 6)._replace(released=True), asked("store", 3, "b", 10))
    assert [(one.amount, one.later) for one in found] == [(6, 0), (10, 10)]


def test_never_more_than_the_capacity():
    """Any claims in any order; a pool that still had room for a claim did not refuse it."""
    for seed in range(300):
        chance = random.Random(seed)
        claims = [
            asked("p", instant, "m", chance.randint(1, 9), capacity=20, partial=chance.random() < 0.5)
            for instant in range(chance.randint(1, 12))
        ]
        given = 0
        for one in due(*claims):
            assert one.earlier == given
            given += one.amount
            assert given == one.later <= 20
            assert one.amount == one.claim.amount or given + one.claim.amount > 20 or one.claim.partial
        assert given >= min(sum(claim.amount for claim in claims), 12)


def test_totals_beyond_those_kept_in_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(claims, "_CACHED_POOLS", 3)
    with closing(scratch(BOOKS)) as books:
        totals = Totals(books)
        for number in range(40):
            totals.add(f"p{number % 10}", number)
        assert [totals.of(f"p{number}") for number in range(10)] == [60 + 4 * number for number in range(10)]


def passes(claims: list[Claim], folder: Path, *, until_pass: int) -> list[dict[str, int]]:
    """The answers of each pass, for members who always make the same claims."""
    books = None
    told = []
    for number in range(until_pass):
        with Allotment(books) as grants, Claims() as notes:
            told.append({one.member_id: grants.take(one).amount for one in claims})
            notes.add(grants.noted())
            books = folder / f"{number}.db"
            notes.write_books(books)
    return told


def test_the_second_pass_answers_in_the_order_of_time_not_of_members(tmp_path: Path):
    claims = [claim("a", 6, 30), claim("b", 6, 10), claim("c", 4, 20)]
    first, second, third = passes(claims, tmp_path, until_pass=3)
    assert first == {"a": 6, "b": 6, "c": 4}
    assert second == third == {"a": 0, "b": 6, "c": 4}


def test_asked_again_the_answer_is_the_same_and_counts_once():
    with Allotment() as grants:
        assert grants.take(claim("a", 6, 1)) == grants.take(claim("a", 6, 9)) == Granted(6, 0)
        assert len(grants.noted()) == 1


def test_what_was_released_is_noted_as_such():
    with Allotment() as grants:
        grants.take(claim("a", 6, 1))
        grants.release(claim("a", 6, 1))
        assert [one.released for one in grants.noted()] == [True]


def books_of(claims: list[Claim], path: Path) -> Path:
    with Allotment() as grants, Claims() as notes:
        for one in claims:
            grants.take(one)
        notes.add(grants.noted())
        notes.write_books(path)
    return path


def test_a_claim_nobody_made_before_gets_what_was_left_at_its_instant(tmp_path: Path):
    books = books_of([claim("a", 7, 1)], tmp_path / "b.db")
    with Allotment(books) as grants:
        assert grants.take(claim("b", 3, 2)) == Granted(3, 7)
        assert grants.take(claim("c", 3, 3)) == Granted(3, 7), "only noted: the pool stands as it was"
        assert grants.take(claim("d", 4, 4)) == Granted(0, 7)
        assert grants.take(claim("e", 4, 4, partial=True)) == Granted(3, 7)
        assert grants.take(claim("f", 9, 0)) == Granted(9, 0), "it came before all the others"


def test_a_binding_pass_never_overdraws_and_remembers(tmp_path: Path):
    books = books_of([claim("a", 7, 1)], tmp_path / "b.db")
    with Allotment(books, binding=True) as grants:
        assert grants.take(claim("b", 2, 2)) == Granted(2, 7)
        assert grants.take(claim("c", 2, 3)) == Granted(0, 9)
        assert grants.take(claim("d", 2, 4, partial=True)) == Granted(1, 9)
        assert len(grants.noted()) == 3
    with Allotment(books) as grants:
        assert grants.take(claim("b", 2, 2)) == Granted(2, 7)
        assert grants.take(claim("c", 2, 3)) == Granted(0, 9)


def test_who_was_first_matters_only_where_pieces_differ(tmp_path: Path):
    """Two coupons of a pool of codes have different codes; two of a budget are the same."""
    differing = []
    for number, kind in enumerate(("budget", "codes")):
        with Allotment() as grants, Claims() as notes:
            for member in ("a", "b"):
                grants.take(claim(member, 1, 1, pool=Pool("p", kind)))
            notes.add(grants.noted())
            differing.append(notes.write_books(tmp_path / f"{number}.db"))
            assert list(notes.outdate_misled()) == [["b"], []][kind == "budget"]
    assert differing == [0, 1]
