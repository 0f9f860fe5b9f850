"""The gateway and a till over HTTP, on a real broker and a real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.formats.json import JSONFormat
from httpx_sse import EventSource, ServerSentEvent, aconnect_sse

from schemas.api.sync import Checkpoint, WalletRow
from schemas.topics import APP, CHECKOUT, EVENT_TOPICS, WEB, shard_of
from schemas.values import rfc3339
from services.clock import utc_now
from services.gateway.app import create_app
from services.gateway.deps import GatewayDeps
from services.gateway.tokens import SyncToken
from services.gateway.writer import EventWriter
from services.ids import uuid7
from services.serving import serving
from services.settings import Settings
from services.store.at_hand import BooksAtHand
from services.store.books import Books
from services.store.migrate import migrate
from services.sync.feed import WalletFeed
from services.till.follow import follow, open_client, report
from services.till.replica import Replica
from services.till.till import Till
from streams.topics import ensure_topics, partition_count
from tests.integration.wallets import Writer, drop_topic, eventually, make_topic, open_writer, wallet_record


@dataclass(frozen=True)
class Gateway:
    """A running gateway."""

    url: str
    feed: WalletFeed


StartGateway = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest_asyncio.fixture
async def topic(kafka: str) -> str:
    name = f"wallets-{uuid7()}"
    await make_topic(kafka, name)
    return name


@pytest_asyncio.fixture
async def writer(kafka: str, topic: str) -> AsyncIterator[Writer]:
    async with open_writer(kafka, topic) as writer:
        yield writer


@pytest_asyncio.fixture
async def start_gateway(kafka: str, database: str, topic: str) -> StartGateway:
    """Starts a gateway in this process, on a free port or a given one; ready when it is entered."""
    await migrate(database)
    await ensure_topics(kafka, partitions=4, replication=1)

    @asynccontextmanager
    async def start(port: int = 0) -> AsyncIterator[Gateway]:
        async with (
            WalletFeed(kafka, topic=topic) as feed,
            EventWriter(kafka) as events,
            BooksAtHand(database) as books,
            serving(
                create_app(GatewayDeps(feed, events, books, Settings())),
                host="127.0.0.1",
                port=port,
                role="gateway",
                before_stop=feed.close_subscriptions,
            ) as where,
        ):
            await eventually(lambda: feed.is_caught_up and events.ready and books.books is not None)
            yield Gateway(where.url, feed)

    return start


@pytest_asyncio.fixture
async def gateway(start_gateway: StartGateway) -> AsyncIterator[Gateway]:
    async with start_gateway() as gateway:
        yield gateway


@pytest_asyncio.fixture
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(gateway.url) as client:
        yield client


@asynccontextmanager
async def following_till(folder: Path, url: str) -> AsyncIterator[Till]:
    """A till that follows a gateway and reports to it."""
    till = Till(Replica(folder), "114", "1")
    async with open_client(url) as client:
        tasks = [asyncio.create_task(follow(till, client)), asyncio.create_task(report(till, client))]
        try:
            yield till
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            till.replica.close()


def shows(till: Till, member_id: str, version: int) -> bool:
    held = till.replica.wallet(member_id)
    return held is not None and held.version == version


async def next_event(source: AsyncIterator[ServerSentEvent], name: str) -> ServerSentEvent:
    async with asyncio.timeout(10):
        while (event := await anext(source)).event != name:
            pass
    return event


def events_of(source: EventSource) -> AsyncIterator[ServerSentEvent]:
    return aiter(source.aiter_sse())


# Wallets ------------------------------------------------------------------------------------------------------------


async def test_a_wallet_is_read_with_its_version_as_etag(gateway: Gateway, client: httpx.AsyncClient, writer: Writer):
    assert (await client.get("/v1/members/a%2Fb/wallet")).status_code == 404
    record = wallet_record("a/b", 7)
    await writer.put(record)
    await eventually(lambda: gateway.feed.get("a/b"))
    answer = await client.get("/v1/members/a%2Fb/wallet")
    assert answer.json() == record.model_dump(mode="json")
    assert (answer.headers["etag"], answer.headers["cache-control"]) == ('"7"', "no-store")
    same = await client.get("/v1/members/a%2Fb/wallet", headers={"if-none-match": 'W/"6", "7"'})
    assert (same.status_code, same.content) == (304, b"")
    assert (await client.get("/v1/members/a%2Fb/wallet", headers={"if-none-match": '"6"'})).status_code == 200


async def test_a_wallet_is_followed_live_and_only_what_is_newer_than_seen(
    gateway: Gateway, client: httpx.AsyncClient, writer: Writer
):
    await writer.put(wallet_record("m1", 1))
    await eventually(lambda: gateway.feed.get("m1"))
    async with aconnect_sse(client, "GET", "/v1/members/m1/wallet/stream") as source:
        stream = events_of(source)
        first = await next_event(stream, "wallet")
        assert (first.id, first.json()["version"]) == ("1", 1)
        await writer.put(wallet_record("m1", 2))
        assert (await next_event(stream, "wallet")).id == "2"
        await writer.erase("m1")
        await next_event(stream, "erased")
    await writer.put(wallet_record("m1", 3))
    await eventually(lambda: gateway.feed.get("m1"))
    async with aconnect_sse(client, "GET", "/v1/members/m1/wallet/stream", headers={"last-event-id": "3"}) as source:
        stream = events_of(source)
        await next_event(stream, "heartbeat")
        await writer.put(wallet_record("m1", 4))
        assert (await next_event(stream, "wallet")).id == "4"


# Store sync ---------------------------------------------------------------------------------------------------------


def lines(answer: httpx.Response) -> tuple[list[WalletRow], Checkpoint]:
    *rows, closing = answer.text.splitlines()
    return [WalletRow.model_validate_json(row) for row in rows], Checkpoint.model_validate_json(closing)


async def test_a_snapshot_then_changes_bring_every_member_once(
    gateway: Gateway, client: httpx.AsyncClient, writer: Writer
):
    for number in range(5):
        await writer.put(wallet_record(f"m{number}", 1))
    await eventually(lambda: gateway.feed.members == 5)
    rows, closing = lines(await client.get("/v1/stores/114/sync/snapshot"))
    assert {(row.op, row.key, row.version) for row in rows} == {("put", f"m{n}", 1) for n in range(5)}
    assert closing.count == 5
    for version in (2, 3):
        await writer.put(wallet_record("m1", version))
    await writer.erase("m2")
    await writer.put(wallet_record("m3", 2))
    await eventually(lambda: gateway.feed.members == 4 and (gateway.feed.get("m3") or rows[0]).version == 2)
    seen, more, token = set(), True, closing.token
    while more:
        changed, page = lines(await client.get("/v1/stores/114/sync/changes", params={"since": token, "limit": 1}))
        assert len(changed) <= 1
        seen |= {(row.op, row.key, row.version) for row in changed}
        more, token = page.more, page.token
    assert seen == {("put", "m1", 3), ("del", "m2", 1), ("put", "m3", 2)}
    nothing, page = lines(await client.get("/v1/stores/114/sync/changes", params={"since": token}))
    assert (nothing, page.more) == ([], False)


@pytest.mark.parametrize("path", ["changes", "stream"])
async def test_a_token_of_another_log_is_410_and_garbage_is_400(client: httpx.AsyncClient, path: str):
    old = SyncToken("0" * 16, (0, 0, 0), utc_now()).encode()
    answer = await client.get(f"/v1/stores/114/sync/{path}", params={"since": old})
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:unisono:problem:sync-token-expired")
    answer = await client.get(f"/v1/stores/114/sync/{path}", params={"since": "garbage"})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:unisono:problem:sync-token-invalid")
    missing = await client.get("/v1/stores/114/sync/changes")
    assert (missing.status_code, missing.json()["errors"][0]["parameter"]) == (422, "since")


async def test_a_report_is_kept_and_a_wrong_one_refused(client: httpx.AsyncClient, database: str):
    report = {
        "kind": "till",
        "touchpoint_id": "/stores/114/tills/1",
        "store_id": "114",
        "members": 3,
        "versions_total": 9,
    }
    assert (await client.post("/v1/stores/114/sync/ack", json=report)).status_code == 204
    assert (await client.post("/v1/stores/203/sync/ack", json=report)).json()["errors"][0]["pointer"] == "/store_id"
    wrong = await client.post("/v1/stores/114/sync/ack", json={**report, "members": -1})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/members")
    async with Books.open(database) as books:
        assert [kept.report.versions_total for kept in await books.touchpoints()] == [9]


async def test_a_till_follows_survives_a_restart_of_the_gateway_and_reports(
    start_gateway: StartGateway, writer: Writer, database: str, tmp_path: Path
):
    await writer.put(wallet_record("m1", 1))
    async with start_gateway() as gateway, following_till(tmp_path, gateway.url) as till:
        port = int(gateway.url.rsplit(":", 1)[1])
        await eventually(lambda: shows(till, "m1", 1))
        await writer.put(wallet_record("m1", 2))
        await writer.put(wallet_record("m2", 1))
        await eventually(lambda: shows(till, "m1", 2) and shows(till, "m2", 1))
        assert [row.via for row in till.replica.applied()] == ["snapshot", "stream", "stream"]
        assert till.link.status(utc_now()) == "live"
        async with Books.open(database) as books:
            async with asyncio.timeout(10):
                while not (kept := await books.touchpoints()) or kept[0].report.versions_total != 3:
                    await asyncio.sleep(0.05)
        assert kept[0].report.last_propagation_ms is not None
    async with following_till(tmp_path, f"http://127.0.0.1:{port}") as till:
        await eventually(lambda: till.link.down_since)
        assert shows(till, "m1", 2)
        await writer.put(wallet_record("m1", 3))
        await writer.erase("m2")
        async with start_gateway(port):
            await eventually(lambda: shows(till, "m1", 3) and till.replica.wallet("m2") is None)
            assert till.link.status(utc_now()) == "live"
        await eventually(lambda: till.link.down_since)
        assert shows(till, "m1", 3)


async def test_a_till_takes_a_new_snapshot_when_the_log_was_made_anew(
    gateway: Gateway, kafka: str, topic: str, writer: Writer, tmp_path: Path
):
    for version in (1, 2, 3):
        await writer.put(wallet_record("m1", version))
    async with following_till(tmp_path, gateway.url) as till:
        await eventually(lambda: shows(till, "m1", 3))
        epoch = till.replica.epoch
        await drop_topic(kafka, topic)
        await eventually(lambda: not gateway.feed.connected)
        await make_topic(kafka, topic, partitions=5)
        async with open_writer(kafka, topic, partitions=5) as anew:
            await anew.put(wallet_record("m1", 1))
            await eventually(lambda: shows(till, "m1", 1))
        assert till.replica.epoch != epoch


# Events in ----------------------------------------------------------------------------------------------------------


def order(event_id: str, source: str, channel: str, **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": "unisono.order.completed.v1",
        "time": rfc3339(utc_now()),
        "data": {
            "order_id": event_id,
            "member_id": f"member-{event_id}",
            "channel": channel,
            "currency": "EUR",
            "total": 1250,
            "lines": [{"line_no": 1, "sku": "s1", "quantity": "0.482", "amount": 1250, "name": "Caffè"}],
            **changes,
        },
    }


@asynccontextmanager
async def arriving(kafka: str) -> AsyncIterator[AIOKafkaConsumer]:
    """What comes onto the event topics from now on."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=None, auto_offset_reset="latest")
    await consumer.start()
    partitions = [TopicPartition(name, number) for name in EVENT_TOPICS for number in range(4)]
    consumer.assign(partitions)
    await consumer.seek_to_end(*partitions)
    try:
        yield consumer
    finally:
        await consumer.stop()


async def record_of(consumer: AIOKafkaConsumer, event_id: str) -> ConsumerRecord:
    async with asyncio.timeout(10):
        while True:
            record = await consumer.getone()
            if ("ce_id", event_id.encode()) in record.headers:
                return record


STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}


@pytest.mark.parametrize(
    ("source", "channel", "topic_name"),
    [("/stores/114/tills/3", "pos", CHECKOUT), ("/web", "web", WEB), ("/app", "app", APP)],
)
@pytest.mark.parametrize("mode", ["structured", "binary"])
async def test_an_event_lands_on_its_topic_and_partition_as_the_cloudevents_package_reads_it(
    client: httpx.AsyncClient, kafka: str, mode: str, source: str, channel: str, topic_name: str
):
    event = order(str(uuid7()), source, channel)
    async with arriving(kafka) as consumer:
        if mode == "structured":
            answer = await client.post("/v1/events", content=orjson.dumps(event), headers=STRUCTURED)
        else:
            headers = {f"ce-{name}": value for name, value in event.items() if name != "data"}
            answer = await client.post("/v1/events", json=event["data"], headers=headers)
        assert (answer.status_code, answer.json()["duplicate"]) == (202, False)
        record = await record_of(consumer, event["id"])
    member_id = event["data"]["member_id"]
    assert record.topic == topic_name
    assert record.key == member_id.encode()
    assert record.partition == shard_of(member_id, await partition_count(kafka))
    message = KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value)
    read = from_binary_event(message, JSONFormat())
    assert (read.get_id(), read.get_source(), read.get_type()) == (event["id"], source, event["type"])
    assert read.get_subject() == member_id
    read_time = read.get_time()
    assert read_time is not None
    assert rfc3339(read_time) == event["time"]
    assert read.get_data() == event["data"]


async def test_a_batch_is_answered_item_by_item(client: httpx.AsyncClient, kafka: str):
    good, bad = order(str(uuid7()), "/app", "app"), order("bad", "/app", "app", total=12.5)
    async with arriving(kafka) as consumer:
        answer = await client.post("/v1/events", content=orjson.dumps([good, bad, good]), headers=BATCH)
        await record_of(consumer, good["id"])
    assert answer.status_code == 202
    results = answer.json()["results"]
    assert [result["status"] for result in results] == ["accepted", "refused", "accepted"]
    assert [result["duplicate"] for result in results] == [False, False, True]
    assert results[1]["problem"]["errors"][0]["pointer"] == "/data/total"
    refused = await client.post("/v1/events", content=orjson.dumps([bad]), headers=BATCH)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert refused.json()["results"][0]["status"] == "refused"


async def test_what_is_too_large_or_wrong_is_refused(client: httpx.AsyncClient):
    big = await client.post("/v1/events", content=b" " * 8_000_001, headers=STRUCTURED)
    assert (big.status_code, big.json()["type"]) == (413, "urn:unisono:problem:too-large")
    wrong = await client.post("/v1/events", json=order("x", "/app", "app"))
    assert wrong.status_code == 415
    bad = await client.post("/v1/events", json=order("x", "/app", "app", currency="EUX"), headers=STRUCTURED)
    assert (bad.status_code, bad.json()["errors"][0]["reason"]) == (422, "unknown_currency")
    assert (await client.get("/v1/events")).status_code == 405


async def test_a_recorded_event_is_a_duplicate(start_gateway: StartGateway, kafka: str, database: str, topic: str):
    """The worker is not here: the inbox says that the event is known."""
    event = order(str(uuid7()), "/app", "app")

    class Known:
        async def known_events(self, keys: list[tuple[str, str]]) -> set[tuple[str, str]]:
            return set(keys)

    async with WalletFeed(kafka, topic=topic) as feed, EventWriter(kafka) as events:
        await eventually(lambda: events.ready)
        books = BooksAtHand(database)
        books.books = Known()  # type: ignore[assignment]
        app = create_app(GatewayDeps(feed, events, books, Settings()))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            answer = await client.post("/v1/events", content=json.dumps(event), headers=STRUCTURED)
    assert (answer.status_code, answer.json()["duplicate"]) == (202, True)


async def test_without_kafka_events_are_to_be_sent_again_and_wallets_are_not_ready(database: str):
    await migrate(database)
    away = "127.0.0.1:1"
    async with WalletFeed(away) as feed, EventWriter(away) as events, BooksAtHand(database) as books:
        app = create_app(GatewayDeps(feed, events, books, Settings()))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            answer = await client.post(
                "/v1/events", content=orjson.dumps(order("x", "/app", "app")), headers=STRUCTURED
            )
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            assert (await client.get("/v1/members/m1/wallet")).status_code == 503
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/livez")).status_code == 200
