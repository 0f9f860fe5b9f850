"""`unisono setup`: topics, database schema and promotions, made ready before any role starts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.settings import Settings


async def prepare(settings: Settings, promotions: Sequence[Path] = ()) -> None:
    """Topics and schema exist and the promotion documents of the settings and of the call are published.

    Safe to repeat and to run twice at once. Raises UsageError for a document with mistakes: then nothing is published.
    """
    from services.cli.publish import publish_paths
    from services.store.migrate import migrate
    from streams.topics import ensure_topics

    await asyncio.gather(
        migrate(settings.dsn),
        ensure_topics(settings.brokers, partitions=settings.partitions, replication=settings.replication),
    )
    if paths := [*settings.promotions, *promotions]:
        await publish_paths(settings, paths)


def setup(
    promotions: Annotated[list[Path] | None, typer.Option(help="Promotion documents or folders to publish")] = None,
) -> None:
    """Create topics and schema on the cluster that the settings name, and publish promotions."""
    from services.telemetry import configure_logging

    settings = Settings()
    configure_logging(settings)
    asyncio.run(prepare(settings, promotions or ()))
