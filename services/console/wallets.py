"""What a wallet says to its member: the record of `loyalty.wallets` in words, in the order people read.

Pure: the same record, language and moment give the same view. The account page and the demo's panes both show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2s

import segno

from schemas.wallet import GoalPart, Message, WalletCoupon, WalletOffer, WalletRecord
from services.console.formats import Formats
from services.console.languages import Messages
from services.words import holdings
from services.words.voice import Voice, sentence

USABLE = ("issued", "reserved")
_DRAWN_MAX = 4096
_DOTS_MAX = 20
"""A card of more stamps is told in numbers alone."""
MESSAGES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class CouponView:
    """One usable coupon; `dom_id` is stable over versions, `benefit` a few characters, `terms` what they leave open."""

    dom_id: str
    title: str
    benefit: str
    terms: str
    message: str
    code: str
    until: str
    until_iso: str
    until_exact: str
    left: str
    from_day: str | None
    reserved: bool
    urgent: bool
    hint: str

    @property
    def qr(self) -> str:
        """The code as an SVG; drawn when it is asked for, since that takes longer than all the rest."""
        return qr_svg(self.code)


@dataclass(frozen=True, slots=True)
class PartView:
    """One part of a goal of several."""

    told: str
    met: bool


@dataclass(frozen=True, slots=True)
class GoalView:
    """Progress towards one goal, `share` in whole percent; a card of stamps has a dot each, `True` where it is full."""

    dom_id: str
    title: str
    missing: str
    reached: str
    share: int
    until: str | None = None
    dots: tuple[bool, ...] = ()
    parts: tuple[PartView, ...] = ()
    in_order: bool = False


@dataclass(frozen=True, slots=True)
class MessageView:
    """What a promotion said to the member."""

    dom_id: str
    text: str
    when: str
    when_iso: str
    when_exact: str


@dataclass(frozen=True, slots=True)
class WalletView:
    """Everything a page shows of one wallet, in one language."""

    version: int
    points: str
    points_word: str
    pending: str | None
    expiring: str | None
    other_points: tuple[str, ...]
    tier: str | None
    coupons: tuple[CouponView, ...]
    goals: tuple[GoalView, ...]
    messages: tuple[MessageView, ...]
    as_of: str
    as_of_iso: str
    as_of_exact: str

    @property
    def nearest(self) -> GoalView | None:
        """The goal with least missing."""
        return self.goals[0] if self.goals else None


class Speaker:
    """Says wallets in one language: its messages and its formats."""

    def __init__(self, said: Messages, formats: Formats) -> None:
        self.said = said
        self.formats = formats
        self._voice = Voice("it" if said.language == "it" else "en")

    def wallet(self, record: WalletRecord, now: datetime) -> WalletView:
        """The view of a record at a moment; coupons by expiry, goals by how near they are."""
        balance = record.points.get("base")
        active, pending = (balance.active, balance.pending) if balance else (0, 0)
        usable = [c for c in record.coupons if c.status in USABLE and c.valid_until > now]
        goals = [self._goal(o, now) for o in holdings.goals(record) if _is_open(o, now)]
        return WalletView(
            version=record.version,
            points=self.formats.number(active),
            points_word=self.said.many("point", "points", active),
            pending=self._pending(pending),
            expiring=self._expiring(record, now),
            other_points=self._other_points(record),
            tier=self._tier(record, now),
            coupons=tuple(self._coupon(c, now) for c in sorted(usable, key=lambda c: (c.valid_until, c.coupon_id))),
            goals=tuple(sorted(goals, key=lambda goal: (-goal.share, goal.dom_id))),
            messages=tuple(self._message(m, now) for m in record.messages[:MESSAGES_SHOWN]),
            as_of=self.formats.clock_exact(record.as_of),
            as_of_iso=record.as_of.isoformat(),
            as_of_exact=self.formats.exact(record.as_of),
        )

    def _tier(self, record: WalletRecord, now: datetime) -> str | None:
        if record.tier is None:
            return None
        told = {"tier": holdings.tier(self._voice, record.tier)}
        if record.tier.until is None:
            return told["tier"]
        return self.said.one("%(tier)s until %(day)s") % {**told, "day": self.formats.day(record.tier.until, now)}

    def _other_points(self, record: WalletRecord) -> tuple[str, ...]:
        """Balances beside the base points that are not empty."""
        held = {name: balance.active for name, balance in record.points.items() if name != "base" and balance.active}
        return tuple(self._points_of(name, points) for name, points in held.items())

    def _points_of(self, currency: str, points: int) -> str:
        number = self.formats.number(points)
        if currency == "tier":
            return self.said.many("%(points)s tier point", "%(points)s tier points", points) % {"points": number}
        said = self.said.many("%(points)s point (%(name)s)", "%(points)s points (%(name)s)", points)
        return said % {"points": number, "name": currency}

    def _message(self, told: Message, now: datetime) -> MessageView:
        return MessageView(
            dom_id=dom_id("message", told.message_id),
            text=self.said.text(told.text),
            when=self.formats.moment(told.at, now),
            when_iso=told.at.isoformat(),
            when_exact=self.formats.exact(told.at),
        )

    def _pending(self, points: int) -> str | None:
        if not points:
            return None
        said = self.said.many("%(points)s point on its way", "%(points)s points on their way", points)
        return said % {"points": self.formats.number(points)}

    def _expiring(self, record: WalletRecord, now: datetime) -> str | None:
        balance = record.points.get("base")
        dated = sorted((date.fromisoformat(e.on), e.points) for e in balance.expiring) if balance else []
        if not dated:
            return None
        first = dated[0][0]
        points = sum(points for on, points in dated if on == first)
        said = self.said.many("%(points)s point expires on %(day)s", "%(points)s points expire on %(day)s", points)
        return said % {"points": self.formats.number(points), "day": self.formats.day(first, now)}

    def _coupon(self, coupon: WalletCoupon, now: datetime) -> CouponView:
        left = self.formats.left(coupon.valid_until, now)
        return CouponView(
            dom_id=dom_id("coupon", coupon.coupon_id),
            title=self.said.text(coupon.title) or sentence(holdings.given(self._voice, coupon.benefit)),
            benefit=holdings.badge(self._voice, coupon.benefit),
            terms=holdings.terms(self._voice, coupon),
            message=self.said.text(coupon.message),
            code=coupon.code,
            until=self.formats.day(coupon.valid_until, now),
            until_iso=coupon.valid_until.isoformat(),
            until_exact=self.formats.exact(coupon.valid_until),
            left=left,
            from_day=self.formats.day(coupon.valid_from, now) if coupon.valid_from > now else None,
            reserved=coupon.status == "reserved",
            urgent=(coupon.valid_until - now).days < 3,
            hint=self.said.text(coupon.staff_hint),
        )

    def _goal(self, offer: WalletOffer, now: datetime) -> GoalView:
        reached, target = (holdings.amount(self._voice, offer, n) for n in (offer.progress, offer.target))
        return GoalView(
            dom_id=dom_id("goal", offer.offer_id),
            title=self.said.text(offer.title) or offer.promotion_id,
            missing=sentence(holdings.to_go(self._voice, offer)),
            reached=self.said.one("%(reached)s of %(target)s") % {"reached": reached, "target": target},
            share=max(0, min(100, 100 * offer.progress // offer.target)) if offer.target else 0,
            until=self.formats.day(offer.valid_until, now) if offer.valid_until else None,
            parts=tuple(self._part(part) for part in offer.parts),
            in_order=offer.parts_are == "steps",
            dots=_dots(offer),
        )

    def _part(self, part: GoalPart) -> PartView:
        return PartView(self.said.one("done") if part.met else holdings.to_go(self._voice, part), part.met)


def dom_id(kind: str, foreign_id: str) -> str:
    """An id for the page, safe whatever characters the foreign one has."""
    return f"{kind}-{blake2s(foreign_id.encode(), digest_size=6).hexdigest()}"


@lru_cache(maxsize=_DRAWN_MAX)
def qr_svg(code: str) -> str:
    """The code as a QR symbol: inline SVG with its quiet zone, black on white whatever the page's scheme."""
    symbol = segno.make(code, error="m", micro=False)
    return symbol.svg_inline(scale=1, border=4, omitsize=True, dark="#000", light="#fff", svgclass="qr", lineclass=None)


def _is_open(offer: WalletOffer, now: datetime) -> bool:
    return offer.progress < offer.target and (offer.valid_until is None or offer.valid_until > now)


def _dots(offer: WalletOffer) -> tuple[bool, ...]:
    """A dot for each stamp of the card; none for other goals."""
    if offer.unit != "stamps" or offer.target > _DOTS_MAX:
        return ()
    return tuple(place < offer.progress for place in range(offer.target))
