"""A live copy of `loyalty.wallets` in memory, for every process that shows wallets.

It reads all partitions from the beginning without a consumer group (nothing to commit, no rebalance to wait for), keeps
each member's newest record as bytes, and wakes who waits for a member, or for any. When Kafka is away it says so
(`connected`) and keeps trying; when the topic was made anew it reads it anew and its `epoch` changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Self

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.topics import WALLETS
from services.clock import monotonic
from services.sync.backoff import Backoff
from services.sync.index import FeedWallet, InvalidRecord, Rewound, WalletIndex, read_record
from services.sync.signals import Signal

log = structlog.get_logger(__name__)

_POLL_MS = 1000
_PROBE_S = 1.0
_PROBE_TIMEOUT_S = 3.0
_SLICE = 500
"""Records applied before other tasks get their turn."""
CHANGES_MAX = 500

_LOST = (KafkaError, OSError, TimeoutError, Rewound)


class WalletFeed:
    """An async context manager; entering starts reading in the background and never waits for Kafka."""

    def __init__(self, brokers: str, *, topic: str = WALLETS) -> None:
        self._brokers = brokers
        self._topic = topic
        self._index = WalletIndex([])
        self._caught_up = asyncio.Event()
        self._by_member: dict[str, set[MemberSubscription]] = {}
        self._of_all: set[AllSubscription] = set()
        self._reading: asyncio.Task[None] | None = None
        self.connected = False
        """Whether the broker answered within the last seconds."""
        self.epoch = ""
        """Names the log that is read: cluster, topic and partition count; empty until first caught up."""
        self.invalid = 0
        """Records on the topic that were no wallets."""

    async def __aenter__(self) -> Self:
        self._reading = asyncio.create_task(self._read_for_ever(), name="wallet-feed")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_subscriptions()
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading

    async def caught_up(self) -> None:
        """Returns once everything that was on the topic when reading began has been read."""
        await self._caught_up.wait()

    @property
    def is_caught_up(self) -> bool:
        """Whether the feed has been complete once; it stays so while Kafka is away."""
        return self._caught_up.is_set()

    @property
    def positions(self) -> list[int]:
        """Per partition the offset of the next record to read."""
        return list(self._index.positions)

    @property
    def members(self) -> int:
        """Members with a wallet."""
        return self._index.members

    @property
    def ignored(self) -> int:
        """Records ignored because the member's version was newer already."""
        return self._index.ignored

    def get(self, member_id: str) -> FeedWallet | None:
        """The member's newest wallet; None for one never seen or erased."""
        wallet = self._index.get(member_id)
        return wallet if wallet is not None and wallet.record is not None else None

    def wallets(self) -> list[FeedWallet]:
        """The newest wallet of every member not erased."""
        return self._index.live()

    def changes_since(
        self, positions: Sequence[int], changes_max: int = CHANGES_MAX
    ) -> tuple[list[FeedWallet], list[int]]:
        """(members changed since these positions, each once and newest, tombstones included; positions reached)."""
        return self._index.changes_since(positions, changes_max)

    def subscribe(self, member_id: str, *, after_version: int = 0) -> MemberSubscription:
        """A source for one member, to enter as a context: first what is held now, then each newest version."""
        return MemberSubscription(self, member_id, after_version)

    def subscribe_all(self, positions: Sequence[int] | None = None) -> AllSubscription:
        """A source for all members, to enter as a context: what changed since these positions (None: everything)."""
        return AllSubscription(self, positions)

    def close_subscriptions(self) -> None:
        """End every live stream, so that a stopping server does not wait for its viewers."""
        for some in list(self._by_member.values()):
            for subscription in some:
                subscription.signal.close()
        self._close_readers_of_all()

    def register(self, subscription: MemberSubscription | AllSubscription) -> None:
        """Wake this subscription from now on (called by its context)."""
        if isinstance(subscription, MemberSubscription):
            self._by_member.setdefault(subscription.member_id, set()).add(subscription)
        else:
            self._of_all.add(subscription)

    def forget(self, subscription: MemberSubscription | AllSubscription) -> None:
        """Wake it no more (called by its context)."""
        if isinstance(subscription, AllSubscription):
            self._of_all.discard(subscription)
        elif some := self._by_member.get(subscription.member_id):
            some.discard(subscription)
            if not some:
                del self._by_member[subscription.member_id]

    async def _read_for_ever(self) -> None:
        backoff = Backoff(first_s=0.2, most_s=3.0)
        while True:
            began = monotonic()
            try:
                await self._read()
            except* _LOST as errors:
                log.warning("wallet_feed_lost", errors=[repr(error) for error in errors.exceptions])
            except* Exception:  # the feed is the process's purpose: whatever aiokafka raises, begin again
                log.exception("wallet_feed_failed")
            self.connected = False
            if monotonic() - began > 30:
                backoff.reset()
            await asyncio.sleep(backoff.next_s())

    async def _read(self) -> None:
        """Read the topic until it is lost or no longer the same one."""
        async with _consumer(self._brokers) as consumer:
            partitions, epoch = await _look_up(self._brokers, self._topic)
            consumer.assign(partitions)
            ends = await asyncio.wait_for(consumer.end_offsets(partitions), _PROBE_TIMEOUT_S)
            index = self._resume(consumer, partitions, ends, epoch)
            self.connected = True
            log.info("wallet_feed_reading", topic=self._topic, partitions=len(partitions), epoch=epoch)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._probe(consumer, partitions))
                tasks.create_task(self._follow(consumer, index, ends, epoch))

    def _resume(
        self,
        consumer: AIOKafkaConsumer,
        partitions: list[TopicPartition],
        ends: dict[TopicPartition, int],
        epoch: str,
    ) -> WalletIndex:
        """Go on where this log was left, or begin a new index; the old one is served until the new one is complete."""
        held = self._index.positions
        same = epoch == self.epoch and all(held[p.partition] <= ends[p] for p in partitions)
        index = self._index if same else WalletIndex([0] * len(partitions))
        for partition in partitions:
            consumer.seek(partition, index.positions[partition.partition])
        return index

    async def _follow(
        self, consumer: AIOKafkaConsumer, index: WalletIndex, ends: dict[TopicPartition, int], epoch: str
    ) -> None:
        behind = {partition for partition, end in ends.items() if index.positions[partition.partition] < end}
        if not behind:
            self._serve(index, epoch)
        while True:
            batches = await consumer.getmany(timeout_ms=_POLL_MS)
            for records in batches.values():
                await self._apply(index, records)
            if behind:
                # The consumer's position also moves over holes and control records, which give no record.
                for partition in list(behind):
                    position = await consumer.position(partition)
                    if position >= ends[partition]:
                        index.skip_to(partition.partition, position)
                        behind.discard(partition)
                if not behind:
                    self._serve(index, epoch)

    async def _apply(self, index: WalletIndex, records: list[ConsumerRecord]) -> None:
        live = index is self._index
        for start in range(0, len(records), _SLICE):
            for record in records[start : start + _SLICE]:
                try:
                    wallet = read_record(
                        record.partition, record.offset, record.key, record.value, record.headers, record.timestamp
                    )
                except InvalidRecord as error:
                    self._refuse(index, record, error)
                    continue
                if index.apply(wallet) is not None and live and (some := self._by_member.get(wallet.member_id)):
                    for subscription in some:
                        subscription.signal.set()
            if live:
                for reader in self._of_all:
                    reader.signal.set()
            if len(records) > _SLICE:
                await asyncio.sleep(0)

    def _refuse(self, index: WalletIndex, record: ConsumerRecord, error: InvalidRecord) -> None:
        self.invalid += 1
        index.skip_to(record.partition, record.offset + 1)
        log.error("wallet_record_invalid", partition=record.partition, offset=record.offset, error=str(error))

    def _serve(self, index: WalletIndex, epoch: str) -> None:
        """Show this index from now on; readers of another log are sent away, to begin anew."""
        if index is not self._index:
            if self.epoch not in ("", epoch):
                self._close_readers_of_all()
            self._index = index
            self.epoch = epoch
        self._caught_up.set()
        log.info("wallet_feed_caught_up", members=index.members, ignored=index.ignored)
        for some in self._by_member.values():
            for subscription in some:
                subscription.signal.set()
        for reader in self._of_all:
            reader.signal.set()

    def _close_readers_of_all(self) -> None:
        for reader in list(self._of_all):
            reader.signal.close()

    async def _probe(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
        """Know whether the broker answers (the consumer itself retries in silence) and the topic is still the same."""
        while True:
            await asyncio.sleep(_PROBE_S)
            try:
                ends = await asyncio.wait_for(consumer.end_offsets(partitions), _PROBE_TIMEOUT_S)
            except (KafkaError, OSError, TimeoutError) as error:
                if self.connected:
                    log.warning("wallet_feed_disconnected", error=str(error) or type(error).__name__)
                self.connected = False
                continue
            if not self.connected:
                log.info("wallet_feed_reconnected")
            self.connected = True
            known = consumer.partitions_for_topic(self._topic)
            if known is not None and len(known) != len(partitions):
                raise Rewound(f"the topic has {len(known)} partitions now, not {len(partitions)}")
            for partition in partitions:
                if await consumer.position(partition) > ends[partition]:
                    raise Rewound(f"partition {partition.partition} ends below what was read of it")


class MemberSubscription:
    """The newest wallet of one member, each version at most once; see services.sync.signals.Source."""

    def __init__(self, feed: WalletFeed, member_id: str, after_version: int) -> None:
        self.signal = Signal()
        self.member_id = member_id
        self._feed = feed
        self._version = after_version
        self._gone = False

    def take(self) -> FeedWallet | None:
        """What is newer than the last taken; once `record` None when the member was erased."""
        wallet = self._feed._index.get(self.member_id)  # noqa: SLF001 - the feed's own reader, tombstones included
        if wallet is None:
            return None
        if wallet.record is None:
            gone, self._gone = self._gone, True
            return None if gone else wallet
        if wallet.version <= self._version:
            return None
        self._version, self._gone = wallet.version, False
        return wallet

    async def __aenter__(self) -> Self:
        self._feed.register(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._feed.forget(self)


class AllSubscription:
    """Every member that changed, each once and newest, in pages; it holds positions and no queue."""

    def __init__(self, feed: WalletFeed, positions: Sequence[int] | None) -> None:
        self.signal = Signal()
        self._feed = feed
        self._epoch = feed.epoch
        self.positions = None if positions is None else list(positions)
        """Where the last take ended; None before anything was read."""

    def take(self) -> list[FeedWallet] | None:
        """The next page of changes, tombstones included; None when there is nothing new or the log is another one."""
        if not self._feed.is_caught_up:
            return None
        if self._epoch != self._feed.epoch:
            if self._epoch:
                self.signal.close()
                return None
            self._epoch = self._feed.epoch
        changes, self.positions = self._feed.changes_since(self.positions or [0] * len(self._feed.positions))
        return changes or None

    async def __aenter__(self) -> Self:
        self._feed.register(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._feed.forget(self)


@contextlib.asynccontextmanager
async def _consumer(brokers: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        metadata_max_age_ms=5_000,
        retry_backoff_ms=100,
        request_timeout_ms=10_000,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        with contextlib.suppress(Exception):
            await consumer.stop()


async def _look_up(brokers: str, topic: str) -> tuple[list[TopicPartition], str]:
    """The topic's partitions, waiting until it exists, and the epoch of its log."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    told = False
    try:
        await admin.start()
        while not (partitions := await _partitions(admin, topic)):
            if not told:
                log.info("wallet_feed_waits_for_topic", topic=topic)
            told = True
            await asyncio.sleep(0.5)
        cluster = (await admin.describe_cluster())["cluster_id"]
    finally:
        await admin.close()
    epoch = hashlib.sha256(f"{cluster} {topic} {len(partitions)}".encode()).hexdigest()[:16]
    return partitions, epoch


async def _partitions(admin: AIOKafkaAdminClient, topic: str) -> list[TopicPartition]:
    described = (await admin.describe_topics([topic]))[0]
    found = described["partitions"] if described["error_code"] == 0 else []
    return [TopicPartition(topic, number) for number in sorted(partition["partition"] for partition in found)]
