"""Contests: fixed vectors by an implementation of its own, fairness by counting, and what no draw may depend on."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import random
from collections import Counter

import pytest

from schemas.promotions.rewards import DrawPrize, InstantPrize
from services.engine.rewarding.contests import (
    ContestError,
    Entered,
    InstantWinTable,
    draw,
    draw_listed,
    entry_line,
    number,
    seed_hash,
    seed_of,
    winning_moments,
)

SEED = bytes(range(32))
START, END = 1_790_000_000_000_000, 1_792_592_000_000_000 - 1


def prizes(*winners: int) -> tuple[InstantPrize, ...]:
    return tuple(InstantPrize(prize=f"prize {place}", winners=count) for place, count in enumerate(winners))


def asked(*prizes: tuple[str, int, int]) -> list[DrawPrize]:
    return [DrawPrize(prize=name, winners=winners, reserves=reserves) for name, winners, reserves in prizes]


def tickets(*, members: int, each: int = 1) -> list[Entered]:
    return [Entered(f"m-{n}", f"reward.granted spring {n}", each) for n in range(members)]


# Another implementation, after the words of the docstring only ----------------------------------------------------


def mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def another_number(seed: bytes, label: str, below: int) -> int:
    for attempt in range(1000):
        v = int(mac(seed, f"{label} {attempt}").hex(), 16)
        if v < 2**256 // below * below:
            return v % below
    raise AssertionError


def another_draw(seed: bytes, entries: list[Entered], places: int) -> list[tuple[str, str, int]]:
    lines = sorted(json.dumps(list(e), separators=(",", ":"), ensure_ascii=False).encode() for e in entries)
    key = mac(seed, "draw " + hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest())
    drawn: dict[str, tuple[bytes, str, str, int]] = {}
    for member, entry, count in entries:
        for n in range(1, count + 1):
            text = json.dumps([member, entry, n], separators=(",", ":"), ensure_ascii=False)
            drawn[member] = min((mac(key, text), member, entry, n), drawn.get(member, (b"\xff" * 33, "", "", 0)))
    return [(member, entry, n) for _, member, entry, n in sorted(drawn.values())[:places]]


# Fixed values -----------------------------------------------------------------------------------------------------


def test_the_seed_is_what_the_page_says():
    seed = seed_of(b"secret", "spring")
    assert seed.hex() == "db79f8dea09295c174e258648df2bc82e2894e287c9220030101dc7c3483badb"
    assert seed_hash(seed) == "23f678dac2e339c5d7fcf9b4549edd0336134783ba864beae9145dde419fd34f"


def test_fixed_winning_moments():
    found = winning_moments(prizes(1, 2), SEED, 1000, 1999)
    assert [tuple(moment) for moment in found] == [(1011, 1), (1577, 1), (1882, 0)]


def test_a_fixed_draw():
    entered = [
        Entered("anna", "e-1", 2),
        Entered("ugo", "e-2", 1),
        Entered('é "x"\\', "e\n3", 3),
        Entered("ugo", "e-4", 1),
    ]
    result = draw(SEED, entered, asked(("car", 1, 1), ("bag", 1, 0)))
    assert result.entries_sha256 == "3be03790c178cbb165a4562eecc8bde16ee4886b160ae8cc05fddb2b84169282"
    assert (result.entries, result.tickets, result.members) == (4, 7, 3)
    assert [(d.prize, d.reserve, d.place, d.member_id, d.entry_id, d.ticket) for d in result.drawn] == [
        ("car", False, 1, 'é "x"\\', "e\n3", 3),
        ("bag", False, 1, "ugo", "e-2", 1),
        ("car", True, 1, "anna", "e-1", 2),
    ]


def test_the_same_as_another_implementation():
    chance = random.Random(5)
    for _ in range(30):
        below = chance.choice([1, 2, 3, 10, 10**6, 2**255 + 1, 2**256 - 1])
        assert number(SEED, "moment 4", below) == another_number(SEED, "moment 4", below)
    entered = [Entered(f"m{n % 40}", f"è-{n}", chance.randint(1, 4)) for n in range(100)]
    found = [(d.member_id, d.entry_id, d.ticket) for d in draw(SEED, entered, asked(("a", 5, 20), ("b", 4, 0))).drawn]
    assert found == another_draw(SEED, entered, 29)
    moments = winning_moments(prizes(3, 4), SEED, START, END)
    times = sorted((START + another_number(SEED, f"moment {k}", END - START + 1), k) for k in range(7))
    assert [tuple(moment) for moment in moments] == [(instant, int(k >= 3)) for instant, k in times]


# Fairness ---------------------------------------------------------------------------------------------------------


def test_a_number_that_would_favour_the_small_ones_is_drawn_again():
    """Just over half of all words fit once into `below`; the other words must be refused, not folded in."""
    below = 2**255 + 1
    found = [number(SEED, str(n), below) for n in range(400)]
    again = sum(int.from_bytes(mac(SEED, f"{n} 0"), "big") >= below for n in range(400))
    assert 140 < again < 260
    assert max(found) < below
    assert sum(value < below // 2 for value in found) == pytest.approx(200, abs=60)


def test_moments_are_spread_evenly_and_prizes_among_them():
    found = winning_moments(prizes(8_000, 2_000), SEED, START, END)
    assert len(found) == 10_000
    assert list(found) == sorted(found)
    days = Counter((moment.instant - START) * 20 // (END - START + 1) for moment in found)
    rare = Counter((moment.instant - START) * 20 // (END - START + 1) for moment in found if moment.prize == 1)
    assert sum((days[n] - 500) ** 2 / 500 for n in range(20)) < 60  # chi-squared, 19 degrees of freedom
    assert sum((rare[n] - 100) ** 2 / 100 for n in range(20)) < 60


def test_both_ends_are_part_of_the_contest():
    assert {moment.instant for moment in winning_moments(prizes(200), SEED, 5, 7)} == {5, 6, 7}
    assert winning_moments(prizes(2), SEED, 5, 5) == ((5, 0), (5, 0))
    with pytest.raises(ContestError, match="before it starts"):
        winning_moments(prizes(1), SEED, 5, 4)


def test_every_ticket_is_as_good_as_another():
    """A member with three tickets among ten wins three times in ten, over many seeds."""
    entered = [Entered("three", "e-0", 1), Entered("three", "e-1", 2), *tickets(members=7)]
    won = sum(draw(mac(SEED, str(n)), entered, asked(("car", 1, 0))).drawn[0].member_id == "three" for n in range(2000))
    assert abs(won - 600) < 6 * math.sqrt(2000 * 0.3 * 0.7)


# What a draw depends on -------------------------------------------------------------------------------------------


def test_the_order_of_the_entries_does_not_matter():
    entered = tickets(members=200, each=3)
    wanted = asked(("car", 2, 3), ("bag", 10, 5))
    first = draw(SEED, entered, wanted)
    for n in range(5):
        random.Random(n).shuffle(entered)
        assert draw(SEED, entered, wanted) == first


def test_another_seed_or_one_entry_more_is_another_draw():
    entered = tickets(members=500)
    wanted = asked(("car", 5, 5))
    first = draw(SEED, entered, wanted).drawn
    assert draw(SEED[::-1], entered, wanted).drawn != first
    assert {d.rank for d in draw(SEED, [*entered, Entered("x", "y", 1)], wanted).drawn}.isdisjoint(
        d.rank for d in first
    )


def test_winners_of_every_prize_come_before_reserves():
    drawn = draw(SEED, tickets(members=50), asked(("car", 1, 2), ("bag", 2, 1))).drawn
    assert [(d.prize, d.reserve, d.place) for d in drawn] == [
        ("car", False, 1),
        ("bag", False, 1),
        ("bag", False, 2),
        ("car", True, 1),
        ("car", True, 2),
        ("bag", True, 1),
    ]
    assert [d.rank for d in drawn] == sorted(d.rank for d in drawn)


def test_a_member_wins_once_unless_said_otherwise():
    entered = [Entered("keen", f"e-{n}", 5) for n in range(20)] + tickets(members=3)
    once = draw(SEED, entered, asked(("bag", 3, 5))).drawn
    assert sorted(d.member_id for d in once) == ["keen", "m-0", "m-1", "m-2"]
    often = draw(SEED, entered, asked(("bag", 3, 5)), several_prizes=True).drawn
    assert len(often) == 8
    assert Counter(d.member_id for d in often)["keen"] > 1
    assert len({(d.member_id, d.entry_id, d.ticket) for d in often}) == 8


def test_places_stay_empty_when_nobody_is_left():
    assert draw(SEED, [], asked(("car", 1, 1))).drawn == ()
    assert len(draw(SEED, tickets(members=2), asked(("car", 5, 5))).drawn) == 2


@pytest.mark.parametrize("second", [Entered("m", "e", 1), Entered("m", "e", 2)])
def test_an_entry_twice_is_refused(second: Entered):
    with pytest.raises(ContestError, match="the entry e of the member m is there twice"):
        draw(SEED, [Entered("m", "e", 1), second], asked(("car", 1, 0)))


def test_ids_that_look_like_the_list_are_held_apart():
    """No character of a foreign id makes two members one, or an entry look like another."""
    strange = ['a","b', "a", 'a"', "a\\", 'a\\","b', "a\n", "[", ""]
    entered = [Entered(member, f'{n},1]\n["a"', 1) for n, member in enumerate(strange)]
    result = draw(SEED, entered, asked(("bag", 20, 0)))
    assert result.members == len(strange)
    assert sorted(d.member_id for d in result.drawn) == sorted(strange)


def test_a_list_that_is_not_sorted_or_holds_nothing_is_refused():
    lines = sorted(map(entry_line, tickets(members=3)))
    with pytest.raises(ContestError, match="not sorted"):
        draw_listed(SEED, lines[::-1], asked(("car", 1, 0)))
    with pytest.raises(ContestError, match="no ticket"):
        draw(SEED, [Entered("m", "e", 0)], asked(("car", 1, 0)))


# The table of winning moments -------------------------------------------------------------------------------------


def test_the_table_tells_how_many_prizes_wait_and_which_is_next():
    wanted = prizes(2, 3)
    moments = winning_moments(wanted, SEED, START, END)
    table = InstantWinTable.drawn(wanted, SEED, START, END)
    assert len(table) == 5
    assert table.opened(START - 1) == 0
    assert table.opened(END) == 5
    for index, moment in enumerate(moments):
        assert table.opened(moment.instant - 1) == index
        assert table.opened(moment.instant) == index + 1
        assert table.moment(index) == moment.instant
        assert table.prize(index) is wanted[moment.prize]
