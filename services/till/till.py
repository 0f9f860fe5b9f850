"""A till: what it holds, how it stands with the gateway, and who is watching it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from types import TracebackType
from typing import Self

from schemas.api.sync import TouchpointReport
from services.clock import utc_now
from services.metrics import PROPAGATION, TILL_LAST_SYNC, TILL_OUTBOX_PENDING, WALLETS_APPLIED, WALLETS_IGNORED
from services.sync.applied import KEPT, AppliedLog, propagation_ms
from services.sync.signals import Signal
from services.till.link import Link, Status
from services.till.replica import AppliedRow, HeldWallet, Replica
from services.till.rows import Checkpoint, Row

CHANNEL = "till"
APP_VERSION = version("unisono")


class Till:
    """One till of one store, over its replica. All changes of the replica go through here, so that viewers see them."""

    def __init__(self, replica: Replica, store_id: str, till_id: str) -> None:
        self.replica = replica
        self.store_id = store_id
        self.till_id = till_id
        self.link = Link()
        self.link.on_change = self.tell_all
        self.applied = _restored(replica)
        self._viewers: dict[str, set[Viewer]] = {}
        TILL_OUTBOX_PENDING.labels(store_id).set(0)

    @property
    def touchpoint_id(self) -> str:
        """The name under which it reports, that of its events' source."""
        return f"/stores/{self.store_id}/tills/{self.till_id}"

    def apply(self, rows: Sequence[Row], closing: Checkpoint) -> None:
        """Changes up to a checkpoint: in the replica, in the log of what was applied, on every screen."""
        taken = self.replica.apply(rows, closing, utc_now())
        WALLETS_IGNORED.labels(CHANNEL).inc(sum(row.record is not None for row in rows) - len(taken))
        self._note(taken)
        self._tell(row.key for row in rows)

    def finish_snapshot(self, closing: Checkpoint) -> int:
        """The snapshot put aside becomes what is held; how many wallets were newer."""
        taken = self.replica.finish_snapshot(closing, utc_now())
        self._note(taken)
        self.tell_all()
        return len(taken)

    def report(self) -> TouchpointReport:
        """The till's word on what it applied."""
        members, versions = self.replica.totals()
        return TouchpointReport(
            kind="till",
            touchpoint_id=self.touchpoint_id,
            store_id=self.store_id,
            members=members,
            versions_total=versions,
            last_applied_at=self.applied.last_applied_at,
            last_propagation_ms=self.applied.last_propagation_ms,
            token=self.replica.token,
            app_version=APP_VERSION,
        )

    def view(self, member_id: str, after_version: int = 0) -> Viewer:
        """A source for one member's wallet and the state of the link, to enter as a context."""
        return Viewer(self, member_id, after_version)

    def register(self, viewer: Viewer) -> None:
        """Wake this viewer from now on (called by its context)."""
        self._viewers.setdefault(viewer.member_id, set()).add(viewer)

    def forget(self, viewer: Viewer) -> None:
        """Wake it no more (called by its context)."""
        some = self._viewers.get(viewer.member_id, set())
        some.discard(viewer)
        if not some:
            self._viewers.pop(viewer.member_id, None)

    def tell_all(self) -> None:
        """Wake every viewer."""
        self._tell(list(self._viewers))

    def close_viewers(self) -> None:
        """End every live stream."""
        for some in list(self._viewers.values()):
            for viewer in some:
                viewer.signal.close()

    def heard(self) -> None:
        """The gateway said something: the link lives."""
        now = utc_now()
        self.link.heard(now)
        TILL_LAST_SYNC.labels(self.store_id).set(now.timestamp())

    def _tell(self, member_ids: Iterable[str]) -> None:
        for member_id in member_ids:
            for viewer in self._viewers.get(member_id, ()):
                viewer.signal.set()

    def _note(self, taken: Iterable[AppliedRow]) -> None:
        for row in taken:
            _record(self.applied, row)
            WALLETS_APPLIED.labels(CHANNEL).inc()
            if row.via == "stream":
                PROPAGATION.labels(CHANNEL).observe(propagation_ms(row.occurred_at, row.applied_at) / 1000)


@dataclass(frozen=True, slots=True)
class Seen:
    """What changed for a viewer: a wallet (None: no newer one), or its end, or only the link."""

    wallet: HeldWallet | None
    gone: bool
    status: Status | None


class Viewer:
    """One member's wallet as the till holds it, each version once, and each change of the link."""

    def __init__(self, till: Till, member_id: str, after_version: int) -> None:
        self.signal = Signal()
        self.member_id = member_id
        self._till = till
        self._version = after_version
        self._status: Status | None = None

    def take(self) -> Seen | None:
        """What is new since the last take."""
        held = self._till.replica.wallet(self.member_id)
        gone = held is None and self._version > 0
        newer = held if held is not None and held.version != self._version else None
        status = self._till.link.status(utc_now())
        turned = None if status == self._status else status
        self._version, self._status = (held.version if held else 0), status
        return Seen(newer, gone, turned) if newer or gone or turned else None

    async def __aenter__(self) -> Self:
        self._till.register(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._till.forget(self)


def _restored(replica: Replica) -> AppliedLog:
    """The log as the last process left it, under the same indexes."""
    rows = list(replica.applied())
    log = AppliedLog(KEPT, first_index=rows[0].index if rows else 1)
    for row in rows:
        _record(log, row)
    return log


def _record(log: AppliedLog, row: AppliedRow) -> None:
    assert row.index == log.next_index, (row.index, log.next_index)
    log.record(
        row.member_id,
        row.version,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        applied_at=row.applied_at,
        via=row.via,
    )
