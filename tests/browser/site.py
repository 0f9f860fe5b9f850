"""A console of a test's own, over a real feed from a real broker; what it shows is written to the topic by the test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
from pydantic import SecretStr

from schemas.journal import JournalEntry
from schemas.wallet import Benefit, Expiring, PointsBalance, Tier, WalletCoupon, WalletOffer, WalletRecord
from services.clock import utc_now
from services.console.app import Console, create_console
from services.console.links import account_url
from services.console.touchpoint import WebTouchpoint
from services.ids import uuid7
from services.serving import serving
from services.settings import Settings
from services.sync.feed import WalletFeed
from tests.integration.wallets import Writer, make_topic, open_writer


@dataclass
class Diary:
    """A journal that tests write."""

    entries: dict[str, list[JournalEntry]] = field(default_factory=dict)
    away: bool = False

    async def history(self, member_id: str, *, entries_max: int = 50) -> list[JournalEntry]:
        if self.away:
            raise ConnectionError("the books are away")
        return self.entries.get(member_id, [])[:entries_max]


@dataclass
class Site:
    """The running console and the writer of what it shows."""

    url: str
    settings: Settings
    console: Console
    feed: WalletFeed
    touchpoint: WebTouchpoint
    diary: Diary
    writer: Writer
    client: httpx.AsyncClient

    def account_url(self, member_id: str, lang: str | None = None) -> str:
        return account_url(self.settings, member_id, lang)

    async def put(self, record: WalletRecord) -> None:
        """Publish the wallet and wait until the feed has it."""
        await self.writer.put(record)
        async with asyncio.timeout(20), self.feed.subscribe(record.member_id) as news:
            while not ((held := self.feed.get(record.member_id)) and held.version >= record.version):
                await news.signal.wait(1)


@contextlib.asynccontextmanager
async def open_site(kafka: str, **settings: object) -> AsyncIterator[Site]:
    """A console on a topic of its own."""
    topic, diary = f"wallets-{uuid7()}", Diary()
    await make_topic(kafka, topic)
    chosen = Settings(kafka_bootstrap_servers=kafka, programme_secret=SecretStr("a secret of the tests"))
    chosen = chosen.model_copy(update=settings)
    async with open_writer(kafka, topic) as writer, WalletFeed(kafka, topic=topic) as feed:
        touchpoint = WebTouchpoint(feed, "web-test", "0")
        console = create_console(chosen, feed, diary, touchpoint)
        following = asyncio.create_task(touchpoint.follow())
        before_stop = console.close_streams
        try:
            async with (
                serving(console.app, host="127.0.0.1", port=0, role="console", before_stop=before_stop) as where,
                httpx.AsyncClient(base_url=where.url, trust_env=False, timeout=20) as client,
            ):
                await asyncio.wait_for(feed.caught_up(), 20)
                chosen = chosen.model_copy(update={"console_url": where.url})
                yield Site(where.url, chosen, console, feed, touchpoint, diary, writer, client)
        finally:
            following.cancel()


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
            )
        },
        tier=Tier(id="gold"),
        coupons=(
            _coupon(
                "c1",
                now,
                30,
                Benefit(type="amount_off", amount=500, currency="EUR"),
                "5 € off your shopping",
                "5 € di sconto sulla spesa",
            ),
            _coupon(
                "c2", now, 2, Benefit(type="percent_off", percent=20), "20 % off coffee", "20 % di sconto sul caffè"
            ),
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
        ),
        offers=(
            _offer("o1", 3750, 5000, "5 € for every 50 €", "5 € ogni 50 €", until=now + timedelta(days=9)),
            _offer("o2", 1, 3, "The third visit brings a gift", "La terza visita porta un regalo", unit="visits"),
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
