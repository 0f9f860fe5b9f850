"""The one clock: every other module is handed its times or asks here."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never runs backwards; for durations only."""
    return time.monotonic()
