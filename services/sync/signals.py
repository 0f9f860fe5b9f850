"""Waking a reader without a queue: it is told that something is new, and takes the newest when it gets to it."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Signal:
    """A flag one task waits for, with a bound, at the cost of one future and one timer; stays set until taken."""

    __slots__ = ("_set", "_waiter", "closed")

    def __init__(self) -> None:
        self._set = False
        self._waiter: asyncio.Future[None] | None = None
        self.closed = False

    def set(self) -> None:
        """Wake the reader now, or at its next wait."""
        self._set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """Nothing more will come: wake the reader for good."""
        self.closed = True
        self.set()

    async def wait(self, timeout_s: float | None = None) -> bool:
        """True when set (or closed) within the time, which unsets it; False when the time passed."""
        if not self._set and not self.closed:
            loop = asyncio.get_running_loop()
            self._waiter = waiter = loop.create_future()
            timer = None if timeout_s is None else loop.call_later(timeout_s, _expire, waiter)
            try:
                await waiter
            finally:
                self._waiter = None
                if timer is not None:
                    timer.cancel()
        was_set, self._set = self._set, False
        return was_set or self.closed


def _expire(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class Source(Protocol[T_co]):
    """What a live stream reads: `take()` gives the newest not yet taken, or None; `signal` says when to look again."""

    signal: Signal

    def take(self) -> T_co | None:
        """The newest not yet taken, None when there is none."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Mailbox(Generic[T]):
    """A source somebody else fills: a queue of one, in which the newest wins."""

    def __init__(self) -> None:
        self.signal = Signal()
        self._newest: T | None = None

    def put(self, item: T) -> None:
        """Replace whatever was not yet taken."""
        self._newest = item
        self.signal.set()

    def take(self) -> T | None:
        """What was put last and not yet taken."""
        newest, self._newest = self._newest, None
        return newest

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.signal.close()
