"""This process as a touchpoint: what its pages can show since when, and its own report about it.

A page shows a version from the moment the feed holds it, so that moment is `applied_at`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from schemas.api.sync import TouchpointReport
from services.clock import monotonic, utc_now
from services.metrics import PROPAGATION, WALLETS_APPLIED
from services.sync.applied import AppliedLog
from services.sync.feed import WalletFeed
from services.sync.index import FeedWallet

log = structlog.get_logger(__name__)

REPORT_EVERY_S = 1.0
REPORT_ANYWAY_S = 5.0
"""So that a quiet hour does not look like a silent process."""
_CHANNEL = "web"

Witness = Callable[[FeedWallet, datetime], None]
"""Called with what was applied and when."""


class Reports(Protocol):
    """Where reports are kept; services.store.books.Books is one."""

    async def report(self, report: TouchpointReport) -> None:
        """Keep it as this touchpoint's newest."""
        ...


class WebTouchpoint:
    """Follows the feed: writes the applied log, observes propagation, and reports once a second while things change."""

    def __init__(self, feed: WalletFeed, touchpoint_id: str, app_version: str) -> None:
        self.applied = AppliedLog()
        self._feed = feed
        self._touchpoint_id = touchpoint_id
        self._app_version = app_version
        self._versions: dict[str, int] = {}
        self._versions_total = 0
        self._seen_before: Sequence[int] | None = None
        self._witnesses: dict[str, set[Witness]] = {}

    @contextlib.contextmanager
    def witness(self, member_id: str, told: Witness) -> Iterator[None]:
        """While entered, `told` hears of each version of the member with the same instant that the log keeps."""
        self._witnesses.setdefault(member_id, set()).add(told)
        try:
            yield
        finally:
            self._witnesses[member_id].discard(told)
            if not self._witnesses[member_id]:
                del self._witnesses[member_id]

    async def follow(self) -> None:
        """Record what the feed applies, until cancelled."""
        while True:
            async with self._feed.subscribe_all() as changes:
                self._begin()
                while not changes.signal.closed:
                    if self._seen_before is None and self._feed.is_caught_up:
                        # What lies there when we first look was applied by an earlier process: no measure of speed.
                        self._seen_before = self._feed.positions
                    if (page := changes.take()) is not None:
                        self._apply(page)
                    else:
                        await changes.signal.wait()
            # The log was made anew, or the feed is closing; the pause keeps the latter from spinning.
            await asyncio.sleep(0.1)

    async def report(self, reports: Reports) -> None:
        """Report changes at most once a second, and now and then anyway, until cancelled; a failure is tried again."""
        reported: TouchpointReport | None = None
        reported_at = 0.0
        while True:
            current = self.state()
            due = current != reported or monotonic() - reported_at >= REPORT_ANYWAY_S
            if due and self._feed.is_caught_up:
                try:
                    await reports.report(current)
                    reported, reported_at = current, monotonic()
                except Exception as error:  # noqa: BLE001 - the books may be away in many ways; pages go on without them
                    log.warning("touchpoint_report_failed", error=repr(error))
            await asyncio.sleep(REPORT_EVERY_S)

    def state(self) -> TouchpointReport:
        """What this touchpoint would report now."""
        return TouchpointReport(
            kind="web",
            touchpoint_id=self._touchpoint_id,
            members=len(self._versions),
            versions_total=self._versions_total,
            last_applied_at=self.applied.last_applied_at,
            last_propagation_ms=self.applied.last_propagation_ms,
            app_version=self._app_version,
        )

    def _begin(self) -> None:
        self._versions, self._versions_total, self._seen_before = {}, 0, None

    def _apply(self, page: Sequence[FeedWallet]) -> None:
        now = utc_now()
        before = self._seen_before
        assert before is not None, "a feed gives no page before it is caught up"
        live = 0
        for wallet in page:
            self._versions_total -= self._versions.pop(wallet.member_id, 0)
            if wallet.record is None:
                continue
            self._versions[wallet.member_id] = wallet.version
            self._versions_total += wallet.version
            old = wallet.offset < before[wallet.partition]
            self._record(wallet, now, old=old)
            live += not old
        WALLETS_APPLIED.labels(channel=_CHANNEL).inc(live)

    def _record(self, wallet: FeedWallet, now: datetime, *, old: bool) -> None:
        self.applied.record(
            wallet.member_id,
            wallet.version,
            occurred_at=wallet.occurred_at,
            recorded_at=wallet.recorded_at,
            applied_at=now,
            via="snapshot" if old else "stream",
        )
        if not old:
            PROPAGATION.labels(channel=_CHANNEL).observe(max(0.0, (now - wallet.occurred_at).total_seconds()))
        for told in tuple(self._witnesses.get(wallet.member_id, ())):
            told(wallet, now)
