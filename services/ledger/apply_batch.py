"""The commit path, steps 2 to 8 of docs/architecture.md: one micro-batch of one partition, one transaction.

A batch holds what the three co-partitioned topics brought for one partition number: a member's events of app, web and
till meet in it, and few of them are late.

Step 1 (take what is there) and step 9 (wake the relay, report the offset) are intake's, in streams/intake.py.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from schemas.events.catalogue import Event, same_content
from schemas.topics import shard_of
from services.engine.fold import needs_refold, place, refold
from services.engine.programme import Programme, compile_programme, with_versions
from services.engine.record import wallet_record
from services.engine.terms import ProgrammeTerms
from services.engine.wallet import Wallet
from services.ledger.decide import additions, apply_in_order, difference, may_repeat, stored_wallet
from services.ledger.ports import (
    Accepted,
    Decision,
    EventKey,
    Ledger,
    Position,
    Posting,
    Refused,
    SourceRecord,
    StoredState,
    Unit,
)
from services.ledger.validate import TimeWindow, validate
from services.metrics import REFOLDS

_CAUSES_MAX = 20
_REFOLDS_AT_ONCE = 20
"""Members whose histories are held at a time. Between two pages we speak to the database, whose lease on our locks
would otherwise end while we fold, and the loop lets the group hear from us."""


@dataclass(slots=True)
class BatchResult:
    """Where each topic continues, the shards that have something to publish, and what became of each record."""

    next_offsets: dict[str, int]
    shards: set[int] = field(default_factory=set)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(topic, outcome) → records; outcome: applied, duplicate, dead_letter, skipped (unknown type), replayed."""

    def count(self, outcome: str, records: Iterable[SourceRecord]) -> None:
        """These records ended so."""
        self.outcomes.update((record.topic, outcome) for record in records)


class BatchApplier:
    """Applies batches with the programme in force, which it compiles anew only when its revision has grown."""

    def __init__(
        self, ledger: Ledger, terms: ProgrammeTerms, window: TimeWindow, partitions: int, now: Callable[[], datetime]
    ) -> None:
        self._ledger = ledger
        self._terms = terms
        self._window = window
        self._partitions = partitions
        self._now = now
        self._programme: tuple[int, Programme] | None = None

    async def apply(self, partition: int, records: Sequence[SourceRecord]) -> BatchResult:
        """Every record of the batch is applied, absorbed or refused once this returns; TransientFault: none was.

        The records are of one partition number of the co-partitioned topics, each topic's in offset order.
        """
        now = self._now()
        # Step 2. Decode and validate, before anything is locked.
        checked = [(record, validate(record, now, self._window)) for record in records]
        async with self._ledger.unit() as unit:
            # Step 3. Lock the cursors; what lies below was applied by somebody before us.
            cursors, revision = await unit.lock_cursors(sorted({record.topic for record in records}), partition)
            fresh = [(record, outcome) for record, outcome in checked if record.offset >= cursors[record.topic]]
            result = BatchResult({**cursors, **{record.topic: record.offset + 1 for record, _ in fresh}})
            result.count("replayed", (record for record, _ in checked if record.offset < cursors[record.topic]))
            if not fresh:
                return result
            result.count("skipped", (record for record, outcome in fresh if outcome is None))
            # Step 4. Record what is new.
            accepted, refused = await self._record(unit, [outcome for _, outcome in fresh if outcome], now, result)
            # Steps 5 and 6. Lock the members' wallets; decide.
            programme = await self._current(unit, revision)
            decisions = await self._decide(unit, [a.event for a in accepted], programme, now)
            # Step 7. Write all of it, the cursors included.
            await unit.write(decisions, refused, Position(partition, result.next_offsets), now)
        # Step 8. Leaving the unit committed.
        result.count("applied", (a.record for a in accepted))
        result.count("dead_letter", (letter.record for letter in refused))
        result.shards = {decision.shard for decision in decisions}
        if refused:
            result.shards.add(partition)
        return result

    async def _record(
        self, unit: Unit, offered: Sequence[Accepted | Refused], now: datetime, result: BatchResult
    ) -> tuple[list[Accepted], list[Refused]]:
        """The events not seen before; and what is refused, ids used before for something else included."""
        refused = [candidate for candidate in offered if isinstance(candidate, Refused)]
        first: dict[EventKey, Accepted] = {}
        valid = [candidate for candidate in offered if isinstance(candidate, Accepted)]
        repeats = [candidate for candidate in valid if first.setdefault(_key(candidate), candidate) is not candidate]
        if not first:
            return [], refused
        shards = {a.event.member_id: shard_of(a.event.member_id, self._partitions) for a in first.values()}
        new = await unit.record_events(list(first.values()), shards, now)
        repeats += [candidate for key, candidate in first.items() if key not in new]
        conflicts = await self._conflicts(unit, repeats) if repeats else []
        conflicting = {id(letter.record) for letter in conflicts}
        result.count("duplicate", (a.record for a in repeats if id(a.record) not in conflicting))
        return [candidate for key, candidate in first.items() if key in new], refused + conflicts

    async def _conflicts(self, unit: Unit, repeats: list[Accepted]) -> list[Refused]:
        stored = await unit.stored_events(sorted({_key(a) for a in repeats}))
        return [
            Refused(a.record, "id_conflict", f"source and id {a.event.cause!r} were used before for other content")
            for a in repeats
            if not same_content(_as_stated(a), stored[_key(a)])
        ]

    async def _current(self, unit: Unit, revision: int) -> Programme:
        if self._programme is None or self._programme[0] != revision:
            self._programme = (revision, await self._compiled(unit, revision))
        return self._programme[1]

    async def _compiled(self, unit: Unit, revision: int) -> Programme:
        """The programme of a revision; where ours is older, from what was published since."""
        if self._programme is not None and self._programme[0] < revision:
            news = await unit.programme(since=self._programme[0])
            if not news.documents:  # the programme's terms are compiled into every promotion
                return with_versions(self._programme[1], news.promotions)
        published = await unit.programme()
        whole = compile_programme(published.promotions, self._terms, published.documents)
        # It lives long: a collection that looked through ten thousand promotions would stop us for a third of a second.
        gc.collect()
        gc.freeze()
        return whole

    async def _decide(self, unit: Unit, events: list[Event], programme: Programme, now: datetime) -> list[Decision]:
        by_member: dict[str, list[Event]] = {}
        for event in events:
            by_member.setdefault(event.member_id, []).append(event)
        if not by_member:
            return []
        for own in by_member.values():
            own.sort(key=place)
        shards = {member_id: shard_of(member_id, self._partitions) for member_id in by_member}
        rows = await unit.lock_wallets(shards)
        held = {member_id: stored_wallet(member_id, row) for member_id, row in rows.items()}
        outcomes = {
            m: None if wallet is None else apply_in_order(wallet, by_member[m], programme) for m, wallet in held.items()
        }
        late = [member_id for member_id, outcome in outcomes.items() if outcome is None]
        for start in range(0, len(late), _REFOLDS_AT_ONCE):
            histories = await unit.histories(late[start : start + _REFOLDS_AT_ONCE])
            for member_id, history in histories.items():
                outcomes[member_id] = refold(held[member_id] or Wallet.empty(member_id), history, programme)
        REFOLDS.inc(len(late))
        repeating = [m for m, outcome in outcomes.items() if outcome and any(map(may_repeat, outcome.entries))]
        looked_up = sorted({*late, *repeating, *(m for m, row in rows.items() if row.corrected)})
        standing = await unit.standing_entries(looked_up) if looked_up else {}
        refolded = set(late)
        decisions = []
        for member_id, own in by_member.items():
            outcome, stand = outcomes[member_id], standing.get(member_id, {})
            assert outcome is not None
            if member_id in refolded:
                postings = difference(outcome.entries, stand, _changer(held[member_id], own).cause)
            else:
                postings = additions(outcome.entries, stand)
            row, shard = rows[member_id], shards[member_id]
            decisions.append(_decision(member_id, shard, row, outcome.wallet, postings, own, now))
        return decisions


def _changer(wallet: Wallet | None, own: Sequence[Event]) -> Event:
    """The event behind a refold: the first that could not be applied to the wallet as it stood."""
    return next((event for event in own if wallet is not None and needs_refold(wallet, event)), own[0])


def _decision(
    member_id: str,
    shard: int,
    row: StoredState,
    wallet: Wallet,
    postings: list[Posting],
    own: list[Event],
    now: datetime,
) -> Decision:
    version = row.version + 1
    causes = [event.cause for event in own[-_CAUSES_MAX:]]
    occurred_at = own[-1].occurred_at
    record = wallet_record(wallet, version=version, as_of=now, caused_by=causes, occurred_at=occurred_at)
    corrected = row.corrected or any(posting.reverses for posting in postings)
    return Decision(member_id, shard, version, wallet, record, occurred_at, corrected, postings)


def _key(accepted: Accepted) -> EventKey:
    return (accepted.event.source, accepted.event.id)


def _as_stated(accepted: Accepted) -> Event:
    return replace(accepted.event, occurred_at=accepted.stated_at) if accepted.stated_at else accepted.event
