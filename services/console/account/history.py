"""The journal as sentences for its member: what happened, how much, where and when."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.journal import JournalEntry
from schemas.values import Text
from schemas.wallet import WalletRecord
from services.console.wallets import Speaker, dom_id

_STORE = re.compile(r"/stores/([^/ ]+)")
_MEMBER_POINTS = "member:points"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened; `change` is signed points, None where no balance moved."""

    dom_id: str
    sentence: str
    about: str
    change: str | None
    gained: bool
    where: str
    when: str
    when_iso: str
    when_exact: str


class Historian:
    """Tells entries in one language."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._said = speaker.said

    def lines(self, entries: Sequence[JournalEntry], record: WalletRecord | None, now: datetime) -> list[Line]:
        """The entries in the order given; titles come from the wallet, which knows what was promised."""
        titles = _titles(record)
        return [self._line(entry, titles, now) for entry in entries]

    def _line(self, entry: JournalEntry, titles: Mapping[str, Text], now: datetime) -> Line:
        title = titles.get(entry.coupon_id or "") or titles.get(entry.promotion_id or "")
        change = _change(entry)
        return Line(
            dom_id=dom_id("entry", entry.entry_id),
            sentence=self._sentence(entry, change),
            about=self._said.text(title) if title else "",
            change=self._speaker.formats.signed(change) if change else None,
            gained=change > 0,
            where=self._where(entry.caused_by),
            when=self._speaker.formats.moment(entry.occurred_at, now),
            when_iso=entry.occurred_at.isoformat(),
            when_exact=self._speaker.formats.exact(entry.occurred_at),
        )

    def _sentence(self, entry: JournalEntry, change: int) -> str:
        if entry.type.startswith("unisono.points."):
            return self._points_sentence(entry.type, change)
        if entry.type.startswith("unisono.tier."):
            return self._said.one("Your tier changed")
        return self._said.one(_SENTENCES.get(entry.type, "Your rewards were corrected"))

    def _points_sentence(self, kind: str, change: int) -> str:
        said = self._said.one
        match kind:
            case "unisono.points.earned.v1":
                return said("Points earned")
            case "unisono.points.activated.v1":
                return said("Points ready to use")
            case "unisono.points.spent.v1":
                return said("Points spent")
            case "unisono.points.expired.v1":
                return said("Points expired")
            case "unisono.points.reversed.v1" if change < 0:
                return said("Points taken back after a return or correction")
        return said("Points corrected")

    def _where(self, cause: str) -> str:
        source = cause.partition(" ")[0]
        if store := _STORE.search(source):
            return self._said.one("store %(store)s") % {"store": store[1]}
        if source.startswith("/app"):
            return self._said.one("in the app")
        return self._said.one("online") if source.startswith("/web") else ""


def _n(message: str) -> str:
    """Marks a message for translation where it is not yet said."""
    return message


_SENTENCES = {
    "unisono.coupon.issued.v1": _n("New coupon"),
    "unisono.coupon.reserved.v1": _n("Coupon in use at a till"),
    "unisono.coupon.released.v1": _n("Coupon free again"),
    "unisono.coupon.redeemed.v1": _n("Coupon used"),
    "unisono.coupon.reversed.v1": _n("Coupon taken back after a return or correction"),
    "unisono.coupon.expired.v1": _n("Coupon expired"),
    "unisono.coupon.conflict.v1": _n("Coupon was used twice"),
    "unisono.offer.completed.v1": _n("Goal reached"),
    "unisono.reward.granted.v1": _n("New reward"),
    "unisono.reward.reversed.v1": _n("Your rewards were corrected"),
}


def _change(entry: JournalEntry) -> int:
    """What the entry does to the member's points, usable or on their way; 0 when they only move between the two."""
    gains, loses = entry.credit.startswith(_MEMBER_POINTS), entry.debit.startswith(_MEMBER_POINTS)
    return entry.amount * (gains - loses)


def _titles(record: WalletRecord | None) -> dict[str, Text]:
    """Titles by coupon id and by promotion id, as far as the wallet still knows them."""
    if record is None:
        return {}
    titles: dict[str, Text] = {}
    for coupon in record.coupons:
        titles.setdefault(coupon.promotion_id, coupon.title)
        titles[coupon.coupon_id] = coupon.title
    for offer in record.offers:
        if offer.title:
            titles[offer.promotion_id] = offer.title
    return titles
