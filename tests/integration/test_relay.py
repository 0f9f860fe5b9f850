"""The relay: order on the compacted topic, whoever wakes up late."""

from __future__ import annotations

import signal
from datetime import timedelta

import asyncpg
import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.envelope import CloudEvent, to_kafka
from schemas.topics import CHECKOUT, WALLETS, shard_of
from services.clock import utc_now
from services.engine.terms import ProgrammeTerms
from services.ledger.apply_batch import BatchApplier
from services.ledger.ports import SourceRecord
from services.ledger.validate import TimeWindow
from services.settings import Settings
from services.store.ledger import PostgresLedger
from streams.publish import VERSION_HEADER
from tests.integration.conftest import Cluster, process, until
from tests.integration.oracle import PROMOTIONS

MEMBER = "m1"


async def read_topic(settings: Settings) -> list[tuple[int, bool]]:
    """(version, tombstone?) of every record of the member on `loyalty.wallets`, in log order."""
    partition = TopicPartition(WALLETS, shard_of(MEMBER, settings.partitions))
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.brokers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        found = []
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [(int(dict(r.headers)[VERSION_HEADER]), r.value is None) for r in records]
        return found
    finally:
        await consumer.stop()


class Books:
    """Writes the member's wallet through the real commit path, one order at a time."""

    def __init__(self, settings: Settings, ledger: PostgresLedger) -> None:
        terms = ProgrammeTerms(b"secret", settings.timezone, settings.currency)
        window = TimeWindow(timedelta(days=30), timedelta(days=1))
        self._applier = BatchApplier(ledger, terms, window, settings.partitions, utc_now)
        self._offset = 0

    async def order(self) -> None:
        """One more order: the wallet's version grows by one and its mark is in the outbox."""
        lines = [{"line_no": 1, "sku": "s", "quantity": 1, "amount": 500}]
        data = {"order_id": f"o{self._offset}", "member_id": MEMBER, "channel": "pos", "currency": "EUR", "total": 500}
        event = CloudEvent(
            f"e{self._offset}",
            "/stores/1/tills/1",
            "unisono.order.completed.v1",
            utc_now(),
            MEMBER,
            orjson.dumps({**data, "lines": lines}),
        )
        headers, value = to_kafka(event)
        record = SourceRecord(CHECKOUT, 0, self._offset, MEMBER.encode(), value, headers)
        self._offset += 1
        await self._applier.apply(0, [record])


@pytest.mark.parametrize("erased", [False, True], ids=["wallet", "tombstone"])
async def test_a_relay_that_wakes_up_late_does_not_leave_the_topic_stale(cluster: Cluster, erased: bool) -> None:
    """A stopped relay appends an old version after its successor's newer record; the last record ends up newest."""
    settings = await cluster(PROMOTIONS)
    script = ("-m", "tests.integration.relay_process")
    db = await asyncpg.connect(settings.dsn)

    async def outbox_is_empty() -> bool:
        return not await db.fetchval("SELECT count(*) FROM outbox")

    async with (
        PostgresLedger.open(settings.dsn, lock_lease_s=5) as ledger,
        process(settings, *script, "zombie") as zombie,
    ):
        await db.execute("INSERT INTO partition_cursor (topic, partition) VALUES ($1, 0)", CHECKOUT)
        books = Books(settings, ledger)
        assert zombie.stdout is not None
        await books.order()
        await until(outbox_is_empty, "the first relay publishes version 1")
        await books.order()
        while await zombie.stdout.readline() != b"stopped\n":
            assert zombie.returncode is None
        async with process(settings, *script, "successor"):
            await until(outbox_is_empty, "the successor takes the lock over and publishes version 2")
            if erased:
                await db.execute("UPDATE wallet SET version = version + 1, record = NULL, state = NULL")
                await db.execute(
                    "INSERT INTO outbox (shard, kind, ref) VALUES ($1, 'wallet', $2)",
                    shard_of(MEMBER, settings.partitions),
                    MEMBER,
                )
            else:
                await books.order()
            await until(outbox_is_empty, "the successor publishes version 3")
            assert await read_topic(settings) == [(1, False), (2, False), (3, erased)]

            zombie.send_signal(signal.SIGCONT)
            while await zombie.stdout.readline() != b"sent 2\n":
                assert zombie.returncode is None

            async def healed() -> bool:
                return len(await read_topic(settings)) >= 5

            await until(healed, "the watch publishes the newest wallet again")
            assert await read_topic(settings) == [(1, False), (2, False), (3, erased), (2, False), (3, erased)]
    await db.close()
