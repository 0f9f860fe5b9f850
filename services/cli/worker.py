"""`unisono worker`: intake, decide, commit and relay for the partitions the group gives it."""

from __future__ import annotations


def worker() -> None:
    """Apply events to the books and publish what changed, until stopped."""
    from faust.worker import Worker

    from streams.app import app, settings

    Worker(app, loglevel=settings.log_level).execute_from_commandline()
