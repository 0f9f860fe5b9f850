"""How property tests run the engine: arriving events, a programme without an index, the sums of a ledger."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, settings

from schemas.events.catalogue import Event
from services.engine.entries import Entry
from services.engine.fold import apply, needs_refold, refold
from services.engine.occasion import Occasion
from services.engine.programme import Compiled, Programme
from services.engine.wallet import Wallet
from tests.property.programmes import MEMBER

EXAMPLES = int(os.environ.get("UNISONO_EXAMPLES", "60"))
_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=_SLOW, print_blob=True)
"""Raise UNISONO_EXAMPLES for more cases, e.g. 10000."""
fewer = settings(many, max_examples=max(1, EXAMPLES // 2))
"""For what costs more, or says less."""


def arrive(stream: Iterable[Event], programme: Programme) -> tuple[Wallet, Counter[str]]:
    """What the live path does: each event once, applied or refolded, entries kept by the difference of their keys."""
    wallet, posted = Wallet.empty(MEMBER), Counter[str]()
    history: dict[tuple[str, str], Event] = {}
    for event in stream:
        if (event.source, event.id) in history:
            continue
        history[event.source, event.id] = event
        if needs_refold(wallet, event):
            outcome = refold(wallet, history.values(), programme)
            posted = Counter(entry.key for entry in outcome.entries)
        else:
            before = wallet.to_json()
            outcome = apply(wallet, event, programme)
            assert wallet.to_json() == before, "apply changed the wallet it was given"
            posted.update(entry.key for entry in outcome.entries)
        wallet = Wallet.from_json(outcome.wallet.to_json())
        assert wallet == outcome.wallet
    return wallet, posted


@dataclass(slots=True)
class _Everyone:
    """In place of the index: all promotions open to everyone that the trigger starts."""

    versions: list[Compiled]

    def find(self, occasion: Occasion) -> Iterator[Compiled]:
        return (each for each in self.versions if occasion.trigger in each.triggers)


def without_index(programme: Programme) -> Programme:
    """The same programme, in which every promotion looks at every event that starts it."""
    open_ = [each for series in programme.versions.values() for each in series if not each.by_offer]
    return replace(programme, index=_Everyone(open_))  # type: ignore[arg-type]


def keys(entries: Iterable[Entry]) -> list[str]:
    return [entry.key for entry in entries]


def line_of(entry: Entry) -> tuple[object, ...]:
    """What two entries of one key have in common."""
    return entry.kind, entry.unit, entry.debit, entry.credit, entry.amount


def balances(entries: Iterable[Entry]) -> Counter[tuple[str, str]]:
    """What each account holds in each unit after these entries."""
    held = Counter[tuple[str, str]]()
    for entry in entries:
        held[entry.credit, entry.unit] += entry.amount
        held[entry.debit, entry.unit] -= entry.amount
    return held
