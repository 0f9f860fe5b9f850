"""Stored rows as what they stand for: an event as it was sent, a ledger line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from schemas.envelope import CloudEvent
from schemas.events.catalogue import Event, decode
from services.engine.entries import Entry


def event_of(row: Mapping[str, Any], occurred_at: datetime) -> Event:
    """The event of one row of `inbox`, at the time that counts, or at the one that its source stated."""
    return decode(CloudEvent(row["id"], row["source"], row["type"], occurred_at, row["member_id"], row["data"]))


def entry_of(row: Mapping[str, Any]) -> Entry:
    """The ledger line of one row of `entry`."""
    return Entry(
        key=row["entry_key"],
        kind=row["kind"],
        unit=row["unit"],
        debit=row["debit"],
        credit=row["credit"],
        amount=row["amount"],
        promotion_id=row["promotion_id"],
        promotion_version=row["promotion_version"],
        offer_id=row["offer_id"],
        coupon_id=row["coupon_id"],
        cause=row["caused_by"],
        occurred_at=row["occurred_at"],
        detail=orjson.loads(row["detail"]) if row["detail"] else {},
    )
