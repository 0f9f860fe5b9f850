"""`unisono till run`: a store till with its own replica of the wallets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

if TYPE_CHECKING:
    from services.settings import Settings
    from services.till.till import Till

till_app = typer.Typer(no_args_is_help=True, help="Run a store till with its own replica of the wallets.")


@till_app.callback()
def _till() -> None:
    """Run a store till with its own replica of the wallets."""


@till_app.command()
def run(
    store: Annotated[str, typer.Option(help="The store's id, e.g. 114.")],
    till: Annotated[str, typer.Option(help="The till's id in its store.")] = "1",
    port: Annotated[int | None, typer.Option(help="Port of the till's own page; 0 takes a free one.")] = None,
    gateway: Annotated[str | None, typer.Option(help="Where the gateway answers, e.g. http://127.0.0.1:8080.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the replica; one till a folder.")] = None,
) -> None:
    """Follow the gateway and show what the cashier sees, with the network or without it, until stopped."""
    from services.cli.errors import UsageError
    from services.serving import CannotListen
    from services.settings import Settings
    from services.telemetry import configure_logging
    from services.till.replica import Replica, ReplicaTaken
    from services.till.till import Till

    if not 1 <= len(store) <= 64 or not 1 <= len(till) <= 32:
        raise UsageError("--store takes 1 to 64 characters, --till 1 to 32")
    settings = Settings()
    configure_logging(settings)
    address = gateway or settings.gateway_url or f"http://{settings.host}:{settings.gateway_port}"
    if not address.startswith(("http://", "https://")):
        raise UsageError(f"the gateway's address {address!r} does not begin with http:// or https://")
    folder = data or settings.home / "tills" / quote(f"{store}-{till}", safe="")
    try:
        replica = Replica(folder)
    except ReplicaTaken as error:
        raise UsageError(str(error)) from None
    try:
        asyncio.run(_serve(settings, Till(replica, store, till), address, settings.till_port if port is None else port))
    except CannotListen as error:
        raise UsageError(str(error)) from None
    finally:
        replica.close()


async def _serve(settings: Settings, till: Till, gateway_url: str, port: int) -> None:
    from services.health import serve_health
    from services.serving import serving, until_stopped
    from services.till.app import create_app, till_health
    from services.till.follow import follow, open_client, report

    async with (
        serve_health(settings, till_health(till)),
        serving(
            create_app(till, settings), host=settings.host, port=port, role="till", before_stop=till.close_viewers
        ) as where,
        open_client(gateway_url) as client,
        asyncio.TaskGroup() as tasks,
    ):
        background = [tasks.create_task(follow(till, client)), tasks.create_task(report(till, client))]
        await until_stopped(where)
        for task in background:
            task.cancel()
