"""The gateway's application: HTTP for retail systems, tills and apps (docs/integration.md, docs/tills.md)."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from services.gateway import events, stores, wallets
from services.gateway.deps import GatewayDeps
from services.health import Health
from services.problems import install

_ABOUT = """Events in; wallets out, once or live; store replicas.

Errors are RFC 9457 problems; the types are listed in docs/integration.md. There are no keys yet: bind it to an address
that only your own systems reach (the default is 127.0.0.1)."""


def create_app(deps: GatewayDeps) -> FastAPI:
    """The application over what it works with; whoever made the deps opens and closes them."""
    app = _application()
    app.state.deps = deps
    app.router.routes.extend(gateway_health(deps).routes())
    return app


def gateway_health(deps: GatewayDeps) -> Health:
    """Ready once the wallets are complete and events can be taken; the database is no condition of either."""

    async def wallets_complete() -> bool:
        return deps.feed.is_caught_up

    async def kafka_answers() -> bool:
        return deps.feed.connected and deps.writer.ready

    return Health("gateway", {"wallets": wallets_complete, "kafka": kafka_answers})


def openapi_document() -> dict[str, Any]:
    """The OpenAPI 3.1 description, without any server."""
    return _application().openapi()


def _application() -> FastAPI:
    app = FastAPI(
        title="Unisono gateway",
        version=version("unisono"),
        description=_ABOUT,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    install(app)
    for group in (events, wallets, stores):
        app.include_router(group.router)
    return app
