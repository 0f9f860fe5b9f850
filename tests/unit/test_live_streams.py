"""The responder of server-sent events, spoken to as a server speaks to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from httpx_sse import ServerSentEvent
from httpx_sse._decoders import SSEDecoder

from services.sync.signals import Mailbox, Signal
from services.sync.sse import EventStream, message


def read(stream: bytes) -> list[ServerSentEvent]:
    """The events of a stream, as a client not ours reads them."""
    decoder = SSEDecoder()
    found = [decoder.decode(line) for line in stream.decode().splitlines()]
    return [event for event in found if event is not None]


def told(item: bytes) -> bytes:
    return message(item, event="item")


class Viewer:
    """What a browser's end of the connection does."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.ended = False
        self.may_send = asyncio.Event()
        self.may_send.set()
        self._gone = asyncio.Event()

    async def receive(self) -> dict[str, object]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, part: dict[str, object]) -> None:
        await self.may_send.wait()
        if part["type"] == "http.response.body":
            self.sent.append(part["body"])  # type: ignore[arg-type]
            self.ended = not part.get("more_body")

    def leave(self) -> None:
        self._gone.set()

    def events(self, name: str) -> list[str]:
        return [event.data for event in read(b"".join(self.sent)) if event.event == name]


@asynccontextmanager
async def watching(source: Mailbox[bytes], heartbeat_s: float = 60) -> AsyncIterator[tuple[Viewer, asyncio.Task[None]]]:
    viewer = Viewer()
    stream = EventStream(source, told, name="test", heartbeat_s=heartbeat_s)
    task = asyncio.create_task(stream({}, viewer.receive, viewer.send))  # type: ignore[arg-type]
    try:
        yield viewer, task
    finally:
        viewer.leave()
        viewer.may_send.set()
        await asyncio.wait_for(task, 5)


async def settled(times: int = 20) -> None:
    """Every task that can run has run."""
    for _ in range(times):
        await asyncio.sleep(0)


async def test_tells_each_item_and_ends_when_the_viewer_leaves():
    source: Mailbox[bytes] = Mailbox()
    async with watching(source) as (viewer, task):
        for item in (b"one", b"two"):
            source.put(item)
            await settled()
        assert viewer.events("item") == ["one", "two"]
        assert len(viewer.events("heartbeat")) == 1
        viewer.leave()
        await asyncio.wait_for(task, 5)
        assert viewer.ended


async def test_a_slow_viewer_is_told_the_newest_only():
    source: Mailbox[bytes] = Mailbox()
    async with watching(source) as (viewer, _):
        await settled()
        source.put(b"first")
        viewer.may_send.clear()
        await settled()
        for number in range(100):
            source.put(b"%d" % number)
        viewer.may_send.set()
        await settled()
        assert viewer.events("item") == ["first", "99"]


async def test_silence_has_a_heartbeat():
    async with watching(Mailbox(), heartbeat_s=0.005) as (viewer, _):
        async with asyncio.timeout(5):
            while len(viewer.events("heartbeat")) < 3:
                await asyncio.sleep(0.005)


async def test_a_closed_source_ends_the_stream():
    source: Mailbox[bytes] = Mailbox()
    async with watching(source) as (viewer, task):
        await settled()
        source.signal.close()
        await asyncio.wait_for(task, 5)
        assert viewer.ended


async def test_the_retry_time_differs_between_viewers():
    times = set()
    for _ in range(8):
        async with watching(Mailbox()) as (viewer, _task):
            await settled()
            times.add(viewer.sent[0].split(b"\n")[0])
    assert len(times) > 1
    assert all(1000 <= int(time.split()[1]) <= 4000 for time in times)


@pytest.mark.parametrize("data", [b"{}", b"two\nlines", b"three\r\nlines\n", b"", "è €".encode()])
def test_a_message_is_read_back_as_it_was_written(data: bytes):
    (event,) = read(message(data, event="change", event_id="t1"))
    assert (event.event, event.id) == ("change", "t1")
    assert event.data.splitlines() == data.decode().splitlines()


async def test_a_signal_set_before_the_wait_is_not_lost_and_is_taken_once():
    signal = Signal()
    signal.set()
    assert await signal.wait(0.001)
    assert not await signal.wait(0.001)
    signal.close()
    assert await signal.wait()
    assert await signal.wait()
