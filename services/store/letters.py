"""Dead letters as they are stored: why, and the original record byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.dead_letters import DeadLetter


@dataclass(frozen=True, slots=True)
class StoredDeadLetter:
    """A dead letter with the original bytes of its record."""

    dead_letter_id: int
    letter: DeadLetter
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def stored_letter(row: Mapping[str, Any]) -> StoredDeadLetter:
    """The letter of one row of `dead_letter`."""
    letter = DeadLetter(
        reason=row["reason"],
        message=row["message"],
        topic=row["topic"],
        partition=row["partition"],
        offset=row["record_offset"],
        recorded_at=row["recorded_at"],
    )
    headers = list(zip(row["header_names"], row["header_values"], strict=True))
    return StoredDeadLetter(row["dead_letter_id"], letter, row["key"], row["value"], headers)
