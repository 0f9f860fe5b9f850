"""What the gateway's routes work with; made by the process, handed to the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.gateway.writer import EventWriter
from services.problems import unavailable
from services.settings import Settings
from services.store.at_hand import BooksAtHand
from services.sync.feed import WalletFeed


@dataclass(frozen=True, slots=True)
class GatewayDeps:
    """The feed of wallets, the writer of events, the books and the settings that bound what is accepted."""

    feed: WalletFeed
    writer: EventWriter
    books: BooksAtHand
    settings: Settings


def _deps(request: Request) -> GatewayDeps:
    deps: GatewayDeps = request.app.state.deps
    return deps


def _feed(request: Request) -> WalletFeed:
    feed = _deps(request).feed
    if not feed.is_caught_up:
        raise unavailable("the wallets are still being read from Kafka")
    return feed


Deps = Annotated[GatewayDeps, Depends(_deps)]
Feed = Annotated[WalletFeed, Depends(_feed)]
"""The feed, once it is complete; 503 before."""
