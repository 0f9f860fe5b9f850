"""`unisono gateway`: HTTP for retail systems, tills, web accounts and apps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.settings import Settings


def gateway() -> None:
    """Take events, and serve wallets and store replicas, until stopped."""
    from services.cli.errors import UsageError
    from services.serving import CannotListen
    from services.settings import Settings
    from services.telemetry import configure_logging

    settings = Settings()
    configure_logging(settings)
    try:
        asyncio.run(_serve(settings))
    except CannotListen as error:
        raise UsageError(str(error)) from None


async def _serve(settings: Settings) -> None:
    from services.gateway.app import create_app, gateway_health
    from services.gateway.deps import GatewayDeps
    from services.gateway.writer import EventWriter
    from services.health import serve_health
    from services.serving import serving, until_stopped
    from services.store.at_hand import BooksAtHand
    from services.sync.feed import WalletFeed

    async with (
        WalletFeed(settings.brokers) as feed,
        EventWriter(settings.brokers) as writer,
        BooksAtHand(settings.dsn) as books,
    ):
        deps = GatewayDeps(feed, writer, books, settings)
        async with (
            serve_health(settings, gateway_health(deps)),
            serving(
                create_app(deps),
                host=settings.host,
                port=settings.gateway_port,
                role="gateway",
                before_stop=feed.close_subscriptions,
            ) as where,
        ):
            await until_stopped(where)
