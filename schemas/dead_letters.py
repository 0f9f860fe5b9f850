"""Dead letters: what could not be applied, why, and the original bytes."""

from __future__ import annotations

from typing import Literal, get_args

from schemas.values import Moment
from schemas.wallet import Shape

Reason = Literal[
    "not_json",
    "invalid_envelope",
    "invalid_time",
    "missing_field",
    "wrong_type",
    "invalid_amount",
    "invalid_quantity",
    "unknown_currency",
    "naive_time",
    "key_mismatch",
    "id_conflict",
    "too_far_in_future",
    "too_late",
]
REASONS: frozenset[str] = frozenset(get_args(Reason))


class DeadLetter(Shape):
    """The headers `x-reason`, `x-message`, `x-topic`, `x-partition`, `x-offset` of a record on `loyalty.dead-letters`.

    The record's key, value and other headers are the original's, byte for byte.
    """

    reason: Reason
    message: str
    topic: str
    partition: int
    offset: int
    recorded_at: Moment
