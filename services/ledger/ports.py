"""What the use cases need from the outside; services.store implements it on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from schemas.events.catalogue import Event
from services.engine.entries import Entry
from services.engine.programme import PromotionVersion
from services.engine.terms import ProgrammeVersion
from services.engine.wallet import Wallet

EventKey = tuple[str, str]
"""(source, id): identifies an event for ever."""


class TransientFault(Exception):
    """The store is away or asks for another try; nothing of the unit was kept. All else is a bug and must crash."""


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One Kafka record as intake hands it over."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A valid event with its original data; `stated_at` is set where a future time was held to the recording."""

    record: SourceRecord
    event: Event
    data: bytes
    stated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that becomes a dead letter, and why."""

    record: SourceRecord
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class StoredState:
    """A member's row under our lock: `state` is None before the first event."""

    version: int
    state: bytes | None
    corrected: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest turn of one entry key: an even turn stands, an odd one was taken back."""

    entry_id: str
    turn: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Posting:
    """One line to append to the ledger."""

    entry_id: str
    turn: int
    entry: Entry
    reverses: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a batch decided for one member: the new wallet, its record, and the lines that lead there."""

    member_id: str
    shard: int
    version: int
    wallet: Wallet
    record: bytes
    occurred_at: datetime
    corrected: bool
    postings: Sequence[Posting]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a partition continues: the next offset on each topic that the batch read."""

    partition: int
    next_offsets: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Published:
    """Published versions: of promotions, and of the programme document that holds for all of them."""

    promotions: Sequence[PromotionVersion] = ()
    documents: Sequence[ProgrammeVersion] = ()


class Unit(Protocol):
    """One database transaction over one micro-batch; leaving it normally commits, an exception keeps nothing."""

    async def lock_cursors(self, topics: Sequence[str], partition: int) -> tuple[dict[str, int], int]:
        """(topic → next offset, programme revision); cursors and programme stay locked until the unit ends."""
        ...

    async def programme(self, since: int | None = None) -> Published:
        """All versions of the promotions that were published after a revision, and those of the programme document if
        it was; None: of everything."""
        ...

    async def record_events(
        self, accepted: Sequence[Accepted], shards: Mapping[str, int], now: datetime
    ) -> set[EventKey]:
        """Keep the events not seen before and return their keys."""
        ...

    async def stored_events(self, keys: Sequence[EventKey]) -> dict[EventKey, Event]:
        """These events as they were first stated."""
        ...

    async def lock_wallets(self, shards: Mapping[str, int]) -> dict[str, StoredState]:
        """Lock the members' wallets in member order, making those that are missing."""
        ...

    async def histories(self, member_ids: Sequence[str]) -> dict[str, list[Event]]:
        """Every recorded event of the members, this unit's included."""
        ...

    async def standing_entries(self, member_ids: Sequence[str]) -> dict[str, dict[str, Standing]]:
        """The newest turn of every entry key of the members."""
        ...

    async def write(
        self, decisions: Sequence[Decision], refused: Sequence[Refused], position: Position, now: datetime
    ) -> None:
        """Write wallets, entries, coupons and dead letters, mark each in the outbox, and move the cursors."""
        ...


class Ledger(Protocol):
    """Opens units."""

    def unit(self) -> AbstractAsyncContextManager[Unit]:
        """A new transaction; raises TransientFault where another try may succeed."""
        ...
