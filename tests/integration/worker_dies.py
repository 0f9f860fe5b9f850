"""A worker that kills itself (-9) at a step of the relay: `send`, before anything leaves; `delete`, after the acks."""

from __future__ import annotations

import os
import signal
import sys

from services.cli.worker import worker
from services.store.relay import RelaySession
from streams.relay import Relay


async def die(*_: object) -> None:
    """In place of the step."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    owner, step = {"send": (Relay, "_send"), "delete": (RelaySession, "delete")}[sys.argv[1]]
    setattr(owner, step, die)
    worker()
