"""B4, on the books: one promotion published among ten thousand, until the next batch has decided with it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median

from schemas.envelope import to_kafka
from schemas.topics import CHECKOUT
from services.clock import monotonic, utc_now
from services.embedded.postgres import EmbeddedPostgres
from services.embedded.supervisor import Supervisor
from services.ids import uuid7
from services.ledger.apply_batch import BatchApplier
from services.ledger.ports import SourceRecord
from services.ledger.validate import TimeWindow
from services.store.ledger import PostgresLedger
from services.store.migrate import migrate
from services.store.promotions import PromotionStore
from tests.bench.measure import Row
from tests.bench.populations import DOCUMENT, MATCHES, TERMS, order, promotion

ROUNDS = 15
_WINDOW = TimeWindow(timedelta(days=30), timedelta(days=1))


async def publication(count: int, rounds: int = ROUNDS) -> tuple[list[Row], dict[str, object]]:
    """In turn: a batch of one event as it comes, and one right after a publication. Milliseconds."""
    alone, after, publish = [], [], []
    async with _books() as (store, ledger):
        await store.publish([promotion("popular", number) for number in range(count)], DOCUMENT)
        applier = BatchApplier(ledger, TERMS, _WINDOW, 4, utc_now)
        await ledger.next_offset(CHECKOUT, 0)
        began = monotonic()
        await _take(applier, 0)
        first = monotonic() - began
        for number in range(rounds):
            alone.append(await _take(applier, 2 * number + 1))
            changed = promotion("popular", MATCHES - 1).model_copy(update={"title": {"en": f"Changed {number}"}})
            began = monotonic()
            made = await store.publish([changed])
            publish.append(monotonic() - began)
            assert len(made.promotions) == 1
            after.append(await _take(applier, 2 * number + 2))
    more = (median(after) - median(alone)) * 1e3
    what = f"one published among {count:,}: next batch, longer by"
    rows = [
        Row("B4", what, f"{more:.1f} ms", "< 50 ms", more < 50),
        Row("B4", f"its publication among {count:,}", f"{median(publish) * 1e3:.1f} ms"),
        Row("B4", f"a worker's first batch, {count:,} read and compiled", f"{first:.1f} s"),
    ]
    figures = {"batch_ms": alone, "batch_after_publication_ms": after, "publication_ms": publish}
    told: dict[str, object] = {name: round(median(some) * 1e3, 1) for name, some in figures.items()}
    return rows, {**told, "first_batch_s": round(first, 1)}


async def _take(applier: BatchApplier, offset: int) -> float:
    """Seconds of one batch of one order, bought now."""
    event = replace(order(offset), id=uuid7(), time=utc_now())
    headers, value = to_kafka(event)
    record = SourceRecord(CHECKOUT, 0, offset, (event.subject or "").encode(), value, headers)
    began = monotonic()
    result = await applier.apply(0, [record])
    took = monotonic() - began
    assert result.outcomes[CHECKOUT, "applied"] == 1
    return took


@asynccontextmanager
async def _books() -> AsyncIterator[tuple[PromotionStore, PostgresLedger]]:
    with tempfile.TemporaryDirectory(prefix="unisono-bench-") as folder:
        home = Path(folder)
        postgres = EmbeddedPostgres(home / "postgres")
        async with Supervisor(home, restart=False) as supervisor:
            await supervisor.start(postgres)
            await migrate(postgres.dsn)
            async with (
                PromotionStore.open(postgres.dsn) as store,
                PostgresLedger.open(postgres.dsn, lock_lease_s=60) as ledger,
            ):
                yield store, ledger
