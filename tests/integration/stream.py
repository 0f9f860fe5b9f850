"""A stream of orders with duplicates, late and broken ones, and the check of books and topic against the oracle."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from typing import Any

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas.envelope import CloudEvent, to_kafka
from schemas.topics import APP, CHECKOUT, EVENT_TOPICS, WALLETS, WEB
from services.clock import utc_now
from services.settings import Settings
from tests.integration.oracle import Due, due

ORDERS = 3000
MEMBERS = 60


def make_orders(seed: random.Random) -> list[tuple[str, CloudEvent, dict[str, Any]]]:
    """(topic, event, its data) of every order, at random over members and channels."""
    channels = {CHECKOUT: "pos", APP: "app", WEB: "web"}
    orders = []
    for number in range(ORDERS):
        topic = seed.choice(EVENT_TOPICS)
        member, total = f"m{seed.randrange(MEMBERS)}", seed.randrange(1, 9000)
        lines = [{"line_no": 1, "sku": "s", "quantity": 1, "amount": total}]
        data = {
            "order_id": f"o{number}",
            "member_id": member,
            "channel": channels[topic],
            "currency": "EUR",
            "total": total,
            "lines": lines,
        }
        event = CloudEvent(
            f"e{number}", f"/{channels[topic]}", "unisono.order.completed.v1", utc_now(), member, orjson.dumps(data)
        )
        orders.append((topic, event, data))
    return orders


async def publish(settings: Settings, seed: random.Random, orders: list[tuple[str, CloudEvent, dict[str, Any]]]) -> int:
    """Send every order, one in twenty twice, some out of order, broken ones in between; the count of broken ones."""
    shuffled = orders + seed.sample(orders, len(orders) // 20)
    shuffled.sort(key=lambda order: int(order[1].id[1:]) + seed.randrange(-40, 40))
    broken = 0
    async with AIOKafkaProducer(bootstrap_servers=settings.brokers, acks="all", enable_idempotence=True) as producer:
        for number, (topic, event, _) in enumerate(shuffled):
            headers, value = to_kafka(event)
            key = event.subject.encode() if event.subject else None
            await producer.send(topic, value, key=key, headers=headers)
            if number % 300 == 0:
                broken += 1
                await producer.send(topic, b"{broken", key=key, headers=headers)
            if number % 20 == 0:
                await asyncio.sleep(0.02)  # a stream, not one batch: kills must fall into its middle
    return broken


async def ends(settings: Settings) -> dict[tuple[str, int], int]:
    """(topic, partition) → end offset of the event topics."""
    partitions = [TopicPartition(topic, p) for topic in EVENT_TOPICS for p in range(settings.partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=settings.brokers) as consumer:
        return {(tp.topic, tp.partition): end for tp, end in (await consumer.end_offsets(partitions)).items()}


async def newest_on_topic(settings: Settings) -> dict[str, dict[str, Any]]:
    """Member → the last record of `loyalty.wallets`, as a reader that rebuilds from the start ends up."""
    partitions = [TopicPartition(WALLETS, p) for p in range(settings.partitions)]
    last = {}
    async with AIOKafkaConsumer(bootstrap_servers=settings.brokers, auto_offset_reset="earliest") as consumer:
        consumer.assign(partitions)
        end = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        while any([await consumer.position(tp) < end[tp] for tp in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                last.update({r.key.decode(): orjson.loads(r.value) for r in records})
    return last


async def drained(settings: Settings, db: asyncpg.Connection[Any]) -> bool:
    """Every record was applied and every mark published."""
    cursors = {(r["topic"], r["partition"]): r["next_offset"] for r in await db.fetch("TABLE partition_cursor")}
    behind = {key: end for key, end in (await ends(settings)).items() if cursors.get(key, 0) < end}
    return not behind and not await db.fetchval("SELECT count(*) FROM outbox")


async def check(settings: Settings, db: asyncpg.Connection[Any], orders: list[Any], broken: int) -> None:
    """The books, the topic and the oracle say the same."""
    expected = due(data for _, _, data in orders)
    assert await db.fetchval("SELECT count(*) FROM inbox") == len(orders)
    assert await db.fetchval("SELECT count(*) FROM dead_letter WHERE reason = 'not_json'") == broken
    points: dict[str, int] = defaultdict(int)
    coupons: dict[str, int] = defaultdict(int)
    for row in await db.fetch("SELECT member_id, kind, reverses, amount FROM entry"):
        sign = -1 if row["reverses"] else 1
        if row["kind"] == "points.earned":
            points[row["member_id"]] += sign * row["amount"]
        elif row["kind"] == "coupon.issued":
            coupons[row["member_id"]] += sign * row["amount"]
    assert {member: Due(points[member], coupons[member]) for member in expected} == expected
    wallets = {
        r["member_id"]: orjson.loads(r["record"]) for r in await db.fetch("SELECT member_id, record FROM wallet")
    }
    assert {m: Due(w["points"]["base"]["active"], len(w["coupons"])) for m, w in wallets.items()} == expected
    assert await newest_on_topic(settings) == wallets
