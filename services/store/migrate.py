"""Brings a database to the schema this code needs, one file a transaction, in the order of their names."""

from __future__ import annotations

from importlib.resources import files

import asyncpg
import structlog

log = structlog.get_logger(__name__)

_LOCK = 7000


async def migrate(dsn: str) -> list[str]:
    """Apply the migrations that are missing and return their names; two callers at once do each only once."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute(f"SELECT pg_advisory_lock({_LOCK})")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration"
            " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done = {row["name"] for row in await connection.fetch("SELECT name FROM schema_migration")}
        applied = []
        for name, text in migrations():
            if name not in done:
                async with connection.transaction():
                    await connection.execute(text)
                    await connection.execute("INSERT INTO schema_migration (name) VALUES ($1)", name)
                applied.append(name)
                log.info("migration_applied", name=name)
        return applied
    finally:
        await connection.close()


def migrations() -> list[tuple[str, str]]:
    """(file name, text) of every migration, in order."""
    folder = files("services.store").joinpath("migrations")
    found = [(file.name, file.read_text()) for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted(found)
