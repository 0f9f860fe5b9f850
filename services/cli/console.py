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
    from services.settings import Settings
    from services.telemetry import configure_logging

    settings = Settings()
    try:
        brand_from(settings.brand_color)
    except UnreadableColour as error:
        raise UsageError(f"{variable('brand_color')}: {error}") from error
    configure_logging(settings)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    from services.console.serve import open_console
    from services.serving import until_stopped

    async with open_console(settings) as where:
        await until_stopped(where)
