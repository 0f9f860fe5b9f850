"""What a wallet says to its member: the record of `loyalty.wallets` in words, in the order people read.

Pure: the same record, language and moment give the same view. The account page and the demo's panes both show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2s

import segno

from schemas.wallet import Benefit, WalletCoupon, WalletOffer, WalletRecord
from services.console.formats import Formats
from services.console.languages import Messages

USABLE = ("issued", "reserved")
_DRAWN_MAX = 4096


@dataclass(frozen=True, slots=True)
class CouponView:
    """One usable coupon; `dom_id` is stable over versions."""

    dom_id: str
    title: str
    benefit: str
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
class GoalView:
    """Progress towards one goal, `share` in whole percent."""

    dom_id: str
    title: str
    missing: str
    reached: str
    share: int
    until: str | None


@dataclass(frozen=True, slots=True)
class WalletView:
    """Everything a page shows of one wallet, in one language."""

    version: int
    points: str
    points_word: str
    pending: str | None
    expiring: str | None
    tier: str | None
    coupons: tuple[CouponView, ...]
    goals: tuple[GoalView, ...]
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

    def wallet(self, record: WalletRecord, now: datetime) -> WalletView:
        """The view of a record at a moment; coupons by expiry, goals by how near they are."""
        balance = record.points.get("base")
        active, pending = (balance.active, balance.pending) if balance else (0, 0)
        usable = [c for c in record.coupons if c.status in USABLE and c.valid_until > now]
        open_offers = [o for o in record.offers if _is_open(o, now)]
        return WalletView(
            version=record.version,
            points=self.formats.number(active),
            points_word=self.said.many("point", "points", active),
            pending=self._pending(pending),
            expiring=self._expiring(record, now),
            tier=record.tier.id.capitalize() if record.tier else None,
            coupons=tuple(self._coupon(c, now) for c in sorted(usable, key=lambda c: (c.valid_until, c.coupon_id))),
            goals=tuple(self._goal(o, now) for o in sorted(open_offers, key=_nearness)),
            as_of=self.formats.clock_exact(record.as_of),
            as_of_iso=record.as_of.isoformat(),
            as_of_exact=self.formats.exact(record.as_of),
        )

    def benefit(self, benefit: Benefit) -> str:
        """What a coupon takes off: `5,00 €`, `20%`."""
        if benefit.type == "amount_off" and benefit.amount is not None and benefit.currency is not None:
            return self.formats.money(benefit.amount, benefit.currency)
        return self.formats.percent(benefit.percent or 0)

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
            title=self.said.text(coupon.title),
            benefit=self.benefit(coupon.benefit),
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
        missing = max(0, offer.target - offer.progress)
        reached = {"reached": self._amount(offer, offer.progress), "target": self._amount(offer, offer.target)}
        return GoalView(
            dom_id=dom_id("goal", offer.offer_id),
            title=self.said.text(offer.title) or offer.promotion_id,
            missing=self._missing(offer, missing),
            reached=self.said.one("%(reached)s of %(target)s") % reached,
            share=max(0, min(100, 100 * offer.progress // offer.target)) if offer.target else 0,
            until=self.formats.day(offer.valid_until, now) if offer.valid_until else None,
        )

    def _missing(self, offer: WalletOffer, missing: int) -> str:
        if offer.unit == "visits":
            said = self.said.many("%(count)s visit to go", "%(count)s visits to go", missing)
            return said % {"count": self.formats.number(missing)}
        if offer.unit == "pieces":
            said = self.said.many("%(count)s piece to go", "%(count)s pieces to go", missing)
            return said % {"count": self.formats.number(missing)}
        return self.said.one("%(amount)s to go") % {"amount": self._amount(offer, missing)}

    def _amount(self, offer: WalletOffer, amount: int) -> str:
        if offer.unit == "money" and offer.currency:
            return self.formats.money(amount, offer.currency)
        return self.formats.number(amount)


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


def _nearness(offer: WalletOffer) -> tuple[float, str]:
    return (-(offer.progress / offer.target) if offer.target else 0.0, offer.offer_id)
