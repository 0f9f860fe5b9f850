"""The newest wallet of every member, and in which order they changed: what a reader of `loyalty.wallets` remembers."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from schemas.envelope import EnvelopeError, parse_time

_STALE_MIN = 1024
"""Stale entries a partition's order may hold before it is rewritten, beside one for each live entry."""


@dataclass(frozen=True, slots=True)
class FeedWallet:
    """One member's wallet as read from the topic; `record` is the WalletRecord's JSON, None once the member is erased.

    `offset` grows with every change of a member and is comparable within a partition of one epoch.
    """

    member_id: str
    version: int
    record: bytes | None
    occurred_at: datetime
    recorded_at: datetime
    partition: int
    offset: int


class InvalidRecord(ValueError):
    """A record on the topic is no wallet; the sentence says why."""


class Rewound(Exception):
    """A partition gave an offset below one already read: the topic was made anew, what we hold is another's."""


def read_record(
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes]],
    timestamp_ms: int,
) -> FeedWallet:
    """A Kafka record as a wallet; a tombstone has version 0 (its index knows better). Raises InvalidRecord."""
    if key is None:
        raise InvalidRecord("the record has no key")
    try:
        member_id = key.decode()
        named = {name: raw.decode() for name, raw in headers if name in ("ce_time", "ce_recordedtime")}
        written = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
        occurred_at = parse_time(named["ce_time"]) if "ce_time" in named else written
        recorded_at = parse_time(named["ce_recordedtime"]) if "ce_recordedtime" in named else written
        version = 0 if value is None else _version(value)
    except (UnicodeDecodeError, EnvelopeError, orjson.JSONDecodeError) as error:
        raise InvalidRecord(str(error)) from None
    if value is not None and (b"\n" in value or b"\r" in value):
        # A raw line break is legal between JSON tokens only, and would end a line of an event stream or of ndjson.
        value = value.replace(b"\r", b" ").replace(b"\n", b" ")
    return FeedWallet(member_id, version, value, occurred_at, recorded_at, partition, offset)


def _version(value: bytes) -> int:
    wallet = orjson.loads(value)
    version = wallet.get("version") if isinstance(wallet, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InvalidRecord("the value has no version")
    return version


class WalletIndex:
    """Newest wallet per member, with the order of changes per partition; versions of a member only ever grow.

    There are no queues of readers: who wants the changes since some positions asks `changes_since`, and finds each
    member once, however often it changed. Memory beside the records is about 200 bytes a member.
    """

    def __init__(self, positions: Sequence[int]) -> None:
        self.positions = list(positions)
        """Per partition the offset of the next record to read."""
        self.ignored = 0
        """Records ignored because the member's version was newer already."""
        self.members = 0
        self._newest: dict[str, FeedWallet] = {}
        self._orders = [_Order() for _ in positions]

    def apply(self, wallet: FeedWallet) -> FeedWallet | None:
        """Take one record in; what is now newest, or None when it was older than what is held. Raises Rewound."""
        partition = wallet.partition
        if wallet.offset < self.positions[partition]:
            raise Rewound(f"partition {partition} gave offset {wallet.offset} after {self.positions[partition] - 1}")
        self.positions[partition] = wallet.offset + 1
        held = self._newest.get(wallet.member_id)
        if wallet.record is None:
            # A tombstone keeps the version it ended, so that an older record arriving after it stays dead.
            wallet = _erased(wallet, held.version if held else 0)
        elif held is not None and wallet.version <= held.version:
            self.ignored += 1
            return None
        self.members += (wallet.record is not None) - (held is not None and held.record is not None)
        self._newest[wallet.member_id] = wallet
        self._orders[partition].append(wallet.offset, wallet.member_id)
        self._orders[partition].tidy(self._newest, partition)
        return wallet

    def skip_to(self, partition: int, position: int) -> None:
        """Everything below this offset has been read, though no record came (control records, compacted holes)."""
        self.positions[partition] = max(self.positions[partition], position)

    def get(self, member_id: str) -> FeedWallet | None:
        """The newest record of a member, a tombstone included; None for one never seen."""
        return self._newest.get(member_id)

    def live(self) -> list[FeedWallet]:
        """Every wallet that is not erased."""
        return [wallet for wallet in self._newest.values() if wallet.record is not None]

    def changes_since(self, positions: Sequence[int], changes_max: int) -> tuple[list[FeedWallet], list[int]]:
        """(newest records of members that changed since, at most so many; the positions reached by reading them)."""
        changes: list[FeedWallet] = []
        reached = list(positions)
        for partition, order in enumerate(self._orders):
            for offset, member_id in order.since(positions[partition]):
                if len(changes) == changes_max:
                    return changes, reached
                reached[partition] = offset + 1
                newest = self._newest[member_id]
                if newest.offset == offset:
                    changes.append(newest)
            reached[partition] = max(reached[partition], self.positions[partition])
        return changes, reached


def _erased(tombstone: FeedWallet, version: int) -> FeedWallet:
    return FeedWallet(
        tombstone.member_id,
        version,
        None,
        tombstone.occurred_at,
        tombstone.recorded_at,
        tombstone.partition,
        tombstone.offset,
    )


class _Order:
    """Offsets of one partition in the order they came, each with its member; entries of older offsets are stale."""

    __slots__ = ("_members", "_next_tidy", "_offsets")

    def __init__(self) -> None:
        self._offsets = array("q")
        self._members: list[str] = []
        self._next_tidy = _STALE_MIN

    def append(self, offset: int, member_id: str) -> None:
        self._offsets.append(offset)
        self._members.append(member_id)

    def since(self, position: int) -> Iterator[tuple[int, str]]:
        """Entries at and after an offset, oldest first."""
        for at in range(bisect_left(self._offsets, position), len(self._offsets)):
            yield self._offsets[at], self._members[at]

    def tidy(self, newest: dict[str, FeedWallet], partition: int) -> None:
        """Drop stale entries once they may outnumber the live ones: constant time an append, all told."""
        if len(self._offsets) < self._next_tidy:
            return
        kept = [
            (offset, member_id)
            for offset, member_id in zip(self._offsets, self._members, strict=True)
            if (held := newest[member_id]).offset == offset and held.partition == partition
        ]
        self._offsets = array("q", [offset for offset, _ in kept])
        self._members = [member_id for _, member_id in kept]
        self._next_tidy = 2 * len(kept) + _STALE_MIN
