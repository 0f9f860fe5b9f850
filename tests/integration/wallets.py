"""Wallet records as the relay writes them, for tests of those who read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.topics import shard_of
from schemas.values import rfc3339
from schemas.wallet import WALLET_UPDATED, Benefit, PointsBalance, WalletCoupon, WalletOffer, WalletRecord
from services.clock import monotonic, utc_now

PARTITIONS = 3


def wallet_record(member_id: str, version: int, *, at: datetime | None = None, points: int = 0) -> WalletRecord:
    """A wallet with one coupon and one offer, so that every part of it is shown."""
    at = at or utc_now()
    coupon = WalletCoupon(
        coupon_id=f"c-{member_id}",
        promotion_id="five-for-fifty",
        promotion_version=1,
        status="issued",
        code="AAAA-BBBB-CCCC",
        benefit=Benefit(type="amount_off", amount=500, currency="EUR"),
        valid_from=at,
        valid_until=at.replace(year=at.year + 1, day=1),
        title={"en": "5 € off", "it": "5 € di sconto"},
        staff_hint={"it": "Il buono è già nel portafoglio", "en": "The coupon is in the wallet already"},
    )
    offer = WalletOffer(
        offer_id="o1",
        promotion_id="five-for-fifty",
        progress=1500,
        target=5000,
        currency="EUR",
        title={"en": "5 € more"},
    )
    return WalletRecord(
        member_id=member_id,
        version=version,
        as_of=at,
        caused_by=("/app e1",),
        occurred_at=at,
        points={"base": PointsBalance(active=points, pending=3)},
        coupons=(coupon,),
        offers=(offer,),
    )


@dataclass(frozen=True)
class Writer:
    """Publishes wallets to one topic, acknowledged."""

    producer: AIOKafkaProducer
    topic: str
    partitions: int

    async def put(self, record: WalletRecord, *, value: bytes | None = None) -> None:
        """Publish one version (or these bytes in its place)."""
        headers = [
            ("ce_id", f"{record.member_id} {record.version}".encode()),
            ("ce_source", b"/unisono/main"),
            ("ce_specversion", b"1.0"),
            ("ce_type", WALLET_UPDATED.encode()),
            ("ce_time", rfc3339(record.occurred_at).encode()),
            ("ce_recordedtime", rfc3339(record.as_of).encode()),
            ("ce_subject", record.member_id.encode()),
            ("content-type", b"application/json"),
        ]
        body = record.model_dump_json().encode() if value is None else value
        await self._send(record.member_id, body, headers)

    async def erase(self, member_id: str) -> None:
        """Publish a tombstone."""
        await self._send(member_id, None, [])

    async def _send(self, member_id: str, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
        shard = shard_of(member_id, self.partitions)
        await self.producer.send_and_wait(self.topic, value, key=member_id.encode(), partition=shard, headers=headers)


async def make_topic(brokers: str, topic: str, partitions: int = PARTITIONS) -> None:
    """Create a compacted topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        compacted = {"cleanup.policy": "compact"}
        await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=compacted)])
    finally:
        await admin.close()


async def drop_topic(brokers: str, topic: str) -> None:
    """Delete a topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        await admin.delete_topics([topic])
    finally:
        await admin.close()


@asynccontextmanager
async def open_writer(brokers: str, topic: str, partitions: int = PARTITIONS) -> AsyncIterator[Writer]:
    """A writer that is stopped on leaving."""
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all")
    await producer.start()
    try:
        yield Writer(producer, topic, partitions)
    finally:
        await producer.stop()


async def eventually(holds: Callable[[], object], within_s: float = 20) -> None:
    """Returns once the condition holds; fails when it has not within the time."""
    until = monotonic() + within_s
    while not holds():
        assert monotonic() < until, "the condition did not come true"
        await asyncio.sleep(0.01)
