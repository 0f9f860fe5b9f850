"""`unisono member`: what a member holds, and how it came about."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.errors import DOES_NOT_HOLD
from services.cli.onlooker import open_books
from services.ops.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from schemas.journal import JournalEntry
    from schemas.values import Text
    from schemas.wallet import WalletCoupon, WalletOffer, WalletRecord
    from services.store.books import StoredWallet

member_app = typer.Typer(help="Show what a member holds.")

ENTRIES_MAX = 10_000
MESSAGES_SHOWN = 5
WIDE = 100
"""Columns below which a table leaves out what one can do without."""


@member_app.callback()
def _member() -> None:
    """Show what a member holds."""


@member_app.command("show")
def show(
    member_id: Annotated[str, typer.Argument(metavar="ID", help="The member's id.")],
    entries: Annotated[int, typer.Option(min=0, max=ENTRIES_MAX, help="At most this many entries, the newest.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show a member's wallet and the latest entries. Exit code 1 for a member without a wallet."""
    stored, history = asyncio.run(_read(member_id, entries))
    if stored is None:
        typer.echo(f"There is no wallet of member {printable(member_id)}.", err=True)
        raise typer.Exit(DOES_NOT_HOLD)
    if as_json:
        _print_json(stored, history)
        return
    from rich.console import Console

    from schemas.wallet import WalletRecord

    console = Console(highlight=False, markup=False, emoji=False)
    wallet = WalletRecord.model_validate_json(stored.record)
    for part in _parts(wallet, stored, history, wide=console.width >= WIDE):
        console.print(part)


async def _read(member_id: str, entries: int) -> tuple[StoredWallet | None, list[JournalEntry]]:
    async with open_books() as books:
        stored = await books.wallet(member_id)
        return stored, await books.history(member_id, entries_max=entries) if stored and entries else []


def _print_json(stored: StoredWallet, history: Sequence[JournalEntry]) -> None:
    import orjson

    from schemas.values import rfc3339

    document = {
        "wallet": orjson.loads(stored.record),
        "recorded_at": rfc3339(stored.recorded_at),
        "entries": [entry.model_dump(mode="json") for entry in history],
    }
    typer.echo(orjson.dumps(document))


def _parts(
    wallet: WalletRecord, stored: StoredWallet, history: Sequence[JournalEntry], *, wide: bool
) -> Iterator[RenderableType]:
    from rich.text import Text as Line

    title = Line(f"Member {printable(wallet.member_id)}", style="bold")
    title.append(f"   version {wallet.version}, as of {wallet.as_of:%Y-%m-%d %H:%M:%S} UTC", style="dim")
    yield title
    yield Line(
        f"last event {wallet.occurred_at:%Y-%m-%d %H:%M:%S}, recorded {stored.recorded_at:%Y-%m-%d %H:%M:%S}", "dim"
    )
    yield Line()
    yield _summary(wallet)
    if wallet.coupons:
        yield Line("\nCoupons", style="bold")
        yield _coupons(wallet.coupons, wide=wide)
    if wallet.offers:
        yield Line("\nUnder way", style="bold")
        yield _offers(wallet.offers)
    if wallet.messages:
        yield Line("\nMessages", style="bold")
        for message in wallet.messages[:MESSAGES_SHOWN]:
            yield Line(f"{message.at:%m-%d %H:%M}  {_said(message.text)}")
    if history:
        yield Line("\nLatest entries", style="bold")
        yield _entries(history, wide=wide)


def _summary(wallet: WalletRecord) -> RenderableType:
    from rich.table import Table

    table = Table.grid(padding=(0, 3))
    for currency, points in wallet.points.items():
        name = "Points" if currency == "base" else f"Points ({currency})"
        pending = f", {points.pending:,} pending" if points.pending else ""
        expiring = "".join(f", {e.points:,} expire on {e.on}" for e in points.expiring[:3])
        table.add_row(name, f"{points.active:,}{pending}{expiring}")
    if wallet.tier:
        until = f" until {wallet.tier.until:%Y-%m-%d}" if wallet.tier.until else ""
        table.add_row("Tier", f"{wallet.tier.id}{until}")
    for card in wallet.stamps:
        table.add_row("Stamps", f"{card.count} of {card.goal}, {_said(card.title) or card.promotion_id}")
    if not table.rows:
        table.add_row("Points", "none yet")
    return table


def _coupons(coupons: Sequence[WalletCoupon], *, wide: bool) -> RenderableType:
    from rich.table import Table
    from rich.text import Text as Line

    styles = {"issued": "green", "reserved": "yellow"}
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("state", "coupon", "worth", "code", "valid until", *(("promotion",) if wide else ())):
        table.add_column(name, no_wrap=name not in ("coupon", "worth"))
    for coupon in coupons:
        row = (
            Line(coupon.status, style=styles.get(coupon.status, "dim")),
            Line(_said(coupon.title)),
            _worth(coupon),
            coupon.code,
            f"{coupon.valid_until:%Y-%m-%d}",
            f"{coupon.promotion_id} v{coupon.promotion_version}",
        )
        table.add_row(*row[: len(table.columns)])
    return table


def _offers(offers: Sequence[WalletOffer]) -> RenderableType:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text as Line

    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("offer", "", "progress", "times", "until"):
        table.add_column(name)
    for offer in offers:
        progress = f"{offer.progress:,} of {offer.target:,} {offer.unit}"
        if offer.unit == "money":
            progress = f"{_money(offer.progress, offer.currency)} of {_money(offer.target, offer.currency)}"
        table.add_row(
            Line(_said(offer.title) or offer.promotion_id),
            ProgressBar(total=max(offer.target, 1), completed=offer.progress, width=16),
            progress,
            str(offer.completed or ""),
            f"{offer.valid_until:%Y-%m-%d}" if offer.valid_until else "",
        )
    return table


def _entries(history: Sequence[JournalEntry], *, wide: bool) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("when (UTC)", "what", "amount", "promotion", *(("caused by",) if wide else ())):
        table.add_column(name, no_wrap=True, overflow="ellipsis", justify="right" if name == "amount" else "left")
    for entry in history:
        what = entry.type.removeprefix("unisono.").removesuffix(".v1") + (" (taken back)" if entry.reverses else "")
        promotion = f"{entry.promotion_id} v{entry.promotion_version}" if entry.promotion_id else ""
        amount = f"{entry.amount:,} {entry.unit.removesuffix(':base')}"
        row = (f"{entry.occurred_at:%m-%d %H:%M:%S}", what, amount, promotion, printable(entry.caused_by))
        table.add_row(*row[: len(table.columns)])
    return table


def _said(title: Text) -> str:
    return title.get("en") or next(iter(title.values()), "")


def _worth(coupon: WalletCoupon) -> str:
    from services.words.holdings import BETWEEN, conditions, given
    from services.words.voice import Voice

    voice = Voice("en")
    return printable(BETWEEN.join([given(voice, coupon.benefit), *conditions(voice, coupon)]))


def _money(minor: int, currency: str | None) -> str:
    from decimal import Decimal

    from babel.numbers import format_currency

    from schemas.currencies import EXPONENTS

    code = currency or ""
    amount = Decimal(minor).scaleb(-EXPONENTS.get(code, 2))
    return format_currency(amount, code, locale="en") if code else f"{amount:,}"
