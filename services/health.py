"""What an orchestrator asks a process: alive? ready? which version? And Prometheus: how much of everything?"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import structlog
import uvicorn
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from typing_extensions import override

from services.metrics import BUILD
from services.settings import Settings

log = structlog.get_logger(__name__)

CHECK_TIMEOUT_S = 2.0
Check = Callable[[], Awaitable[bool]]


class Health:
    """A role and the named checks that make it ready; a check that fails, raises or takes over 2 s makes it not."""

    def __init__(self, role: str, checks: Mapping[str, Check]) -> None:
        self.role = role
        self._checks = dict(checks)

    async def readiness(self) -> dict[str, str]:
        """Each check's word: `ok`, or in what way it failed (never an exception's text: it may hold an address)."""
        words = await asyncio.gather(*(_judge(check) for check in self._checks.values()))
        return dict(zip(self._checks, words, strict=True))

    def routes(self) -> Sequence[BaseRoute]:
        """/livez, /readyz and /version, to add to a role's own application too."""
        return (
            Route("/livez", self._livez, methods=["GET"]),
            Route("/readyz", self._readyz, methods=["GET"]),
            Route("/version", self._version, methods=["GET"]),
        )

    async def _livez(self, _request: Request) -> Response:
        return JSONResponse({"role": self.role, "status": "alive"})

    async def _readyz(self, _request: Request) -> Response:
        checks = await self.readiness()
        ready = all(word == "ok" for word in checks.values())
        body = {"role": self.role, "status": "ready" if ready else "not ready", "checks": checks}
        return JSONResponse(body, status_code=200 if ready else 503, headers={"cache-control": "no-store"})

    async def _version(self, _request: Request) -> Response:
        return JSONResponse({"name": "unisono", "version": version("unisono"), "role": self.role})


async def _judge(check: Check) -> str:
    try:
        return "ok" if await asyncio.wait_for(check(), CHECK_TIMEOUT_S) else "failed"
    except TimeoutError:
        return f"no answer within {CHECK_TIMEOUT_S:g} s"
    except Exception as error:  # noqa: BLE001 - a check that raises is an answer too, whatever it raises
        log.warning("readiness_check_raised", error=repr(error))
        return f"raised {type(error).__name__}"


@dataclass(frozen=True, slots=True)
class HealthServer:
    """Where the health and metrics server listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Its address without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@contextlib.asynccontextmanager
async def serve_health(
    settings: Settings, health: Health, *, registry: CollectorRegistry = REGISTRY
) -> AsyncIterator[HealthServer]:
    """Listens on settings.host:settings.metrics_port in the running loop until left; OSError when the port is taken.

    Installs no signal handlers and creates no loop, so it lives inside any host, a Faust worker too.
    """
    BUILD.info({"version": version("unisono"), "role": health.role})
    app = Starlette(routes=[*health.routes(), _metrics_route(registry)])
    listener = _listen(settings.host, settings.metrics_port)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=1
    )
    server = _QuietServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="health-server")
    where = HealthServer(settings.host, listener.getsockname()[1])
    log.info("health_listening", role=health.role, url=where.url)
    try:
        yield where
    finally:
        server.should_exit = True
        try:
            await asyncio.wait_for(serving, timeout=3)
        except TimeoutError:
            log.warning("health_server_cut_off", role=health.role)
        finally:
            listener.close()


class _QuietServer(uvicorn.Server):
    """uvicorn without its signal handlers: the process that hosts us has its own."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _metrics_route(registry: CollectorRegistry) -> Route:
    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    return Route("/metrics", metrics, methods=["GET"])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(64)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot serve metrics on {host}:{port}: {error.strerror}") from error
    return listener
