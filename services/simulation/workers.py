"""The same function over many chunks, in several processes; results come in the order of the chunks."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Work = AbstractContextManager[Callable[[T], R]]
"""A function that holds something open as long as it is needed."""

SMALL_BYTES = 8 * 1024 * 1024
"""Files of no more than this together are done before another process has even started."""

_WAITING = 3
"""Chunks on their way for each process: enough that none waits, and memory stays bounded."""


def processes(size: int, asked: int | None = None) -> int:
    """How many processes for so many bytes of events: as many as asked for, else one for each CPU, or one."""
    return asked or (1 if size <= SMALL_BYTES else os.cpu_count() or 1)


def in_order(jobs: int, make: Callable[[], Work[T, R]], chunks: Iterable[T]) -> Iterator[R]:
    """`make()` makes the function, once in each process; chunks are taken no faster than results are."""
    if jobs == 1:
        with make() as work:
            yield from map(work, chunks)
        return
    # Not forked: a copy of a process with threads (a progress bar has one) may never wake up.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(make,)) as pool:
        waiting: deque[Future[R]] = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(_work, chunk))
                if len(waiting) > jobs * _WAITING:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


_made: list[Callable[[Any], Any]] = []
"""In a process of the pool: the function it was made for."""
_open = ExitStack()


def _begin(make: Callable[[], Work[Any, Any]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to everybody; the first process tidies up
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _made[:] = [_open.enter_context(make())]


def _leave_with_parent() -> None:
    """Nobody else tells us that the first process was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(chunk: Any) -> Any:
    return _made[0](chunk)
