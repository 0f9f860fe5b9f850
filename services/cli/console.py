"""`unisono console`: the pages people look at, and the web account as a touchpoint."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.settings import Settings


def console() -> None:
    """Serve the web account and the demo page, until stopped."""
    from services.cli.errors import UsageError, variable
    from services.console.brand import UnreadableColour, brand_from
    from services.serving import CannotListen
    from services.settings import Settings
    from services.telemetry import configure_logging

    settings = Settings()
    try:
        brand_from(settings.brand_color)
    except UnreadableColour as error:
        raise UsageError(f"{variable('brand_color')}: {error}") from error
    if not settings.loopback and not settings.secret_chosen:
        secret, host = variable("programme_secret"), settings.host
        raise UsageError(f"{secret} is the one everybody knows: choose your own before the pages listen on {host}")
    configure_logging(settings)
    try:
        asyncio.run(_serve(settings))
    except CannotListen as error:
        raise UsageError(str(error)) from None


async def _serve(settings: Settings) -> None:
    from services.console.serve import open_console
    from services.serving import until_stopped

    async with open_console(settings) as where:
        await until_stopped(where)
