"""The topic catalogue, and the one function that says where a member lives."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import (
    CANARY,
    CATALOGUE,
    DEAD_LETTERS,
    EVENT_TOPICS,
    PROMOTIONS,
    REWARDS,
    WALLETS,
    WORKER_GROUP,
    murmur2,
    shard_of,
)


@given(st.text(min_size=1, max_size=128), st.integers(1, 64))
def test_a_member_lives_where_kafkas_own_partitioner_puts_the_key(member_id, partitions):
    everywhere = list(range(partitions))
    assert shard_of(member_id, partitions) == DefaultPartitioner()(member_id.encode(), everywhere, everywhere)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_murmur2_is_apache_kafkas(text, expected):
    """The vectors of Apache Kafka's own UtilsTest."""
    assert murmur2(text.encode()) == expected & 0xFFFFFFFF


def test_the_names_are_the_published_ones():
    """Topic names and the group id are API: consumers and offsets depend on them."""
    assert EVENT_TOPICS == ("loyalty.events.app", "loyalty.events.web", "loyalty.events.checkout")
    assert (WALLETS, REWARDS) == ("loyalty.wallets", "loyalty.rewards")
    assert (PROMOTIONS, DEAD_LETTERS, CANARY) == ("loyalty.promotions", "loyalty.dead-letters", "loyalty.canary")
    assert WORKER_GROUP == "unisono-worker"


def test_the_catalogue_names_each_topic_once():
    names = [topic.name for topic in CATALOGUE]
    assert sorted(names) == sorted(set(names))
    assert set(names) == {*EVENT_TOPICS, WALLETS, REWARDS, PROMOTIONS, DEAD_LETTERS, CANARY}


def test_what_is_keyed_by_member_is_co_partitioned():
    assert {topic.name for topic in CATALOGUE if topic.by_member} == {*EVENT_TOPICS, WALLETS, REWARDS}


def test_state_is_compacted_and_facts_are_kept_for_a_while():
    for topic in CATALOGUE:
        config = topic.config()
        assert config["cleanup.policy"] == topic.cleanup
        if topic.cleanup == "compact":
            assert "retention.ms" not in config
            assert topic.retention_ms is None
        else:
            assert topic.retention_ms is not None
            assert int(config["retention.ms"]) == topic.retention_ms


def test_a_compacted_topic_keeps_tombstones_for_a_replica_that_was_away_a_week():
    wallets = next(topic for topic in CATALOGUE if topic.name == WALLETS)
    assert int(wallets.config()["delete.retention.ms"]) >= 7 * 24 * 3600 * 1000
