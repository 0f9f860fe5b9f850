"""Sync tokens: where a store's replica stands, opaque to it and safe in an address.

Inside: the epoch of the log (cluster, topic, partition count), per partition the offset of the next record, and when
the token was made. Sealed by a checksum against damage, not against forgery: a token says only where to read on, and
who may read is decided elsewhere.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.topics import CATALOGUE, WALLETS
from services.problems import Problem

_FORMAT = 1
_CHECKSUM_BYTES = 4
TOKEN_CHARS_MAX = 16_384

TOMBSTONES_KEPT = timedelta(
    milliseconds=next(int(topic.config()["delete.retention.ms"]) for topic in CATALOGUE if topic.name == WALLETS)
)
"""A replica away for longer may have missed an erasure that Kafka no longer tells of."""


@dataclass(frozen=True, slots=True)
class SyncToken:
    """Everything below `positions` has been sent to the holder at `issued_at`."""

    epoch: str
    positions: tuple[int, ...]
    issued_at: datetime

    def encode(self) -> str:
        """Its URL-safe text."""
        body = bytearray([_FORMAT])
        for number in (len(self.epoch), int(self.issued_at.timestamp()), *self.positions):
            _put(body, number)
        body += self.epoch.encode()
        body += binascii.crc32(body).to_bytes(_CHECKSUM_BYTES, "big")
        return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def decode(text: str) -> SyncToken:
    """The token of a text; Problem `sync-token-invalid` when it is none of ours."""
    try:
        return _opened(_unsealed(text))
    except (ValueError, IndexError, OverflowError, OSError):
        raise Problem("sync-token-invalid", "the token is damaged or not one of this service") from None


def _unsealed(text: str) -> bytes:
    if len(text) > TOKEN_CHARS_MAX:
        raise ValueError("too long")
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    body, checksum = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
    if not body or body[0] != _FORMAT or binascii.crc32(body).to_bytes(_CHECKSUM_BYTES, "big") != checksum:
        raise ValueError("damaged")
    return body


def _opened(body: bytes) -> SyncToken:
    epoch_chars, at = _take(body, 1)
    head, epoch = body[: len(body) - epoch_chars], body[len(body) - epoch_chars :]
    numbers = []
    while at < len(head):
        number, at = _take(head, at)
        numbers.append(number)
    return SyncToken(epoch.decode(), tuple(numbers[1:]), datetime.fromtimestamp(numbers[0], UTC))


def accept(token: SyncToken, *, epoch: str, positions: Sequence[int], now: datetime) -> None:
    """Returns when the holder can go on from the token; Problem `sync-token-expired` when it must begin anew."""
    if token.epoch != epoch or len(token.positions) != len(positions):
        raise Problem("sync-token-expired", "the token belongs to another log than the one served now")
    if any(mine > theirs for mine, theirs in zip(token.positions, positions, strict=True)):
        raise Problem("sync-token-expired", "the token is ahead of the log: the log was made anew")
    if now - token.issued_at > TOMBSTONES_KEPT:
        raise Problem("sync-token-expired", f"the token is more than {TOMBSTONES_KEPT.days} days old")


def _put(body: bytearray, number: int) -> None:
    """Append a number, seven bits a byte, the lowest first."""
    while number > 0x7F:
        body.append(number & 0x7F | 0x80)
        number >>= 7
    body.append(number)


def _take(body: bytes, at: int) -> tuple[int, int]:
    """(the number at a place, the place after it)."""
    number = shift = 0
    while body[at] & 0x80:
        number |= (body[at] & 0x7F) << shift
        shift += 7
        at += 1
    return number | body[at] << shift, at + 1
