"""Step 6 of the commit path: one member's new events become a new wallet and the ledger lines that lead to it.

An event newer than all the member has is applied to the stored wallet. Anything else (late, a return, a void) changes
history: the member is folded again from all of it, and the difference to the lines that stand is posted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from schemas.events.catalogue import Event
from services.engine.entries import Entry
from services.engine.fold import apply, fold, needs_refold
from services.engine.programme import Programme
from services.engine.wallet import Wallet
from services.ids import uuid7
from services.ledger.ports import Posting, Standing


def stays_in_order(wallet: Wallet, events: Sequence[Event]) -> bool:
    """Whether these events, in their order, can each be applied to the wallet as it stands."""
    if not events:
        return True
    if any(needs_refold(wallet, event) for event in events):
        return False
    return all(one.order < other.order for one, other in zip(events, events[1:], strict=False))


def apply_in_order(
    wallet: Wallet, events: Sequence[Event], programme: Programme, standing: Mapping[str, Standing]
) -> tuple[Wallet, list[Posting]]:
    """The wallet after events that are all newer than it; `standing` is needed only for a member once corrected."""
    postings: list[Posting] = []
    for event in events:
        outcome = apply(wallet, event, programme)
        wallet = outcome.wallet
        postings += [Posting(uuid7(), _next_turn(standing.get(entry.key)), entry) for entry in outcome.entries]
    return wallet, postings


def refold(
    member_id: str,
    history: Sequence[Event],
    programme: Programme,
    standing: Mapping[str, Standing],
    cause: str,
) -> tuple[Wallet, list[Posting]]:
    """The wallet as its whole history says, and the lines that bring the ledger there; `cause` is the event behind it."""
    outcome = fold(member_id, history, programme)
    return outcome.wallet, list(difference(outcome.entries, standing, cause))


def difference(entries: Iterable[Entry], standing: Mapping[str, Standing], cause: str) -> Iterable[Posting]:
    """What must be posted so that exactly `entries` stand: missing ones, and reversals of those no longer earned."""
    wanted = {entry.key: entry for entry in entries}
    for key, held in standing.items():
        if held.turn % 2 == 0 and not (key in wanted and _same(wanted[key], held.entry)):
            yield _reversal(held, cause)
            if key in wanted:
                yield Posting(uuid7(), held.turn + 2, wanted[key])
    for key, entry in wanted.items():
        held_or_none = standing.get(key)
        if held_or_none is None or held_or_none.turn % 2 == 1:
            yield Posting(uuid7(), _next_turn(held_or_none), entry)


def _next_turn(held: Standing | None) -> int:
    return 0 if held is None else held.turn + 1


def _reversal(held: Standing, cause: str) -> Posting:
    entry = held.entry
    swapped = replace(entry, debit=entry.credit, credit=entry.debit, cause=cause)
    return Posting(uuid7(), held.turn + 1, swapped, reverses=held.entry_id)


def _same(one: Entry, other: Entry) -> bool:
    """Whether two lines of one key move the same amount; which event crossed the line is no difference."""
    return (one.kind, one.unit, one.debit, one.credit, one.amount) == (
        other.kind,
        other.unit,
        other.debit,
        other.credit,
        other.amount,
    )
