"""Viewers of one thing share one room: it is rendered once a change and language, and the same bytes go to everyone.

A room begins with its first viewer and ends with its last.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Generic, Self, TypeVar

import orjson
import structlog
from typing_extensions import override

from services.clock import utc_now
from services.console.formats import Formats
from services.sync.signals import Mailbox
from services.sync.sse import EventStream, message

log = structlog.get_logger(__name__)

K = TypeVar("K", bound=Hashable)


class Room(ABC):
    """What is shown, per language, to the viewers in it."""

    def __init__(self) -> None:
        self._viewers: dict[str, set[Viewer]] = {}
        self._shown: dict[str, bytes] = {}

    @abstractmethod
    async def run(self) -> None:
        """Keep what is shown up to date, calling `show()` after each change, until cancelled."""

    @abstractmethod
    def render(self, language: str) -> str | None:
        """The fragments as they are now; None when there is nothing to show yet."""

    @property
    def empty(self) -> bool:
        """Whether the last viewer has left."""
        return not self._viewers

    def show(self) -> None:
        """Render for each language that is looked at, and tell the viewers where it differs from before."""
        for language, viewers in self._viewers.items():
            if self._renew(language):
                for viewer in viewers:
                    viewer.put(self._shown[language])

    def _renew(self, language: str) -> bool:
        html = self.render(language)
        rendered = message(html.encode(), event="html") if html is not None else b""
        if rendered == self._shown.get(language, b""):
            return False
        self._shown[language] = rendered
        return True

    def welcome(self, viewer: Viewer) -> None:
        """One viewer more: it is shown the whole of what is known now."""
        self._viewers.setdefault(viewer.language, set()).add(viewer)
        self._renew(viewer.language)
        if self._shown.get(viewer.language):
            viewer.put(self._shown[viewer.language])

    def farewell(self, viewer: Viewer) -> None:
        """One viewer less; a language nobody looks at is rendered no more."""
        viewers = self._viewers[viewer.language]
        viewers.discard(viewer)
        if not viewers:
            del self._viewers[viewer.language]
            self._shown.pop(viewer.language, None)


class Viewer(Mailbox[bytes]):
    """One open stream: the source an EventStream reads."""

    def __init__(self, language: str, enter: Callable[[Viewer], None], leave: Callable[[Viewer], None]) -> None:
        super().__init__()
        self.language = language
        self._enter = enter
        self._leave = leave

    @override
    async def __aenter__(self) -> Self:
        self._enter(self)
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(self)


class Rooms(Generic[K]):
    """The open rooms by key; `make` builds the room of a key."""

    def __init__(self, make: Callable[[K], Room], name: str) -> None:
        self._make = make
        self._name = name
        self._open: dict[K, tuple[Room, asyncio.Task[None]]] = {}
        self._viewers: set[Viewer] = set()

    def viewer(self, key: K, language: str) -> Viewer:
        """A source for one stream; it enters the key's room when it is entered."""
        return Viewer(language, lambda viewer: self._enter(key, viewer), lambda viewer: self._leave(key, viewer))

    def room(self, key: K) -> Room | None:
        """The open room of a key."""
        found = self._open.get(key)
        return found[0] if found else None

    def close(self) -> None:
        """End every stream, so that a stopping server waits for nobody."""
        for viewer in list(self._viewers):
            viewer.signal.close()

    def _enter(self, key: K, viewer: Viewer) -> None:
        if key not in self._open:
            room = self._make(key)
            self._open[key] = (room, asyncio.create_task(_keep(room, self._name), name=f"{self._name}-room"))
        self._viewers.add(viewer)
        self._open[key][0].welcome(viewer)

    def _leave(self, key: K, viewer: Viewer) -> None:
        self._viewers.discard(viewer)
        room, task = self._open[key]
        room.farewell(viewer)
        if room.empty:
            task.cancel()
            del self._open[key]


async def _keep(room: Room, name: str) -> None:
    """Run the room; a fault of ours in it must not leave its viewers with an old page and no word."""
    while True:
        try:
            await room.run()
        except Exception:
            log.exception("room_failed", room=name)
            await asyncio.sleep(1)
        else:
            return


def stream(viewer: Viewer, formats: Formats, *, name: str, fresh: Callable[[], bool]) -> EventStream[bytes]:
    """The viewer's stream. Its heartbeats say the time as the page will show it and whether what is shown is fresh."""

    def beat() -> bytes:
        now = formats.clock_exact(utc_now())
        return message(orjson.dumps({"clock": now, "fresh": fresh()}), event="heartbeat")

    return EventStream(viewer, lambda html: html + beat(), name=name, beat=beat)
