"""An HTTP server inside the running loop: listens before it says so, and stops in two seconds whoever watches."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import structlog
import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

log = structlog.get_logger(__name__)

GRACE_S = 2
_BACKLOG = 2048


class CannotListen(Exception):
    """The address is taken or not ours; one sentence."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Where a server listens, and the task that runs it."""

    host: str
    port: int
    task: asyncio.Task[None]

    @property
    def url(self) -> str:
        """Its address without a path."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process decides when to stop, and in which order."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, *, host: str, port: int, role: str, before_stop: Callable[[], None] | None = None
) -> AsyncIterator[Serving]:
    """Serves the application until left; port 0 takes a free one. Raises CannotListen.

    `before_stop` ends live streams (see WalletFeed.close_subscriptions): a server waits for its open answers.
    """
    listener = listen(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name=f"{role}-server")
    where = Serving(host, listener.getsockname()[1], task)
    log.info("listening", role=role, url=where.url)
    try:
        yield where
    finally:
        if before_stop is not None:
            before_stop()
        server.should_exit = True
        try:
            await asyncio.wait_for(task, GRACE_S + 1)
        except TimeoutError:
            log.warning("server_cut_off", role=role)
        finally:
            listener.close()


async def until_stopped(where: Serving) -> None:
    """Returns at SIGINT or SIGTERM, or when the server ended by itself."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    where.task.add_done_callback(lambda _task: told.set())
    await told.wait()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's delay off only for sockets that name their protocol: 40 ms an update without it.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise CannotListen(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener
