"""Events of another day, told as if they happened now."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import orjson

from schemas.envelope import CloudEvent, EnvelopeError, parse_time
from schemas.values import rfc3339

_OFFER_ISSUED = "unisono.offer.issued.v1"


def stamped(event: CloudEvent, moment: datetime) -> CloudEvent:
    """The same event at that moment; an offer keeps its length, so its `valid_until` moves along.

    Other dates inside the data stay as they are, among them the business date of an order.
    """
    if event.type != _OFFER_ISSUED or event.data is None:
        return replace(event, time=moment)
    data = orjson.loads(event.data)
    try:
        until = parse_time(data["valid_until"])
    except (KeyError, TypeError, EnvelopeError):
        return replace(event, time=moment)
    data["valid_until"] = rfc3339(until + (moment - event.time))
    return replace(event, time=moment, data=orjson.dumps(data))
