"""Creates the topics of the catalogue and refuses a cluster whose topics do not fit it."""

from __future__ import annotations

import asyncio

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from schemas.topics import CATALOGUE, Topic
from services.clock import monotonic

_METADATA_S = 15.0

log = structlog.get_logger(__name__)

_ALREADY_EXISTS = 36


class TopicMismatch(Exception):
    """The member-keyed topics are missing, or differ in their number of partitions."""


async def ensure_topics(brokers: str, *, partitions: int, replication: int) -> list[str]:
    """Every topic of the catalogue exists once this returns; the names of those made now.

    Raises TopicMismatch when member-keyed topics differ in their partition counts, KafkaError when a topic is refused.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        made = await _create(admin, partitions, replication)
        await _agreed_count(admin)
        return made
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, partitions: int, replication: int) -> list[str]:
    existing = set(await admin.list_topics())
    missing = [topic for topic in CATALOGUE if topic.name not in existing]
    if not missing:
        return []
    answer = await admin.create_topics([_new(topic, partitions, replication) for topic in missing])
    for name, code, message in answer.topic_errors:  # the call reports errors, it does not raise them
        if code not in (0, _ALREADY_EXISTS):
            raise for_code(code)(f"topic {name}: {message}")
    names = [topic.name for topic in missing]
    log.info("topics_created", topics=names)
    return names


def _new(topic: Topic, partitions: int, replication: int) -> NewTopic:
    count = partitions if topic.by_member else 1
    return NewTopic(topic.name, count, replication, topic_configs=topic.config())


async def partition_count(brokers: str) -> int:
    """How many partitions the member-keyed topics have; TopicMismatch when they differ or are not there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        return await _agreed_count(admin)
    finally:
        await admin.close()


async def _agreed_count(admin: AIOKafkaAdminClient) -> int:
    deadline = monotonic() + _METADATA_S
    while True:
        described = await admin.describe_topics([topic.name for topic in CATALOGUE if topic.by_member])
        counts = {topic["topic"]: len(topic["partitions"]) for topic in described}
        found = set(counts.values())
        if len(found) == 1 and 0 not in found:
            return found.pop()
        # A topic made a moment ago, or a broker that just came back, shows no partitions for a while.
        if 0 not in found or monotonic() > deadline:
            raise TopicMismatch(f"topics keyed by member must exist with the same number of partitions, found {counts}")
        await asyncio.sleep(0.1)
