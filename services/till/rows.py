"""Lines of the store sync as a till reads them, and the one decision it makes about each: is this newer? No I/O.

Together with services.till.replica this is what a POS vendor ports; docs/tills.md says the same in words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson

from schemas.envelope import EnvelopeError, parse_time


class InvalidLine(ValueError):
    """A line of the sync cannot be read; the gateway is not one we understand."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one member's wallet; `record` is its JSON, None when the member was erased."""

    key: str
    seq: int
    version: int
    record: bytes | None
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How a replica holds a key: a wallet, or the mark of one that was erased."""

    seq: int
    version: int
    erased: bool


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything before it belongs together; `token` says where to go on, `epoch` in which log."""

    token: str
    epoch: str
    count: int


def is_newer(row: Row, held: Standing | None) -> bool:
    """Whether a row replaces what is held, whatever order rows arrive in and however often.

    Versions decide between wallets. A deletion has no version of its own, so there the sequence decides.
    """
    if held is None:
        return True
    if row.record is None:
        return row.seq > held.seq and not held.erased
    if held.erased:
        return row.seq > held.seq and row.version > held.version
    return row.version > held.version


def parse(line: str | bytes) -> Row | Checkpoint | None:
    """A line of a snapshot or the data of a message; None for a kind of row that this till does not know."""
    try:
        found = orjson.loads(line)
        if "control" in found:
            if found["control"] != "checkpoint":
                return None
            return Checkpoint(str(found["token"]), str(found["epoch"]), int(found["count"]))
        if found["kind"] != "wallet":
            return None
        value = found.get("value")
        if (found["op"] == "del") != (value is None):
            raise InvalidLine("a put needs its value, a del has none")
        return Row(
            key=str(found["key"]),
            seq=int(found["seq"]),
            version=int(found["version"]),
            record=None if value is None else orjson.dumps(value),
            occurred_at=parse_time(found["occurred_at"]),
            recorded_at=parse_time(found["recorded_at"]),
        )
    except (KeyError, TypeError, ValueError, EnvelopeError) as error:
        raise InvalidLine(f"{type(error).__name__}: {error}") from None


def split(parsed: Iterable[Row | Checkpoint | None]) -> tuple[list[Row], Checkpoint | None]:
    """Rows, and the checkpoint that closes them if it has come."""
    rows: list[Row] = []
    closing = None
    for one in parsed:
        if isinstance(one, Row):
            rows.append(one)
        elif isinstance(one, Checkpoint):
            closing = one
    return rows, closing
