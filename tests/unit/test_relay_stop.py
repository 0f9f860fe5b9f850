"""A relay that must end ends, also while the broker is away and its producer cannot be flushed."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from services.settings import Settings
from streams.relay import Relay


async def test_a_producer_that_cannot_be_flushed_is_ended_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time-out would pass for a fault of the database, and swallow the cancellation that got us here."""
    monkeypatch.setattr("streams.relay._STOP_S", 0.05)
    producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1")
    sending = producer._sender._sender_task = asyncio.ensure_future(asyncio.Event().wait())
    never = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(producer._message_accumulator, "close", lambda: _for_ever(never))
    await Relay(Settings())._stop(producer)
    await asyncio.wait([sending], timeout=1)
    assert sending.cancelled()


async def _for_ever(future: asyncio.Future[None]) -> None:
    await future
