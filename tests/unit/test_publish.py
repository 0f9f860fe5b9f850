"""What the relay puts on Kafka fits through the broker's door: a record it refused would block a partition for ever."""

from __future__ import annotations

import pytest

from schemas.dead_letters import DeadLetter
from services.clock import utc_now
from services.store.letters import StoredDeadLetter
from streams.publish import dead_letter_message

LETTER = DeadLetter(reason="not_json", message="m" * 1000, topic="t", partition=0, offset=7, recorded_at=utc_now())


@pytest.mark.parametrize(
    ("key", "value", "headers", "omitted"),
    [
        (b"k", b"v" * 900_000, [("h", b"1")], None),
        (b"k", b"v" * 3_000_000, [("h", b"1")], "value (3000000 bytes)"),
        (b"k", b"v", [("h", b"1" * 2_000_000)], "value (1 bytes) headers (2000004 bytes)"),
        (b"k" * 2_000_000, None, [], "value (0 bytes) headers (0 bytes) key (2000000 bytes)"),
        (None, None, [("h", None)], None),
    ],
)
def test_a_dead_letter_is_whole_or_says_what_is_left_out(key, value, headers, omitted) -> None:
    """Never longer than what a broker takes by default."""
    message = dead_letter_message(StoredDeadLetter(1, LETTER, key, value, headers))
    told = dict(message.headers)
    assert told.get("x-omitted") == (omitted.encode() if omitted else None)
    assert told["x-reason"] == b"not_json"
    assert len(message.key or b"") + len(message.value or b"") + sum(len(v or b"") for v in told.values()) < 1_010_000
    assert message.key is not None or message.value is not None, "no producer sends a record with neither"
    if omitted is None:
        whole = b"" if key is None and value is None else value
        assert (message.key, message.value, told["h"]) == (key, whole, headers[0][1])
