"""The wallet feed against a real broker."""

from __future__ import annotations

import asyncio

import pytest

from schemas.topics import shard_of
from services.ids import uuid7
from services.sync.feed import WalletFeed
from tests.integration.wallets import PARTITIONS, drop_topic, eventually, make_topic, open_writer, wallet_record


@pytest.fixture
def topic() -> str:
    return f"wallets-{uuid7()}"


async def test_holds_the_newest_version_of_each_member_and_nothing_of_the_erased(kafka: str, topic: str):
    await make_topic(kafka, topic)
    async with open_writer(kafka, topic) as writer:
        for version in (1, 2, 4, 3):
            await writer.put(wallet_record("m1", version))
        await writer.put(wallet_record("m2", 1))
        await writer.erase("m2")
        await writer.put(wallet_record("m2", 1))
        await writer.put(wallet_record("m3", 1), value=b"no wallet")
        async with WalletFeed(kafka, topic=topic) as feed:
            await asyncio.wait_for(feed.caught_up(), 20)
            held = feed.get("m1")
            assert held is not None
            assert held.version == 4
            assert feed.get("m2") is None
            assert feed.get("m3") is None
            assert (feed.members, feed.ignored, feed.invalid) == (1, 2, 1)


async def test_wakes_the_reader_of_a_member_and_of_all(kafka: str, topic: str):
    await make_topic(kafka, topic)
    async with (
        open_writer(kafka, topic) as writer,
        WalletFeed(kafka, topic=topic) as feed,
        feed.subscribe("m1") as one,
        feed.subscribe_all() as every,
    ):
        await asyncio.wait_for(feed.caught_up(), 20)
        for version in (1, 2, 3):
            await writer.put(wallet_record("m1", version))
            await writer.put(wallet_record("m2", version))
        await eventually(lambda: (held := feed.get("m2")) and held.version == 3)
        assert await one.signal.wait(5)
        newest = one.take()
        assert newest is not None
        assert newest.version == 3
        assert one.take() is None
        assert await every.signal.wait(5)
        assert {(wallet.member_id, wallet.version) for wallet in every.take() or []} == {("m1", 3), ("m2", 3)}
        assert every.take() is None
        await writer.erase("m1")
        assert await one.signal.wait(5)
        gone = one.take()
        assert gone is not None
        assert gone.record is None
        assert one.take() is None


async def test_waits_for_a_topic_and_notices_when_it_was_made_anew(kafka: str, topic: str):
    async with WalletFeed(kafka, topic=topic) as feed:
        await make_topic(kafka, topic)
        async with open_writer(kafka, topic) as writer:
            for version in range(1, 6):
                await writer.put(wallet_record("m1", version))
            await eventually(lambda: (held := feed.get("m1")) and held.version == 5)
        await drop_topic(kafka, topic)
        await eventually(lambda: not feed.connected)
        await make_topic(kafka, topic, partitions=5)
        async with open_writer(kafka, topic, partitions=5) as writer:
            await writer.put(wallet_record("m1", 1))
            await eventually(lambda: (held := feed.get("m1")) and held.version == 1)
        assert len(feed.positions) == 5


async def test_a_big_backlog_is_read_while_others_get_their_turn(kafka: str, topic: str):
    await make_topic(kafka, topic)
    async with open_writer(kafka, topic) as writer:
        value = wallet_record("m", 1).model_dump_json().encode().replace(b'"version":1,', b'"version":%d,')
        keys = [f"m{number}" for number in range(500)]
        acknowledged = [
            await writer.producer.send(topic, value % version, key=key.encode(), partition=shard_of(key, PARTITIONS))
            for version in range(1, 21)
            for key in keys
        ]
        await asyncio.gather(*acknowledged)
        async with WalletFeed(kafka, topic=topic) as feed:
            await asyncio.wait_for(feed.caught_up(), 30)
            assert feed.members == 500
            assert all(wallet.version == 20 for wallet in feed.wallets())
