"""Published promotion versions in the database: read them, add one, serialised with the batches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg

from schemas.promotions.document import Promotion
from services.clock import utc_now
from services.engine.programme import PromotionVersion
from services.store.queries import QUERIES

_LEASE = "10s"


def promotion_version(row: Mapping[str, Any]) -> PromotionVersion:
    """The version of one row of `promotion_version`."""
    promotion = Promotion.model_validate_json(row["document"])
    return PromotionVersion(promotion, row["version"], row["effective_from"], row["withdrawn_at"])


class PromotionStore:
    """Publishes; each publication waits for the batches under way and keeps new ones out until it has committed."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._db = connection

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str) -> AsyncIterator[PromotionStore]:
        """A store on a connection of its own; a publisher that was stopped in the middle keeps no batch waiting."""
        lease = {"idle_in_transaction_session_timeout": _LEASE}
        connection = await asyncpg.connect(dsn, timeout=10, server_settings=lease)
        try:
            yield cls(connection)
        finally:
            await connection.close()

    async def publish(self, promotions: Sequence[Promotion]) -> list[PromotionVersion]:
        """The versions made: one for each promotion whose text differs from its newest version, in force from now.

        `effective_from` is read under the lock that keeps every batch out, so it is never before the commit of a
        batch that did not know the version.
        """
        made = []
        async with self._db.transaction():
            await self._db.execute(QUERIES["lock_programme_alone"])
            now = utc_now()
            for promotion in promotions:
                newest = await self._db.fetchrow(QUERIES["newest_promotion_version"], promotion.promotion)
                if newest is not None and Promotion.model_validate_json(newest["document"]) == promotion:
                    continue
                version = 1 if newest is None else newest["version"] + 1
                await self._insert(promotion, version, now)
                made.append(PromotionVersion(promotion, version, now, None))
            if made:
                await self._db.execute(QUERIES["raise_programme_revision"])
        return made

    async def versions(self) -> list[PromotionVersion]:
        """Every published version, by promotion and version."""
        return [promotion_version(row) for row in await self._db.fetch(QUERIES["programme_versions"])]

    async def _insert(self, promotion: Promotion, version: int, effective_from: datetime) -> None:
        document = promotion.model_dump_json(by_alias=True, exclude_unset=True)
        name = promotion.promotion
        await self._db.execute(
            QUERIES["publish_promotion_version"], name, version, document, effective_from, effective_from
        )
        await self._db.execute(QUERIES["write_outbox"], [0], ["promotion"], [f"{name}@{version}"])
