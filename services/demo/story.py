"""The demo as a shopkeeper would tell it: who did what, what it earned, where that appeared and how soon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.currencies import EXPONENTS
from schemas.events.catalogue import Event
from schemas.events.members import ActivityRecorded
from schemas.events.orders import OrderCompleted
from schemas.journal import JournalEntry
from schemas.wallet import WalletRecord
from services.demo.figures import milliseconds
from services.demo.touchpoints import Touchpoint

STORIES_MAX = 4
_WARM = 0.3
"""The share of the stream that is over before the first story is taken from it."""


@dataclass(frozen=True, slots=True)
class Story:
    """One reward: `appeared` names each touchpoint with its milliseconds since the event."""

    at: datetime
    who: str
    did: str
    got: str
    appeared: Sequence[tuple[str, float]]


def deed(event: Event) -> str:
    """What the member did, in words."""
    data = event.data
    if isinstance(data, OrderCompleted):
        paid = money(data.total, data.currency)
        if data.channel == "pos":
            return f"pays {paid} at till {data.till_id} of store {data.store_id}"
        return f"orders for {paid} {'on the web' if data.channel == 'web' else 'in the app'}"
    if isinstance(data, ActivityRecorded) and data.activity == "app.check_in":
        return f"checks in with the app on entering store {data.store_id}"
    return event.type.removeprefix("unisono.").removesuffix(".v1").replace(".", " ")


def money(minor: int, currency: str) -> str:
    """An amount of minor units for people: `$12.34`, `12.34 EUR`."""
    exponent = EXPONENTS[currency]
    whole, rest = divmod(abs(minor), 10**exponent)
    text = f"{'-' if minor < 0 else ''}{whole}" + (f".{rest:0{exponent}d}" if exponent else "")
    return f"${text}" if currency == "USD" else f"{text} {currency}"


def household(member_id: str) -> str:
    """A member without a nickname."""
    return f"Household {member_id.removeprefix('m')}"


def coupon_in_words(record: bytes, coupon_id: str) -> str:
    """The coupon's title and code, from a wallet that holds it."""
    wallet = WalletRecord.model_validate_json(record)
    coupon = next(coupon for coupon in wallet.coupons if coupon.coupon_id == coupon_id)
    return f"“{coupon.title.get('en', coupon.promotion_id)}”, code {coupon.code}"


def other_stories(
    entries: Sequence[JournalEntry],
    events: Iterable[Event],
    touchpoints: Sequence[Touchpoint],
    records: Mapping[str, bytes],
    without: str,
) -> list[Story]:
    """One coupon of each promotion, from when the stream was under way; `without` is the member already told about."""
    by_cause = {event.cause: event for event in events}
    reversed_ids = {entry.reverses for entry in entries}
    told_members, told_promotions, stories = {without}, set[str | None](), []
    for entry in entries[round(_WARM * len(entries)) :]:
        event = by_cause.get(entry.caused_by)
        if entry.type != "unisono.coupon.issued.v1" or entry.entry_id in reversed_ids or event is None:
            continue
        if entry.member_id in told_members or entry.promotion_id in told_promotions or entry.coupon_id is None:
            continue
        got = coupon_in_words(records[entry.member_id], entry.coupon_id)
        shown = appearances(touchpoints, entry.member_id, entry.occurred_at)
        if len(shown) == len(touchpoints):
            stories.append(Story(event.occurred_at, household(entry.member_id), deed(event), got, shown))
            told_members.add(entry.member_id)
            told_promotions.add(entry.promotion_id)
        if len(stories) == STORIES_MAX:
            break
    return stories


def appearances(touchpoints: Sequence[Touchpoint], member_id: str, since: datetime) -> list[tuple[str, float]]:
    """Where the first version that knows of what happened at `since` was applied live, and after how long."""
    # Touchpoints note whole milliseconds: the row of this very event may seem a fraction of one older.
    noted = since.replace(microsecond=since.microsecond // 1000 * 1000)
    found = []
    for touchpoint in touchpoints:
        rows = (row for row in touchpoint.applied if row.member_id == member_id and row.occurred_at >= noted)
        if (row := next(rows, None)) is not None and row.via == "stream":
            found.append((touchpoint.name, max(0.0, milliseconds(since, row.applied_at))))
    return found
