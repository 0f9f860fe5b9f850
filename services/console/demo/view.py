"""What the demo page shows, and the room in which the three panes run while somebody looks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from typing_extensions import override

from schemas.wallet import WalletRecord
from services.clock import utc_now
from services.console.demo.figures import PANES, Figure, Figures
from services.console.demo.panes import Pane, follow
from services.console.rooms import Room
from services.console.touchpoint import WebTouchpoint
from services.console.voices import Voice
from services.settings import Settings
from services.sync.feed import WalletFeed
from services.sync.index import FeedWallet
from services.sync.signals import Signal

_PAINT_S = 0.03
"""Panes may change together; the page is painted once for all of them. What is measured was noted before."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the demo page needs of the process."""

    settings: Settings
    feed: WalletFeed
    touchpoint: WebTouchpoint
    voices: Mapping[str, Voice]

    @property
    def gateway_url(self) -> str:
        """Where the app's client and the buttons find the gateway."""
        return self.settings.gateway_url or f"http://{self.settings.host}:{self.settings.gateway_port}"

    @property
    def stores(self) -> list[str]:
        """Stores whose till can be shown."""
        return sorted(self.settings.till_urls)

    def held(self, member_id: str) -> WalletRecord | None:
        """The wallet as the web account holds it."""
        held = self.feed.get(member_id)
        return WalletRecord.model_validate_json(held.record) if held and held.record else None

    def figures_fragment(self, figures: Figures, language: str) -> str:
        """`#figures`: the four numbers."""
        voice = self.voices[language]
        told = {name: _told(voice, figures.propagation(name)) for name in PANES}
        return voice.page("demo/figures.html", figures=told, skew=_told(voice, figures.skew))

    def panes_fragment(self, panes: Mapping[str, Pane], store: str, language: str) -> str:
        """`#panes`: the three touchpoints."""
        voice, now = self.voices[language], utc_now()
        said = {name: _said(voice, pane, now) for name, pane in panes.items()}
        return voice.page("demo/panes.html", panes=said, store=store)

    def quiet_panes(self, member_id: str) -> dict[str, Pane]:
        """The panes before anything runs: the web account already knows its wallet."""
        panes = {name: Pane(name) for name in PANES}
        panes["web"].record = self.held(member_id)
        if not self.stores:
            panes["till"].state = "absent"
        return panes


class DemoRoom(Room):
    """Everyone who watches one member in one store; the clients live as long as somebody does."""

    def __init__(self, stage: Stage, member_id: str, store: str) -> None:
        super().__init__()
        self._stage = stage
        self._member_id = member_id
        self._store = store
        self._panes = stage.quiet_panes(member_id)
        self._figures = Figures()
        self._changed = Signal()

    @override
    async def run(self) -> None:
        web = self._panes["web"]
        web.record = self._stage.held(self._member_id)
        with self._stage.touchpoint.witness(self._member_id, self._web_applied):
            async with asyncio.TaskGroup() as clients:
                clients.create_task(self._follow("app", self._stage.gateway_url))
                if till_url := self._stage.settings.till_urls.get(self._store):
                    clients.create_task(self._follow("till", till_url))
                while True:
                    web.turn("live" if self._stage.feed.connected and self._stage.feed.is_caught_up else "away")
                    self.show()
                    await asyncio.sleep(_PAINT_S)
                    await self._changed.wait(1.0)

    @override
    def render(self, language: str) -> str | None:
        figures = self._stage.figures_fragment(self._figures, language)
        return figures + self._stage.panes_fragment(self._panes, self._store, language)

    async def _follow(self, name: str, url: str) -> None:
        await follow(self._panes[name], url, self._member_id, self._figures, self._changed.set)

    def _web_applied(self, wallet: FeedWallet, applied_at: datetime) -> None:
        assert wallet.record is not None
        record = WalletRecord.model_validate_json(wallet.record)
        self._panes["web"].take(record, applied_at, self._figures, old=False)
        self._changed.set()


def _said(voice: Voice, pane: Pane, now: datetime) -> dict[str, object]:
    shown = None if pane.milliseconds is None else voice.formats.milliseconds(pane.milliseconds)
    return {
        "state": pane.state,
        "since": voice.formats.clock_exact(pane.since) if pane.since else "",
        "wallet": voice.speaker.wallet(pane.record, now) if pane.record else None,
        "milliseconds": shown,
    }


def _told(voice: Voice, figure: Figure | None) -> dict[str, str] | None:
    if figure is None:
        return None
    said = {name: voice.formats.milliseconds(getattr(figure, name)) for name in ("last", "median", "worst")}
    return {**said, "count": voice.formats.number(figure.count)}
