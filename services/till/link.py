"""How the till's link to the gateway is: live, coming back, or away; told by when it was last heard of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

Status = Literal["live", "reconnecting", "offline"]

OFFLINE_AFTER = timedelta(seconds=20)


class Link:
    """Told what happens, says how it stands; `on_change` is called when live turns to not live or back."""

    def __init__(self, last_heard_at: datetime | None = None) -> None:
        self.last_heard_at = last_heard_at
        """When the gateway last said anything, in this process or the one before."""
        self.down_since: datetime | None = None
        """Since when it is not live, None while it is."""
        self.started = False
        self.on_change: Callable[[], None] = lambda: None

    def heard(self, now: datetime) -> None:
        """The gateway said something."""
        self.last_heard_at = now
        self.started = True
        if self.down_since is not None:
            self.down_since = None
            self.on_change()

    def lost(self, now: datetime) -> None:
        """The connection ended or could not be made."""
        self.started = True
        if self.down_since is None:
            self.down_since = now
            self.on_change()

    def status(self, now: datetime) -> Status:
        """`offline` once the gateway was silent for 20 s, whatever the connection believes."""
        if self.last_heard_at is None or now - self.last_heard_at > OFFLINE_AFTER:
            return "reconnecting" if self._just_lost(now) else "offline"
        return "live" if self.started and self.down_since is None else "reconnecting"

    def _just_lost(self, now: datetime) -> bool:
        return not self.started or (self.down_since is not None and now - self.down_since <= OFFLINE_AFTER)
