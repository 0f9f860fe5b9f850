"""The records the relay puts on Kafka: each is a CloudEvent in binary mode (dead letters: the original bytes)."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.envelope import CloudEvent, rfc3339_exact, to_kafka
from schemas.topics import DEAD_LETTERS, PROMOTIONS, REWARDS, WALLETS
from schemas.values import rfc3339
from schemas.wallet import WALLET_UPDATED
from services.store.journal import JournalLine
from services.store.letters import StoredDeadLetter
from services.store.relay import PublishedPromotion, WalletMark

VERSION_HEADER = "ce_walletversion"
"""The wallet's version, so that a reader need not open the value to know whether it is newer."""

_LETTER_BYTES_MAX = 1_000_000
"""Key, value and headers of the original; with ours they stay below a broker's own 1,048,588 bytes."""


@dataclass(frozen=True, slots=True)
class Message:
    """One record to produce; partition None leaves the choice to the key."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    partition: int | None


def wallet_message(mark: WalletMark, shard: int, source: str) -> Message:
    """The wallet as it stands; a null value (tombstone) when it has been erased."""
    recorded_at = mark.recorded_at
    occurred_at = mark.occurred_at or recorded_at
    assert recorded_at is not None
    assert occurred_at is not None
    event = CloudEvent(
        id=f"{mark.member_id}@{mark.version}",
        source=source,
        type=WALLET_UPDATED,
        time=occurred_at,
        subject=mark.member_id,
        data=mark.record,
        extensions={"recordedtime": rfc3339_exact(recorded_at), "walletversion": str(mark.version)},
    )
    headers, value = to_kafka(event)
    return Message(WALLETS, mark.member_id.encode(), value, headers, shard)


def journal_message(entry: JournalLine, shard: int, source: str) -> Message:
    """One ledger line for everyone who wants to know what happened."""
    event = CloudEvent(
        id=entry.entry_id,
        source=source,
        type=entry.type,
        time=entry.occurred_at,
        subject=entry.member_id,
        data=entry.value,
        extensions={"recordedtime": rfc3339_exact(entry.recorded_at)},
    )
    headers, value = to_kafka(event)
    return Message(REWARDS, entry.member_id.encode(), value, headers, shard)


def dead_letter_message(dead: StoredDeadLetter) -> Message:
    """The original record, with the reason and its place in headers of ours.

    What would make it longer than any broker takes is left out and named in `x-omitted`: the books keep it whole.
    """
    letter = dead.letter
    told = {
        "x-reason": letter.reason,
        "x-message": letter.message,
        "x-topic": letter.topic,
        "x-partition": str(letter.partition),
        "x-offset": str(letter.offset),
        "x-recorded-at": rfc3339(letter.recorded_at),
    }
    headers, key, value = dead.headers, dead.key, dead.value
    lengths = {"value": len(value or b""), "headers": sum(len(n) * 4 + len(v or b"") for n, v in headers)}
    lengths["key"] = len(key or b"")
    while sum(lengths.values()) > _LETTER_BYTES_MAX:
        part = next(iter(lengths))
        told["x-omitted"] = f"{told.get('x-omitted', '')} {part} ({lengths.pop(part)} bytes)".strip()
    own = [(name, text.encode()) for name, text in told.items()]
    kept_key = key if "key" in lengths else None
    kept_value = value if "value" in lengths else None
    if kept_key is None and kept_value is None:
        kept_value = b""  # the producer refuses a record with neither
    return Message(DEAD_LETTERS, kept_key, kept_value, [*headers, *own] if "headers" in lengths else own, None)


def promotion_message(published: PublishedPromotion, source: str) -> Message:
    """One published promotion version, whole."""
    event = CloudEvent(
        id=f"{published.promotion_id}@{published.version}",
        source=source,
        type="unisono.promotion.published.v1",
        time=published.published_at,
        subject=published.promotion_id,
        data=published.value,
    )
    headers, value = to_kafka(event)
    return Message(PROMOTIONS, published.promotion_id.encode(), value, headers, None)
