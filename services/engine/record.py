"""The sync record of a wallet: what touchpoints see of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from schemas.values import rfc3339
from services.engine.calendar.moments import text_of
from services.engine.meters import PARTS
from services.engine.wallet import Coupon, Pursuit, Wallet

EXPIRING_SHOWN = 12
"""The sync record names so many of the next days on which points expire, and no more: a year has 365 of them."""
"""Kinds of goals of several, as their marks name them."""


def wallet_record(
    wallet: Wallet, *, version: int, as_of: datetime, caused_by: Sequence[str], occurred_at: datetime
) -> bytes:
    """The sync record, JSON of schemas.wallet.WalletRecord: the state of the fold and these four arguments, no more."""
    record: dict[str, object] = {
        "member_id": wallet.member_id,
        "version": version,
        "as_of": rfc3339(as_of),
        "caused_by": caused_by,
        "occurred_at": rfc3339(occurred_at),
        "points": _balances(wallet),
        "coupons": [orjson.Fragment(_coupon(coupon)) for coupon in wallet.coupons.values()],
    }
    shown = [pursuit for pursuit in (*wallet.offers.values(), *wallet.pursuits.values()) if _showing(pursuit)]
    record["offers"] = [_offer(pursuit) for pursuit in shown]
    if cards := [_card(pursuit) for pursuit in shown if pursuit.unit == "stamps"]:
        record["stamps"] = cards
    if wallet.tier is not None:
        record["tier"] = _tier(wallet, wallet.tier)
    if wallet.messages:
        record["messages"] = [orjson.Fragment(message.text) for message in wallet.messages]
    return orjson.dumps(record)


def _balances(wallet: Wallet) -> dict[str, dict[str, object]]:
    """The balance of each points currency; `base` always."""
    usable, waiting, ends = {"base": 0}, {"base": 0}, dict[str, dict[str, int]]()
    for lot in wallet.lots:
        currency = lot.currency
        if currency not in usable:
            usable[currency] = waiting[currency] = 0
        if lot.active_from:
            waiting[currency] += lot.points
            continue
        usable[currency] += lot.points
        if lot.expires:
            days = ends.setdefault(currency, {})
            days[lot.on] = days.get(lot.on, 0) + lot.points
    return {
        currency: {"active": active, "pending": waiting[currency], "expiring": _expiring(ends.get(currency))}
        for currency, active in usable.items()
    }


def _expiring(days: dict[str, int] | None) -> list[dict[str, object]]:
    """The next days on which points expire, and how many."""
    if days is None:
        return []
    return [{"on": day, "points": points} for day, points in sorted(days.items())[:EXPIRING_SHOWN]]


def _tier(wallet: Wallet, name: str) -> dict[str, object]:
    tier: dict[str, object] = {"id": name, "since": text_of(wallet.tier_since)}
    if wallet.tier_until:
        tier["until"] = text_of(wallet.tier_until)
    return tier


def _coupon(coupon: Coupon) -> str:
    return f'{coupon.text[:-1]},"status":"{coupon.status}"}}'


def _showing(pursuit: Pursuit) -> bool:
    begun = pursuit.offer_id or pursuit.progress or pursuit.completed
    return bool(begun) or any(mark[0] > 0 for mark in _parts(pursuit))


def _parts(pursuit: Pursuit) -> tuple[Any, ...]:
    """(progress, target, unit, currency, …) of each part of a goal of several: see goals."""
    marks = pursuit.marks
    return marks[1:] if marks and marks[0] in PARTS else ()


def _card(pursuit: Pursuit) -> dict[str, object]:
    return {
        "promotion_id": pursuit.promotion_id,
        "count": pursuit.progress,
        "goal": pursuit.target,
        "title": orjson.Fragment(pursuit.title),
    }


def _offer(pursuit: Pursuit) -> dict[str, object]:
    offer: dict[str, object] = {
        "offer_id": pursuit.offer_id or pursuit.promotion_id,
        "promotion_id": pursuit.promotion_id,
        "progress": pursuit.progress,
        "target": pursuit.target,
        "unit": pursuit.unit,
        "currency": pursuit.currency,
        "valid_until": text_of(pursuit.closes) if pursuit.closes else None,
        "completed": pursuit.completed,
        "title": orjson.Fragment(pursuit.title),
    }
    if parts := _parts(pursuit):
        offer["parts_are"] = pursuit.marks[0]
        offer["parts"] = [
            {"progress": done, "target": target, "unit": unit, "currency": currency, "met": done >= target}
            for done, target, unit, currency, *_ in parts
        ]
    return offer
