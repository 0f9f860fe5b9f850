"""`unisono worker`: intake, decide, commit and relay for the partitions the group gives it."""

from __future__ import annotations


def worker() -> None:
    """Apply events to the books and publish what changed, until stopped."""
    import asyncio

    import uvloop
    from faust.worker import Worker

    from streams.app import app, settings

    # Small batches cost mostly the event loop; uvloop's is several times cheaper than the standard one.
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    Worker(app, loglevel=settings.log_level, loop=loop).execute_from_commandline()
