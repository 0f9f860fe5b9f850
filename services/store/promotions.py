"""What was published, in the database: promotions and the programme document, read and added to beside the batches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from schemas.promotions.document import Promotion
from schemas.promotions.programme import ProgrammeDocument
from services.engine.programme import PromotionVersion
from services.engine.terms import ProgrammeVersion
from services.ledger.ports import Published
from services.store.queries import QUERIES

_LEASE = "10s"


EVERYTHING = -1
"""Before the first revision."""


async def published(connection: Any, since: int = EVERYTHING) -> Published:
    """All versions of what was published after this revision: of promotions, and of the programme document."""
    promotions = [_promotion_version(row) for row in await connection.fetch(QUERIES["promotion_versions"], since)]
    documents = [_programme_version(row) for row in await connection.fetch(QUERIES["programme_versions"], since)]
    return Published(promotions, documents)


def _promotion_version(row: Mapping[str, Any]) -> PromotionVersion:
    promotion = Promotion.model_validate_json(row["document"])
    return PromotionVersion(promotion, row["version"], row["effective_from"], row["withdrawn_at"])


def _programme_version(row: Mapping[str, Any]) -> ProgrammeVersion:
    document = ProgrammeDocument.model_validate_json(row["document"])
    return ProgrammeVersion(document, row["version"], row["effective_from"])


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

    async def publish(self, promotions: Sequence[Promotion], programme: ProgrammeDocument | None = None) -> Published:
        """The versions made, in force from one instant: one for each document that its newest version does not equal.

        That instant is the database's now under the lock that keeps every batch out, and later than the clock of every
        batch so far: whatever a batch decided without these versions happened before them, so no refold redecides it.
        """
        names = [promotion.promotion for promotion in promotions]
        texts = [promotion.model_dump_json(by_alias=True, exclude_unset=True) for promotion in promotions]
        text = None if programme is None else programme.model_dump_json(by_alias=True, exclude_unset=True)
        async with self._db.transaction():
            await self._db.execute(QUERIES["lock_programme_alone"])
            moment = await self._db.fetchrow(QUERIES["moment_of_publication"])
            assert moment is not None  # an aggregate always has its one row
            start, now = moment["effective_from"], moment["published_at"]
            rows = await self._db.fetch(QUERIES["publish_promotions"], names, texts, start, now)
            made = {row["promotion_id"]: row["version"] for row in rows}
            await self._announce(made)
            version = text and await self._db.fetchval(QUERIES["publish_programme"], text, start, now)
            if made or version:
                await self._db.execute(QUERIES["raise_programme_revision"])
        return Published(
            [PromotionVersion(p, made[p.promotion], start) for p in promotions if p.promotion in made],
            [ProgrammeVersion(programme, version, start)] if programme is not None and version else [],
        )

    async def versions(self) -> Sequence[PromotionVersion]:
        """Every published version of a promotion, by promotion and version."""
        return (await published(self._db)).promotions

    async def programme_versions(self) -> Sequence[ProgrammeVersion]:
        """Every published version of the programme document."""
        return (await published(self._db)).documents

    async def _announce(self, made: Mapping[str, int]) -> None:
        refs = [f"{promotion_id}@{version}" for promotion_id, version in made.items()]
        await self._db.execute(QUERIES["write_outbox"], [0] * len(refs), ["promotion"] * len(refs), refs)
