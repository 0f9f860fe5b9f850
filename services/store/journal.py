"""A stored ledger line as the journal entry that others read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import orjson

from schemas.journal import JournalEntry, JournalType


def journal_entry(row: Mapping[str, Any]) -> JournalEntry:
    """The journal entry of one row of `entry`."""
    values = dict(row)
    values["type"] = journal_type(values.pop("kind"), reversal=values["reverses"] is not None)
    values["detail"] = None if values["detail"] is None else orjson.loads(values["detail"])
    return JournalEntry(**values)


@dataclass(frozen=True, slots=True)
class JournalLine:
    """A journal entry on its way out: what its envelope needs, and schemas.journal.JournalEntry as JSON."""

    entry_id: str
    member_id: str
    type: str
    occurred_at: datetime
    recorded_at: datetime
    value: bytes


def journal_line(row: Mapping[str, Any]) -> JournalLine:
    """The same entry as bytes, without a model in between: the relay writes several of them an event."""
    values = {name: value for name, value in row.items() if value is not None}
    values["type"] = kind = journal_type(values.pop("kind"), reversal="reverses" in values)
    if "detail" in values:
        values["detail"] = orjson.Fragment(values["detail"])
    value = orjson.dumps(values, option=orjson.OPT_UTC_Z)
    return JournalLine(
        values["entry_id"], values["member_id"], kind, values["occurred_at"], values["recorded_at"], value
    )


def journal_type(kind: str, *, reversal: bool) -> JournalType:
    """The record's type: the entry's own kind, or for a reversal what that kind is called when taken back."""
    if not reversal:
        return cast("JournalType", f"unisono.{kind}.v1")
    family = kind.partition(".")[0]
    return cast("JournalType", f"unisono.{family if family in ('points', 'coupon') else 'reward'}.reversed.v1")
