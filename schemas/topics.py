"""The topic catalogue: name, key, value, single writer and retention of each, and who lives in which partition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

APP = "loyalty.events.app"
WEB = "loyalty.events.web"
CHECKOUT = "loyalty.events.checkout"
EVENT_TOPICS = (APP, WEB, CHECKOUT)
"""Events in, co-partitioned by member."""
WALLETS = "loyalty.wallets"
REWARDS = "loyalty.rewards"
PROMOTIONS = "loyalty.promotions"
DEAD_LETTERS = "loyalty.dead-letters"
CANARY = "loyalty.canary"

WORKER_GROUP = "unisono-worker"
"""Consumer group of the workers; ops tools know it by this name."""

RECORD_BYTES_MAX = 8 * 1024 * 1024
"""Longest record we write: a wallet of more than 15,000 coupons. One the broker refused would block its partition."""

Cleanup = Literal["compact", "delete"]
_DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of the catalogue; `single_writer` is the only role that produces to it."""

    name: str
    key: str
    value: str
    single_writer: str
    cleanup: Cleanup
    retention_ms: int | None
    by_member: bool

    def config(self) -> dict[str, str]:
        """The topic's settings in Kafka's names."""
        if self.cleanup == "compact":
            return {
                "cleanup.policy": "compact",
                "delete.retention.ms": str(14 * _DAY_MS),
                "max.compaction.lag.ms": str(7 * _DAY_MS),
                "max.message.bytes": str(RECORD_BYTES_MAX),
            }
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}


CATALOGUE: tuple[Topic, ...] = (
    Topic(APP, "member_id", "events of the app", "app back end, gateway", "delete", 28 * _DAY_MS, True),
    Topic(WEB, "member_id", "events of the web shop", "web shop, gateway", "delete", 28 * _DAY_MS, True),
    Topic(CHECKOUT, "member_id", "events of the tills", "POS, gateway", "delete", 28 * _DAY_MS, True),
    Topic(WALLETS, "member_id", "the whole wallet, newest version", "worker (relay)", "compact", None, True),
    Topic(REWARDS, "member_id", "journal of what happened", "worker (relay)", "delete", 90 * _DAY_MS, True),
    Topic(PROMOTIONS, "promotion_id", "the published version, whole", "worker (relay)", "compact", None, False),
    Topic(DEAD_LETTERS, "original key", "original bytes and headers", "worker (relay)", "delete", 90 * _DAY_MS, False),
    Topic(CANARY, "none", "the ops canary", "ops", "delete", _DAY_MS, False),
)


def shard_of(member_id: str, partitions: int) -> int:
    """The one function that says where a member lives: Kafka's own default partitioner (murmur2 of the key).

    Every writer uses it, never the partition a source record came from: other clients hash keys differently, and
    one member in two partitions would have two relays, hence no order.
    """
    return (murmur2(member_id.encode()) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bit, seed 0x9747b28c, as Apache Kafka's `Utils.murmur2` (unsigned here)."""
    length = len(data)
    m = 0x5BD1E995
    h = (0x9747B28C ^ length) & 0xFFFFFFFF
    tail = length & ~3
    for i in range(0, tail, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & 0xFFFFFFFF
        k = (k ^ k >> 24) * m & 0xFFFFFFFF
        h = (h * m & 0xFFFFFFFF) ^ k
    if length > tail:
        h = ((h ^ int.from_bytes(data[tail:], "little")) * m) & 0xFFFFFFFF
    h = ((h ^ h >> 13) * m) & 0xFFFFFFFF
    return h ^ h >> 15
