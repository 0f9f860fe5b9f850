"""Step 6 of the commit path: one member's new events become a new wallet and the ledger lines that lead to it.

An event newer than all the member has is applied to the stored wallet. Anything else (late, a return, a void) changes
history: the member is folded again from all of it, and the difference to the lines that stand is posted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from schemas.events.catalogue import Event
from services.engine.entries import Entry
from services.engine.fold import Outcome, apply, needs_refold
from services.engine.programme import Programme
from services.engine.wallet import UnknownFormat, Wallet
from services.ids import uuid7
from services.ledger.ports import Posting, Standing, StoredState


def stored_wallet(member_id: str, row: StoredState) -> Wallet | None:
    """The wallet as it was left; None when another version of the engine wrote it, so that only a refold can tell."""
    if row.state is None:
        return Wallet.empty(member_id)
    try:
        return Wallet.from_json(row.state)
    except UnknownFormat:
        return None


def apply_in_order(wallet: Wallet, events: Sequence[Event], programme: Programme) -> Outcome | None:
    """The outcome of events that are each newer than the wallet; None where one of them asks for a refold."""
    entries: list[Entry] = []
    for event in events:
        if needs_refold(wallet, event):
            return None
        outcome = apply(wallet, event, programme)
        wallet = outcome.wallet
        entries += outcome.entries
    return Outcome(wallet, entries)


def additions(entries: Iterable[Entry], standing: Mapping[str, Standing]) -> list[Posting]:
    """The lines to post: one a key, none for a key that stands, the next turn for one that was taken back."""
    once = {entry.key: entry for entry in entries}
    return [
        Posting(uuid7(), _next_turn(held), entry)
        for key, entry in once.items()
        if (held := standing.get(key)) is None or held.turn % 2 == 1
    ]


def may_repeat(entry: Entry) -> bool:
    """Whether a foreign id numbers this line, so that another event may bring its key again.

    A till uploads one operation under two event ids; a campaign issues an offer id anew once its window has closed.
    """
    issued = entry.offer_id is not None and entry.offer_id != entry.promotion_id
    return issued or entry.kind in ("coupon.redeemed", "coupon.conflict")


def difference(entries: Iterable[Entry], standing: Mapping[str, Standing], cause: str) -> list[Posting]:
    """What must be posted so that exactly `entries` stand: reversals of those no longer earned, and missing ones.

    Entries of one key are the same line (kind, accounts and amount are part of the key), so keys alone decide. `cause`
    is the event that changed history.
    """
    wanted = {entry.key: entry for entry in entries}
    reversals = [_reversal(held, cause) for key, held in standing.items() if held.turn % 2 == 0 and key not in wanted]
    return reversals + additions(wanted.values(), standing)


def _next_turn(held: Standing | None) -> int:
    return 0 if held is None else held.turn + 1


def _reversal(held: Standing, cause: str) -> Posting:
    entry = held.entry
    swapped = replace(entry, debit=entry.credit, credit=entry.debit, cause=cause)
    return Posting(uuid7(), held.turn + 1, swapped, reverses=held.entry_id)
