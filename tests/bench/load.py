"""What the benchmarks send: the demo's real events, each time under ids of its own, at a steady rate or at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import count, islice

import orjson

from schemas.envelope import CloudEvent, to_kafka
from services.adapters.publisher import EventPublisher, Pace
from services.adapters.stamping import stamped
from services.clock import utc_now
from services.demo.plan import purchases
from services.ids import uuid7

MEMBER_GROUPS = 67
_groups = count()


@cache
def real_events() -> tuple[CloudEvent, ...]:
    """Four thousand events of three hundred households, mailings and check-ins among them."""
    return tuple(purchases(4000))


def endless() -> Iterator[CloudEvent]:
    """The real events over and over, each time new by id and of other members, twenty thousand in all."""
    while True:
        group = next(_groups) % MEMBER_GROUPS
        for event in real_events():
            data = orjson.loads(event.data or b"{}")
            data["member_id"] = member_id = f"{event.subject}-{group}"
            yield replace(event, id=uuid7(), subject=member_id, data=orjson.dumps(data))


def some(events: int) -> list[CloudEvent]:
    """So many of them."""
    return list(islice(endless(), events))


async def send_backlog(brokers: str, events: int) -> None:
    """So many events lie on Kafka, as fast as it takes them, all stamped with now."""
    async with EventPublisher(brokers) as publisher:
        for event in islice(endless(), events):
            await publisher.send(stamped(event, utc_now()))


async def send_steadily(
    brokers: str, events: Sequence[CloudEvent], rate: float, *, topic: str | None = None
) -> list[CloudEvent]:
    """The events as sent, each stamped with the whole millisecond in which it was handed to Kafka.

    They go to the topic of their channel, or all to `topic`.
    """
    sent = []
    pace = Pace(rate)
    async with EventPublisher(brokers) as publisher:
        for event in events:
            await pace.wait()
            now = utc_now()
            told = stamped(event, now.replace(microsecond=now.microsecond // 1000 * 1000))
            sent.append(told)
            if topic is None:
                await publisher.send(told)
            else:
                headers, value = to_kafka(told)
                _ = await publisher.send_record(topic, value, key=(told.subject or "").encode(), headers=headers)
    return sent
