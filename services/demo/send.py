"""Sends the plan: each event stamped with the moment it goes out, repeats with the very bytes of the first time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from schemas.envelope import CloudEvent, to_kafka
from schemas.events.catalogue import Event, decode, topic_for
from services.adapters.publisher import EventPublisher, Pace
from services.adapters.stamping import stamped
from services.clock import utc_now
from services.demo.broken import Raw
from services.demo.plan import Step
from services.settings import Settings


@dataclass(slots=True)
class Sent:
    """What went out: the events that count, as the fold will read them, and how many records of the other sorts."""

    began: datetime
    events: list[Event] = field(default_factory=list)
    repeats: int = 0
    broken: int = 0


async def send(
    steps: Sequence[Step],
    settings: Settings,
    *,
    rate: float,
    in_app: Callable[[CloudEvent], Awaitable[None]],
    advanced: Callable[[int], object],
) -> Sent:
    """Send every step at `rate` records a second, and return when Kafka has confirmed all of them.

    `in_app` is handed the stamped event of the step that the member's app sends. Raises DeliveryError.
    """
    sent = Sent(began=utc_now())
    pace = Pace(rate)
    records: dict[str, tuple[str, Raw]] = {}
    originals: dict[str, CloudEvent] = {}
    async with EventPublisher(settings.brokers, client_id="unisono-demo") as publisher:
        for step in steps:
            await pace.wait()
            advanced(1)
            name = step.event.id
            if step.broken is not None:
                topic, _ = records[name]
                raw = step.broken.spoil(originals[name], settings)
                sent.broken += 1
            elif step.again:
                topic, raw = records[name]
                sent.repeats += 1
            else:
                event = originals[name] = stamped(step.event, utc_now())
                decoded = decode(event)
                sent.events.append(decoded)
                if step.in_app:
                    await in_app(event)
                    continue
                topic, raw = records[name] = topic_for(decoded), _record(event)
            _ = await publisher.send_record(topic, raw.value, key=raw.key, headers=raw.headers)
    return sent


def _record(event: CloudEvent) -> Raw:
    headers, value = to_kafka(event)
    return Raw((event.subject or "").encode(), value or b"", headers)
