"""`unisono events send` and the publisher against a real broker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.envelope import CloudEvent, EnvelopeError, from_kafka, to_structured
from schemas.events.catalogue import decode, topic_for
from schemas.topics import EVENT_TOPICS, shard_of
from services.adapters.complete_journey import journey_events
from services.adapters.event_files import write_events
from services.adapters.publisher import EventPublisher
from services.ids import uuid7
from streams.topics import ensure_topics

PARTITIONS = 4
MOMENT = datetime(2026, 11, 22, 10, tzinfo=UTC)


def own_events() -> list[CloudEvent]:
    """Some real events of members that no other test of this run knows."""
    run = uuid7()
    events = []
    for event in journey_events(members=20, since=date(2017, 11, 1), until=date(2017, 11, 7)):
        data = orjson.loads(event.data or b"")
        member = f"{data['member_id']}-{run}"
        data["member_id"] = member
        if "offer_id" not in data:
            events.append(CloudEvent(event.id, event.source, event.type, event.time, member, orjson.dumps(data)))
    return events


async def read_back(brokers: str, wanted: Callable[[ConsumerRecord], bool]) -> dict[str, list[ConsumerRecord]]:
    """Every wanted record that lies on the event topics now, by topic, in order of partition and offset."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for topic in EVENT_TOPICS for number in range(PARTITIONS)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: dict[str, list[ConsumerRecord]] = {topic: [] for topic in EVENT_TOPICS}
        for place in places:
            await consumer.seek_to_beginning(place)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for place, records in (await consumer.getmany(timeout_ms=1000)).items():
                found[place.topic] += [record for record in records if wanted(record)]
        return found
    finally:
        await consumer.stop()


@pytest.fixture
async def brokers(kafka: str) -> str:
    await ensure_topics(kafka, partitions=PARTITIONS, replication=1)
    return kafka


def send(brokers: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", "events", "send", *map(str, arguments)],
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": brokers},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def test_events_arrive_on_their_topic_and_partition_in_order(brokers: str):
    events = own_events()
    members = {event.subject.encode() for event in events if event.subject}
    async with EventPublisher(brokers) as publisher:
        assert await publisher.send_all(events) == len(events)
    assert publisher.delivered == publisher.sent == len(events) > 50

    found = await read_back(brokers, lambda record: record.key in members)
    for topic, records in found.items():
        for member in members:
            arrived = [from_kafka(record.headers, record.value) for record in records if record.key == member]
            expected = [
                event for event in events if event.subject == member.decode() and topic_for(decode(event)) == topic
            ]
            assert arrived == expected
        assert all(record.partition == shard_of(record.key.decode(), PARTITIONS) for record in records)


async def test_an_event_nobody_could_apply_is_refused_before_it_is_sent(brokers: str):
    async with EventPublisher(brokers) as publisher:
        with pytest.raises(EnvelopeError):
            await publisher.send(CloudEvent("e1", "/app", "unisono.activity.recorded.v1", MOMENT, "m1", b"{}"))
        assert publisher.sent == 0


async def test_bad_lines_are_reported_and_the_rest_is_sent(brokers: str, tmp_path: Path):
    events = own_events()
    path = tmp_path / "events.jsonl"
    lines = [to_structured(event) for event in events]
    path.write_bytes(b"\n".join([lines[0], b"{broken", *lines[1:]]) + b"\n")
    done = send(brokers, path)
    assert done.returncode == 1
    assert f"{path}:2: not_json" in done.stderr
    assert f"{len(events)} records delivered" in done.stdout
    members = {event.subject.encode() for event in events if event.subject}
    found = await read_back(brokers, lambda record: record.key in members)
    assert sum(map(len, found.values())) == len(events)


async def test_repeats_are_the_same_event_and_stamps_are_the_moment_of_sending(brokers: str, tmp_path: Path):
    events = own_events()
    path = tmp_path / "events.jsonl.gz"
    write_events(path, events)
    before = datetime.now(UTC)
    done = send(brokers, path, "--stamp-now", "--repeat-share", "0.2")
    assert done.returncode == 0, done.stderr
    members = {event.subject.encode() for event in events if event.subject}
    found = await read_back(brokers, lambda record: record.key in members)
    arrived = [from_kafka(record.headers, record.value) for records in found.values() for record in records]
    told: dict[tuple[str, str, str | None], set[datetime]] = {}
    for event in arrived:
        told.setdefault((event.source, event.id, event.subject), set()).add(event.time)
    assert len(told) == len(events)
    assert 0 < len(arrived) - len(events) < 0.5 * len(events)
    assert all(len(times) == 1 and min(times) >= before for times in told.values())


def test_without_a_broker_one_sentence_is_said(tmp_path: Path):
    path = tmp_path / "events.jsonl"
    write_events(path, [])
    done = send("127.0.0.1:1", path)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == "unisono: Kafka does not answer at 127.0.0.1:1"
