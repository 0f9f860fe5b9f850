"""Shared limits of a simulation, member after member, against every event of all members one by one in time."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from schemas.envelope import CloudEvent
from schemas.events.catalogue import Event, decode
from schemas.promotions.loading import load_promotion
from services.engine.calendar.moments import micros
from services.engine.fold import apply
from services.engine.programme import PromotionVersion, compile_programme
from services.engine.rewarding.grants import Claim, Granted
from services.engine.simulation import ALWAYS
from services.engine.terms import ProgrammeTerms
from services.engine.wallet import Wallet
from services.simulation import folding
from services.simulation.allot import fitting
from services.simulation.folding import PASSES_MAX, Folded, Plan, Result, fold_heap
from services.simulation.heap import EventHeap

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
TERMS = ProgrammeTerms(b"secret", "Europe/Rome", "EUR")

GOALS = ("", "goal: {visits: 2, repeat: true}", "goal: {spend: 30.00 EUR, repeat: true, carry_over: true}")
REWARDS = ("{points: 10}", "{points: {per: 1.00 EUR, earn: 1}}", "{gift: {item: mug, stock: 7, valid_for: 30d}}")
SHARED = (
    "total: {times: 6}",
    "total: {points: 95, every: week}",
    "per_store: {times: 2, every: week}",
    "per_household: {times: 1, every: day}",
    "budget: {pieces: 5}",
    "budget: {points: 104, last: partial}",
    "budget: {points: 104}",
)


class Till:
    """The books as they would stand if everything happened one after the other."""

    def __init__(self) -> None:
        self.given: Counter[object] = Counter()
        self.answers: dict[tuple[object, str, str], Granted] = {}

    def take(self, claim: Claim) -> Granted:
        key = (claim.pool, claim.member_id, claim.mark)
        if key not in self.answers:
            before = self.given[claim.pool]
            amount = fitting(claim.amount, claim.capacity, before, partial=claim.partial)
            self.answers[key] = Granted(amount, before)
            self.given[claim.pool] += amount
        return self.answers[key]

    def release(self, claim: Claim) -> None:
        self.given[claim.pool] -= self.answers.pop((claim.pool, claim.member_id, claim.mark)).amount


def promotions(chance: random.Random) -> list[PromotionVersion]:
    """One or two promotions with something that all members share; points of one event only without a goal."""
    found = []
    for number in range(chance.randint(1, 2)):
        goal = chance.choice(GOALS)
        reward = chance.choice(REWARDS[::2] if goal else REWARDS)
        limits = dict(limit.split(": ", 1) for limit in chance.sample(SHARED, chance.randint(1, 2)))
        told = ", ".join(f"{name}: {limit}" for name, limit in limits.items())
        text = f"promotion: p{number}\ntitle: {{en: P}}\n{goal}\nreward: {reward}\nlimits: {{{told}}}\n"
        loaded = load_promotion(text, "p.yaml")
        assert loaded.promotion is not None, loaded.problems
        found.append(PromotionVersion(loaded.promotion, 1, ALWAYS))
    return found


def orders(chance: random.Random) -> list[CloudEvent]:
    """Orders of eight members over three weeks, no two at one instant."""
    hours = chance.sample(range(24 * 21), chance.randint(5, 40))
    return [_order(number, hour, chance) for number, hour in enumerate(hours)]


def _order(number: int, hour: int, chance: random.Random) -> CloudEvent:
    total, member = chance.randint(500, 3000), f"m{chance.randrange(8)}"
    data = (
        f'{{"order_id":"o{number}","member_id":"{member}","channel":"pos","store_id":"{chance.randrange(3)}",'
        f'"currency":"EUR","total":{total},'
        f'"lines":[{{"line_no":1,"sku":"s","quantity":1,"amount":{total}}}]}}'
    )
    at = START + timedelta(hours=hour)
    return CloudEvent(f"e{number}", "/s", "unisono.order.completed.v1", at, member, data.encode())


class Given:
    """A listener that keeps the journal of the last pass."""

    def __init__(self) -> None:
        self.journal = b""

    def begin(self, number: int, *, whole: bool) -> None:
        assert number <= PASSES_MAX
        if whole:
            self.journal = b""

    def folded(self, folded: Folded) -> None:
        self.journal += folded.journal


def simulated(versions: list[PromotionVersion], envelopes: list[CloudEvent], folder: Path) -> tuple[Result, bytes]:
    listener = Given()
    with EventHeap() as heap:
        heap.take([(e.subject or "", e.source, e.id, e.type, micros(e.time), e.data or b"") for e in envelopes])
        plan = Plan(tuple(versions), TERMS, journal=True)
        return fold_heap(heap, plan, folder, 1, listener), listener.journal


def one_by_one(versions: list[PromotionVersion], events: list[Event]) -> Counter[tuple[str, str]]:
    programme = compile_programme(versions, TERMS)
    wallets: dict[str, Wallet] = {}
    till = Till()
    given: Counter[tuple[str, str]] = Counter()
    for event in sorted(events, key=lambda event: event.occurred_at):
        wallet = wallets.get(event.member_id) or Wallet.empty(event.member_id)
        outcome = apply(wallet, event, programme, grants=till)
        wallets[event.member_id] = outcome.wallet
        for entry in outcome.entries:
            given[event.cause, entry.kind] += entry.amount
    return given


@pytest.mark.parametrize("seed", range(100))
def test_a_simulation_grants_as_if_everything_happened_one_by_one(seed: int, tmp_path: Path):
    chance = random.Random(seed)
    versions, envelopes = promotions(chance), orders(chance)
    result, journal = simulated(versions, envelopes, tmp_path)
    expected = one_by_one(versions, list(map(decode, envelopes)))
    given: Counter[tuple[str, str]] = Counter()
    for line in map(orjson.loads, journal.splitlines()):
        given[line["caused_by"], line["type"].removeprefix("unisono.").removesuffix(".v1")] += line["amount"]
    assert result.settled
    assert given == expected


def test_a_binding_pass_never_overdraws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Cut short after the second pass, which then grants from what is left: some cases do not settle, none is wrong."""
    monkeypatch.setattr(folding, "PASSES_MAX", 2)
    limits = "limits: {total: {times: 6}, per_store: {times: 2, every: week}, budget: {points: 50}}"
    goal = "goal: {spend: 30.00 EUR, repeat: true}"
    loaded = load_promotion(f"promotion: p\ntitle: {{en: P}}\n{goal}\nreward: {{points: 10}}\n{limits}\n", "p.yaml")
    assert loaded.promotion is not None
    settled = set()
    for seed in range(60):
        versions = [PromotionVersion(loaded.promotion, 1, ALWAYS)]
        result, journal = simulated(versions, orders(random.Random(seed)), _made(tmp_path / str(seed)))
        entries = map(orjson.loads, journal.splitlines())
        given = [entry["amount"] for entry in entries if entry["type"] == "unisono.points.earned.v1"]
        assert sum(given) == result.tally.total().points["base"] <= 50
        settled.add(result.settled)
    assert settled == {True, False}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
