"""Reading consumer groups and logs from Kafka, as an onlooker: no group is joined, nothing is committed."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import BrokerResponseError, KafkaConnectionError, KafkaError

from schemas.topics import CATALOGUE, EVENT_TOPICS, WORKER_GROUP
from services.clock import monotonic
from services.ops.readings import GroupReading, KafkaReading, PartitionReading

log = structlog.get_logger(__name__)

READ_TIMEOUT_S = 8.0
RECORD_WAIT_S = 1.0
RETRY_S = 0.1
GROUPS_REFRESH_S = 30.0
GROUPS_AT_ONCE = 8
RECORD_ROUNDS_MAX = 4
TIMESTAMPS_MAX = 4096
OUR_TOPICS = frozenset(topic.name for topic in CATALOGUE)

Place = tuple[str, int]
Logs = Mapping[Place, tuple[int, int]]
"""First offset and next offset to be written, by topic and partition."""
Cursors = Mapping[Place, tuple[int, datetime]]
"""Of the workers: the books' next offset of a partition and when it last moved."""


class KafkaSilent(Exception):
    """Kafka did not answer in time, or not what was asked."""


class _Described(NamedTuple):
    """What the coordinator says of a group: its state, how many members, and who owns which partition."""

    state: str
    members: int
    owners: dict[Place, str]


class KafkaReader:
    """Reads `KafkaReading`s over one admin client and one group-less consumer; reconnects after a failure.

    `groups` restricts what is read; without it, the workers and every group that has committed on our topics.
    """

    def __init__(self, brokers: str, *, groups: Sequence[str] = ()) -> None:
        self._brokers = brokers
        self._wanted = tuple(groups)
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._known_groups: frozenset[str] = frozenset()
        self._groups_read_at = float("-inf")
        self._timestamps: dict[tuple[Place, int], datetime] = {}

    async def __aenter__(self) -> KafkaReader:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends both connections; the next read opens new ones."""
        admin, consumer, self._admin, self._consumer = self._admin, self._consumer, None, None
        for client in (consumer and consumer.stop(), admin and admin.close()):
            if client:
                with contextlib.suppress(KafkaError, OSError, TimeoutError):
                    await asyncio.wait_for(client, timeout=3)

    async def logs(self) -> Logs:
        """Start and end of every partition of our topics. Read these before any position: what is written and applied
        in between then counts as applied, and a consumer that keeps up shows 0. Raises KafkaSilent, bounded in time.
        """
        async with self._bounded():
            admin, consumer = await self._clients()
            return await _logs(consumer, await _places(admin))

    async def groups(self, logs: Logs, cursors: Cursors) -> KafkaReading:
        """Every group's standing against `logs`, the workers' by `cursors` where these say. Raises KafkaSilent."""
        async with self._bounded():
            while True:
                try:
                    return await self._read_groups(logs, cursors)
                except BrokerResponseError as error:
                    # A young cluster makes its offsets topic when first asked, a restarted one loads it.
                    if not error.retriable:
                        raise
                    await asyncio.sleep(RETRY_S)

    async def _read_groups(self, logs: Logs, cursors: Cursors) -> KafkaReading:
        admin, consumer = await self._clients()
        names = await self._groups(admin)
        committed = dict(zip(names, await _committed(admin, names), strict=True))
        described = await _described(admin, names)
        applied = {place: offset for place, (offset, _) in cursors.items()}
        logs = await _renewed(consumer, logs, [applied, *committed.values()])
        groups = [
            _group(name, described[name], committed[name], cursors if name == WORKER_GROUP else {}, logs)
            for name in names
            if name == WORKER_GROUP or committed[name] or name in self._wanted
        ]
        return KafkaReading(await self._stamped(consumer, groups), logs)

    @contextlib.asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                yield
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise KafkaSilent(_reason(error)) from error

    async def _clients(self) -> tuple[AIOKafkaAdminClient, AIOKafkaConsumer]:
        if self._admin is None:
            admin = AIOKafkaAdminClient(bootstrap_servers=self._brokers, request_timeout_ms=5_000)
            self._admin = admin
            await admin.start()
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._brokers,
                enable_auto_commit=False,
                auto_offset_reset="none",
                request_timeout_ms=5_000,
                # One batch a partition is all that is needed: the record at the position is in the first.
                max_partition_fetch_bytes=1,
            )
            self._consumer = consumer
            await consumer.start()
        return self._admin, self._consumer

    async def _groups(self, admin: AIOKafkaAdminClient) -> list[str]:
        """Group names, ours first; on a big cluster asking every group costs, so the list is renewed now and then."""
        if self._wanted:
            return list(dict.fromkeys(self._wanted))
        if monotonic() - self._groups_read_at > GROUPS_REFRESH_S:
            listed = sorted(name for name, kind, *_ in await admin.list_consumer_groups() if kind in ("consumer", ""))
            committed = await _committed(admin, listed)
            self._known_groups = frozenset(name for name, found in zip(listed, committed, strict=True) if found)
            self._groups_read_at = monotonic()
        return [WORKER_GROUP, *sorted(self._known_groups - {WORKER_GROUP})]

    async def _stamped(self, consumer: AIOKafkaConsumer, groups: Sequence[GroupReading]) -> tuple[GroupReading, ...]:
        """The groups with the timestamp of the record at each position that lags."""
        wanted: dict[Place, set[int]] = defaultdict(set)
        for group in groups:
            for reading in group.partitions:
                if reading.lag:
                    place, offset = _oldest_unread(reading)
                    if (place, offset) not in self._timestamps:
                        wanted[place].add(offset)
        if len(self._timestamps) > TIMESTAMPS_MAX:
            self._timestamps.clear()
        for _ in range(RECORD_ROUNDS_MAX):
            turn = {place: offsets.pop() for place, offsets in wanted.items() if offsets}
            if not turn:
                break
            self._timestamps.update(await _timestamps(consumer, turn))
        return tuple(
            GroupReading(g.group, g.state, g.members, tuple(self._with_timestamp(p) for p in g.partitions))
            for g in groups
        )

    def _with_timestamp(self, reading: PartitionReading) -> PartitionReading:
        if not reading.lag:
            return reading
        return PartitionReading(
            reading.topic,
            reading.partition,
            reading.log_start,
            reading.log_end,
            reading.committed,
            reading.cursor,
            reading.moved_at,
            self._timestamps.get(_oldest_unread(reading)),
            reading.owner,
        )


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {READ_TIMEOUT_S:.0f} s"
    return "no connection" if isinstance(error, KafkaConnectionError | OSError) else type(error).__name__


def _oldest_unread(reading: PartitionReading) -> tuple[Place, int]:
    return (reading.topic, reading.partition), max(reading.position or 0, reading.log_start)


async def _places(admin: AIOKafkaAdminClient) -> list[TopicPartition]:
    """Every partition of our topics that exists. All topics are asked for: naming one may create it on some brokers."""
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in await admin.describe_topics()
        if topic["topic"] in OUR_TOPICS
        for partition in topic["partitions"]
    ]


async def _logs(consumer: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> dict[Place, tuple[int, int]]:
    if not places:
        return {}
    starts, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    return {(place.topic, place.partition): (starts[place], ends[place]) for place in sorted(places)}


async def _renewed(consumer: AIOKafkaConsumer, logs: Logs, positions: Iterable[Mapping[Place, int]]) -> Logs:
    """`logs` with the ends read again where a position has passed them since; past the new end, the log was cut."""
    passed = {
        place for found in positions for place, offset in found.items() if place in logs and offset > logs[place][1]
    }
    return {**logs, **await _logs(consumer, [TopicPartition(*place) for place in passed])}


async def _committed(admin: AIOKafkaAdminClient, names: Sequence[str]) -> list[dict[Place, int]]:
    """Each group's committed offsets on our topics."""
    slots = asyncio.Semaphore(GROUPS_AT_ONCE)

    async def one(name: str) -> dict[Place, int]:
        async with slots:
            found = await admin.list_consumer_group_offsets(name)
        return {
            (place.topic, place.partition): meta.offset
            for place, meta in found.items()
            if place.topic in OUR_TOPICS and meta.offset >= 0
        }

    return await asyncio.gather(*(one(name) for name in names))


async def _described(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, _Described]:
    """Each group's state and owners, asked one by one: aiokafka 0.14 reads an answer of several groups wrongly.

    (It asks in version 3, whose groups end with their authorized operations, and decodes the answer as version 2.)
    """
    slots = asyncio.Semaphore(GROUPS_AT_ONCE)

    async def one(name: str) -> Any:
        async with slots:
            (response,) = await admin.describe_consumer_groups([name])
        return response

    described = dict.fromkeys(names, _Described("Dead", 0, {}))
    for response in await asyncio.gather(*(one(name) for name in names)):
        for group in response.groups:
            _error, name, state, _kind, _protocol, members = group[:6]
            owners: dict[Place, str] = {}
            for _member_id, client_id, client_host, _metadata, assignment in (member[-5:] for member in members):
                owner = f"{client_id}{client_host}"
                if not assignment:
                    continue
                for place in ConsumerProtocolMemberAssignment.decode(assignment).partitions():
                    owners[place.topic, place.partition] = owner
            described[name] = _Described(state, len(members), owners)
    return described


def _group(
    name: str,
    described: _Described,
    committed: Mapping[Place, int],
    cursors: Cursors,
    logs: Logs,
) -> GroupReading:
    """One group's reading: the workers must read every event partition, others what they committed on or own."""
    if name == WORKER_GROUP:
        places = [place for place in logs if place[0] in EVENT_TOPICS]
    else:
        places = [place for place in logs if place in committed or place in described.owners]
    partitions = []
    for place in places:
        start, end = logs[place]
        cursor, moved_at = cursors.get(place, (None, None))
        partitions.append(
            PartitionReading(
                *place, start, end, committed.get(place), cursor, moved_at, None, described.owners.get(place)
            )
        )
    return GroupReading(name, described.state, described.members, tuple(partitions))


async def _timestamps(consumer: AIOKafkaConsumer, offsets: Mapping[Place, int]) -> dict[tuple[Place, int], datetime]:
    """The timestamp of the first record at or after each offset; left out where none came in time."""
    consumer.assign([TopicPartition(*place) for place in offsets])
    for place, offset in offsets.items():
        consumer.seek(TopicPartition(*place), offset)
    found: dict[tuple[Place, int], datetime] = {}
    deadline = monotonic() + RECORD_WAIT_S
    while len(found) < len(offsets) and (left_s := deadline - monotonic()) > 0:
        for tp, records in (await consumer.getmany(timeout_ms=int(left_s * 1000) + 1)).items():
            place = (tp.topic, tp.partition)
            found.setdefault((place, offsets[place]), datetime.fromtimestamp(records[0].timestamp / 1000, UTC))
            consumer.pause(tp)
    return found
