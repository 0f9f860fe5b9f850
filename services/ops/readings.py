"""What one look at Kafka and at the books found. Plain values: everything that judges them is a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from schemas.api.sync import TouchpointReport


@dataclass(frozen=True, slots=True)
class PartitionReading:
    """Where one consumer group stands on one partition. Offsets are of the next record, as Kafka counts them.

    `committed` is what Kafka was told, `cursor` what the books hold (workers only): the cursor decides, Kafka's number
    is reported about once a second and never ahead. `record_at` is the timestamp of the record at the position.
    """

    topic: str
    partition: int
    log_start: int
    log_end: int
    committed: int | None = None
    cursor: int | None = None
    moved_at: datetime | None = None
    record_at: datetime | None = None
    owner: str | None = None

    @property
    def position(self) -> int | None:
        """The next offset to be applied: the books' where known, else Kafka's; None before the first commit."""
        return self.committed if self.cursor is None else self.cursor

    @property
    def lag(self) -> int:
        """Records still to be read: those that expired before they were read are not among them."""
        return max(0, self.log_end - max(self.position or 0, self.log_start))

    @property
    def expired(self) -> int:
        """Records that left the log before a group that had begun read them; 0 when all is well."""
        return max(0, self.log_start - self.position) if self.position else 0

    @property
    def beyond(self) -> int:
        """How far the position lies beyond the end of the log: another cluster's books, or a topic made anew."""
        return max(0, (self.position or 0) - self.log_end)


@dataclass(frozen=True, slots=True)
class GroupReading:
    """One consumer group: Kafka's state of it (Stable, Empty, PreparingRebalance …), members and partitions."""

    group: str
    state: str
    members: int
    partitions: tuple[PartitionReading, ...]

    @property
    def settled(self) -> bool:
        """Whether owners are what they are: false while members and partitions are being rearranged."""
        return not self.state.endswith("Rebalance")


@dataclass(frozen=True, slots=True)
class KafkaReading:
    """All groups that read our topics, and the start and end of every partition."""

    groups: tuple[GroupReading, ...]
    logs: Mapping[tuple[str, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class TouchpointReading:
    """A touchpoint's own newest report, and when it reached us."""

    report: TouchpointReport
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class BooksReading:
    """What the books say: totals that an up-to-date touchpoint reports too, what waits, what was refused.

    `relays` are the shards whose relay lock some worker holds, of `shards` there are.
    """

    members: int
    versions_total: int
    outbox_depth: int
    outbox_age_s: float
    relays: frozenset[int]
    dead_letters: Mapping[str, int]
    touchpoints: tuple[TouchpointReading, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at everything at one moment; None, with the reason, for what did not answer."""

    at: datetime
    kafka: KafkaReading | None
    books: BooksReading | None
    kafka_error: str = ""
    books_error: str = ""
