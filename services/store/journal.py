"""A stored ledger line as the journal entry that others read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson

from schemas.journal import JournalEntry, JournalType


def journal_entry(row: Mapping[str, Any]) -> JournalEntry:
    """The journal entry of one row of `entry`."""
    values = dict(row)
    values["type"] = journal_type(values.pop("kind"), reversal=values["reverses"] is not None)
    values["detail"] = None if values["detail"] is None else orjson.loads(values["detail"])
    return JournalEntry(**values)


def journal_type(kind: str, *, reversal: bool) -> JournalType:
    """The record's type: the entry's own kind, or for a reversal what that kind is called when taken back."""
    if not reversal:
        return cast("JournalType", f"unisono.{kind}.v1")
    family = kind.partition(".")[0]
    return cast("JournalType", f"unisono.{family if family in ('points', 'coupon') else 'reward'}.reversed.v1")
