"""The vigil: looks at Kafka and at the books again and again, and keeps the looks that a trend needs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import AsyncExitStack

import structlog

from services.clock import utc_now
from services.ops.kafka_reader import Cursors, KafkaReader, KafkaSilent, Logs
from services.ops.readings import BooksReading, KafkaReading, Reading, TouchpointReading
from services.ops.report import Report, report
from services.settings import Settings
from services.store.presence import BooksSilent, PresenceBooks, answering

log = structlog.get_logger(__name__)

BOOKS_TIMEOUT_S = 5.0
READINGS_MAX = 300


class Vigil:
    """`async with Vigil(settings, groups=…) as vigil: report = await vigil.look()`.

    A look never raises for Kafka or PostgreSQL being away: the report says so, and the next look tries again.
    """

    def __init__(self, settings: Settings, *, groups: Sequence[str] = ()) -> None:
        self._dsn = settings.dsn
        self._kafka = KafkaReader(settings.brokers, groups=groups)
        self._books: PresenceBooks | None = None
        self._stack = AsyncExitStack()
        self._readings: deque[Reading] = deque(maxlen=READINGS_MAX)

    async def __aenter__(self) -> Vigil:
        await self._stack.__aenter__()
        await self._stack.enter_async_context(self._kafka)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def look(self) -> Report:
        """One more look, judged together with those before it."""
        logs: Logs = {}
        cursors: Cursors = {}
        books: BooksReading | None = None
        kafka: KafkaReading | None = None
        kafka_error = books_error = ""
        try:
            logs = await self._kafka.logs()
        except KafkaSilent as error:
            kafka_error = str(error)
        try:
            with answering():
                books, cursors = await asyncio.wait_for(self._read_books(), BOOKS_TIMEOUT_S)
        except BooksSilent as error:
            books_error = str(error)
        at = utc_now()
        if not kafka_error:
            kafka, kafka_error = await self._read_groups(logs, cursors)
        self._readings.append(Reading(at, kafka, books, kafka_error, books_error))
        return report(tuple(self._readings))

    async def _read_groups(self, logs: Logs, cursors: Cursors) -> tuple[KafkaReading | None, str]:
        try:
            return await self._kafka.groups(logs, cursors), ""
        except KafkaSilent as error:
            return None, str(error)

    async def _read_books(self) -> tuple[BooksReading, Cursors]:
        if self._books is None:
            self._books = await self._stack.enter_async_context(PresenceBooks.watch(self._dsn))
        books = self._books
        cursors = {(c.topic, c.partition): (c.next_offset, c.updated_at) for c in await books.cursors()}
        outbox = await books.outbox()
        members, versions_total = await books.versions_total()
        reading = BooksReading(
            members=members,
            versions_total=versions_total,
            outbox_depth=outbox.depth,
            outbox_age_s=outbox.oldest_age_s,
            relays=await books.relays(),
            dead_letters=await books.dead_letters_by_reason(),
            touchpoints=tuple(TouchpointReading(r.report, r.reported_at) for r in await books.touchpoints()),
        )
        return reading, cursors
