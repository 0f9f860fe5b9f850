"""Wallets and histories with everything in them that a page can show."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas.journal import JournalEntry
from schemas.wallet import (
    Benefit,
    Expiring,
    GoalPart,
    Message,
    PointsBalance,
    StampCard,
    Tier,
    WalletCoupon,
    WalletOffer,
    WalletRecord,
)
from services.clock import utc_now


@dataclass
class Diary:
    """A journal that tests write."""

    entries: dict[str, list[JournalEntry]] = field(default_factory=dict)
    away: bool = False

    async def history(self, member_id: str, *, entries_max: int = 50) -> list[JournalEntry]:
        if self.away:
            raise ConnectionError("the books are away")
        return self.entries.get(member_id, [])[:entries_max]


def rich_wallet(member_id: str, version: int = 17, *, points: int = 1370, now: datetime | None = None) -> WalletRecord:
    """A wallet with everything in it that a page can show."""
    now = now or utc_now()
    return WalletRecord(
        member_id=member_id,
        version=version,
        as_of=now,
        caused_by=("/stores/114/tills/1 e1",),
        occurred_at=now,
        points={
            "base": PointsBalance(
                active=points, pending=30, expiring=(Expiring(on=f"{now + timedelta(days=40):%Y-%m-%d}", points=40),)
            ),
            "tier": PointsBalance(active=640, pending=0),
        },
        tier=Tier(id="gold", until=now + timedelta(days=400), title={"en": "Gold", "it": "Oro"}),
        stamps=(
            StampCard(
                promotion_id="fifth-coffee",
                count=3,
                goal=4,
                title={"en": "5th coffee free", "it": "Il 5º caffè è gratis"},
            ),
        ),
        coupons=_coupons(now),
        offers=_offers(now),
        messages=(
            Message(
                message_id="n1",
                promotion_id="autumn",
                text={"en": "Autumn is here: new roasts in store", "it": "È autunno: nuove tostature in negozio"},
                at=now - timedelta(hours=2),
            ),
        ),
    )


def _coupons(now: datetime) -> tuple[WalletCoupon, ...]:
    return (
        _coupon(
            "c1",
            now,
            30,
            Benefit(type="amount_off", amount=500, currency="EUR"),
            "5 € off your shopping",
            "5 € di sconto sulla spesa",
        ),
        _coupon("c2", now, 2, Benefit(type="percent_off", percent=20), "20 % off coffee", "20 % di sconto sul caffè"),
        _coupon(
            "c3",
            now,
            14,
            Benefit(type="amount_off", amount=200, currency="EUR"),
            "2 € off fruit and vegetables",
            "2 € di sconto su frutta e verdura",
            "reserved",
        ),
        _coupon(
            "c4",
            now,
            14,
            Benefit(type="amount_off", amount=900, currency="EUR"),
            "Used already",
            "Già usato",
            "redeemed",
        ),
        _coupon(
            "c5",
            now,
            60,
            Benefit(type="buy_get", buy=2, get=1, category=("coffee",), min_total=1500, currency="EUR"),
            "Three for two",
            "Tre per due",
        ).model_copy(update={"channels": ("pos",), "stores": ("114", "115")}),
    )


def _offers(now: datetime) -> tuple[WalletOffer, ...]:
    return (
        _offer("o1", 3750, 5000, "5 € for every 50 €", "5 € ogni 50 €", until=now + timedelta(days=9)),
        _offer("o2", 1, 3, "The third visit brings a gift", "La terza visita porta un regalo", unit="visits"),
        _offer("o3", 1, 2, "Coffee quest", "La sfida del caffè", unit="parts").model_copy(
            update={
                "parts": (
                    GoalPart(progress=3, target=3, unit="products", met=True),
                    GoalPart(progress=1200, target=2000, unit="money", currency="EUR"),
                ),
                "parts_are": "all",
            }
        ),
    )


def _coupon(
    coupon_id: str, now: datetime, days: int, benefit: Benefit, en: str, it: str, status: str = "issued"
) -> WalletCoupon:
    return WalletCoupon(
        coupon_id=coupon_id,
        promotion_id="five-for-fifty",
        promotion_version=1,
        status=status,  # type: ignore[arg-type]
        code=f"7KQF-29XM-{coupon_id.upper()}ZP",
        benefit=benefit,
        valid_from=now - timedelta(days=1),
        valid_until=now + timedelta(days=days),
        title={"en": en, "it": it},
        staff_hint={"en": "The coupon is in the wallet already", "it": "Il buono è già nel portafoglio"},
    )


def _offer(
    offer_id: str, progress: int, target: int, en: str, it: str, *, unit: str = "money", until: datetime | None = None
) -> WalletOffer:
    return WalletOffer(
        offer_id=offer_id,
        promotion_id="five-for-fifty" if unit == "money" else "third-visit",
        progress=progress,
        target=target,
        unit=unit,  # type: ignore[arg-type]
        currency="EUR" if unit == "money" else None,
        valid_until=until,
        title={"en": en, "it": it},
    )


def told_history(member_id: str, now: datetime | None = None) -> list[JournalEntry]:
    """A history of several kinds, newest first."""
    now = now or utc_now()
    made = [
        (
            "unisono.points.earned.v1",
            "points:base",
            "programme:points_granted",
            "member:points_active",
            47,
            "/stores/114/tills/3",
        ),
        ("unisono.coupon.issued.v1", "coupon", "programme:coupons_issued", "member:coupons", 1, "/stores/114/tills/3"),
        (
            "unisono.offer.completed.v1",
            "completion",
            "programme:completions",
            "member:completions",
            1,
            "/stores/114/tills/3",
        ),
        (
            "unisono.points.reversed.v1",
            "points:base",
            "member:points_active",
            "programme:points_granted",
            12,
            "/stores/7/tills/1",
        ),
        ("unisono.points.earned.v1", "points:base", "programme:points_granted", "member:points_pending", 1250, "/web"),
        ("unisono.coupon.redeemed.v1", "coupon", "member:coupons", "programme:coupons_redeemed", 1, "/app"),
    ]
    return [
        JournalEntry(
            entry_id=f"entry-{n}",
            member_id=member_id,
            type=kind,  # type: ignore[arg-type]
            unit=unit,
            debit=debit,
            credit=credit,
            amount=amount,
            promotion_id="five-for-fifty",
            promotion_version=1,
            coupon_id="c1" if unit == "coupon" else None,
            caused_by=f"{source} e{n}",
            occurred_at=now - timedelta(hours=11 * n),
            recorded_at=now - timedelta(hours=11 * n),
        )
        for n, (kind, unit, debit, credit, amount, source) in enumerate(made)
    ]
