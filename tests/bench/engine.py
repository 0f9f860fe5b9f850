"""B4: what an event costs against the number of promotions, with the same five that match it.

Brute force is the same compiled conditions of every promotion, tested one after the other. Both are measured in turn,
round by round, in one process; figures are medians over the rounds, in microseconds of processor time, which a busy
machine disturbs less than the clock. A row shows decode + match + apply + encode, and brute force against match and
the conditions of what was found.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import process_time
from typing import TypeVar

from schemas.envelope import from_kafka, to_kafka
from schemas.events.catalogue import Event, decode
from services.engine.calendar.moments import micros
from services.engine.fold import apply
from services.engine.occasion import Desk, Occasion
from services.engine.programme import Compiled, Programme, PromotionVersion, with_versions
from services.engine.record import wallet_record
from services.engine.rewarding.grants import UNLIMITED
from services.engine.wallet import Wallet
from tests.bench.measure import Row
from tests.bench.populations import ALWAYS, MATCHES, NOW, POPULATIONS, order, programme, promotion, typical, versions

COUNTS = (10, 100, 1_000, 10_000)
ROUNDS = 7
_EVENTS = 200
_TESTED = 20_000
"""Brute force tests so many promotions a round, or one event's."""

Thing = TypeVar("Thing")
_Raw = tuple[list[tuple[str, bytes]], bytes | None]


@dataclass(slots=True)
class Split:
    """Microseconds an event, one figure a round; and how many candidates the index found."""

    decode: list[float] = field(default_factory=list)
    match: list[float] = field(default_factory=list)
    brute: list[float] = field(default_factory=list)
    conditions: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    encode: list[float] = field(default_factory=list)
    read: list[float] = field(default_factory=list)
    candidates: float = 0

    def as_json(self) -> dict[str, float]:
        """Medians, and the ratio of the medians of both ways to find what matches."""
        middle = {name: median(getattr(self, name)) for name in self.__slots__ if name != "candidates"}
        ratio = middle["brute"] / (middle["match"] + middle["conditions"])
        figures = {name: round(value, 1) for name, value in middle.items()}
        return {**figures, "candidates": round(self.candidates, 1), "brute_ratio": round(ratio, 1)}


def engine(counts: Sequence[int] = COUNTS, rounds: int = ROUNDS) -> tuple[list[Row], dict[str, object]]:
    """All populations in all sizes, and what a changed document costs among the most."""
    raw = [to_kafka(order(number)) for number in range(_EVENTS)]
    figures: dict[str, object] = {}
    rows: list[Row] = []
    for population in POPULATIONS:
        published = versions(population, max(counts))
        programmes = {count: programme(published[:count]) for count in counts}
        splits = {count: Split() for count in counts}
        gc.collect()
        gc.freeze()  # as the worker does not: so that a collection never falls into a measured loop
        for _ in range(rounds):
            for count, made in programmes.items():
                _round(made, raw, splits[count])
        changed = [_change(programmes[max(counts)], population, number) for number in range(rounds)]
        gc.unfreeze()
        rows += _rows(population, splits, median(changed))
        told = {str(count): split.as_json() for count, split in splits.items()}
        figures[population] = {**told, "one_changed_ms": round(median(changed), 1)}
    return rows, figures


def _round(made: Programme, raw: Sequence[_Raw], split: Split) -> None:
    wallet = typical()
    events = [decode(from_kafka(*each)) for each in raw]
    occasions = [_occasion(made, wallet, event) for event in events]
    everyone = [c for series in made.versions.values() for c in series]
    few = occasions[: max(1, _TESTED // len(everyone))]
    found = [list(made.index.find(occasion)) for occasion in occasions]
    matching = [_by_conditions(occasion, some) for occasion, some in zip(occasions, found, strict=True)]
    assert all(len(some) == MATCHES for some in matching), "the population is not what it says"
    assert [_by_brute(occasion, everyone) for occasion in few] == [_sorted(some) for some in matching[: len(few)]]
    split.candidates = sum([len(some) for some in found]) / len(found)
    pairs = list(zip(occasions, found, strict=True))
    split.decode.append(_each(lambda each: decode(from_kafka(*each)), raw))
    split.match.append(_each(lambda occasion: list(made.index.find(occasion)), occasions))
    split.brute.append(_each(lambda occasion: _by_brute(occasion, everyone), few))
    split.conditions.append(_each(lambda pair: _by_conditions(*pair), pairs))
    after: list[Wallet] = []

    def take(event: Event) -> None:
        after.append(apply(after[-1] if after else wallet, event, made).wallet)

    split.whole.append(_each(take, events))
    split.encode.append(_each(_encode, after))
    states = [each.to_json() for each in after]
    split.read.append(_each(Wallet.from_json, states))


def _encode(wallet: Wallet) -> None:
    wallet.to_json()
    wallet_record(wallet, version=7, as_of=NOW, caused_by=["/stores/17/tills/3 o1"], occurred_at=NOW)


def _occasion(made: Programme, wallet: Wallet, event: Event) -> Occasion:
    desk = Desk(made, UNLIMITED, [])
    at = event.occurred_at
    return Occasion(wallet.draft(), desk, "order.completed", event.cause, at, micros(at), event.data)


def _by_conditions(occasion: Occasion, candidates: Sequence[Compiled]) -> list[Compiled]:
    return [compiled for compiled in candidates if _holds(compiled, occasion)]


def _by_brute(occasion: Occasion, everyone: Sequence[Compiled]) -> list[Compiled]:
    return _sorted(
        [c for c in everyone if c.in_force(occasion.instant) and occasion.trigger in c.triggers and _holds(c, occasion)]
    )


def _holds(compiled: Compiled, occasion: Occasion) -> bool:
    occasion.places = None
    for condition in compiled.conditions:  # noqa: SIM110  as the engine does
        if not condition.holds(occasion):
            return False
    return True


def _sorted(some: Sequence[Compiled]) -> list[Compiled]:
    return sorted(some, key=lambda c: c.promotion_id)


def _each(do: Callable[[Thing], object], things: Sequence[Thing]) -> float:
    """Microseconds for each of them."""
    began = process_time()
    for thing in things:
        do(thing)
    return (process_time() - began) / len(things) * 1e6


def _change(made: Programme, population: str, number: int) -> float:
    """Milliseconds until one changed document has decided an event."""
    event = decode(from_kafka(*to_kafka(order(number))))
    old = promotion(population, MATCHES - 1)
    title = {"en": f"Changed {number}"}
    news = [
        PromotionVersion(old, 1, ALWAYS),
        PromotionVersion(old.model_copy(update={"title": title}), 2, event.occurred_at),
    ]
    wallet = typical()
    began = process_time()
    outcome = apply(wallet, event, with_versions(made, news))
    took = process_time() - began
    assert outcome.wallet.pursuits[old.promotion].title == f'{{"en":"{title["en"]}"}}'
    return took * 1e3


def _rows(population: str, splits: dict[int, Split], changed_ms: float) -> list[Row]:
    rows = []
    for count, split in splits.items():
        told = split.as_json()
        rest = told["whole"] - told["match"]
        parts = f"{told['decode']:.0f} + {told['match']:.0f} + {rest:.0f} + {told['encode']:.0f}"
        rows.append(Row("B4", f"{population} {count:,}", f"{parts} µs, {told['brute_ratio']:,.1f}×"))
    if 1_000 in splits:
        whole = median(splits[1_000].whole)
        rows.append(Row("B4", f"{population} 1,000: ten lines decided", f"{whole:.0f} µs", "≤ 150 µs", whole <= 150))
    if {1_000, 10_000} <= splits.keys():
        grown = median(splits[10_000].match) / median(splits[1_000].match)
        rows.append(Row("B4", f"{population}: match(10,000) ÷ (1,000)", f"{grown:.1f}", "≤ 4", grown <= 4))
        what = f"{population}: one changed of {max(splits):,} decides"
        rows.append(Row("B4", what, f"{changed_ms:.1f} ms", "< 50 ms", changed_ms < 50))
    return rows
