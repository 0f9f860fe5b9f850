"""What touchpoints and the gateway tell each other."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.values import ForeignId, MemberId, Moment
from schemas.wallet import Shape, WalletRecord

TouchpointKind = Literal["till", "web", "app"]
AppliedVia = Literal["snapshot", "stream"]
"""Whether a touchpoint met a version when it filled its replica, or live; only the latter tells about speed."""


class Checkpoint(Shape):
    """Closes a snapshot or a page of changes: everything up to `token` has been sent.

    `epoch` names the log the token belongs to; a snapshot of another epoch than the replica's replaces it whole.
    `more` on a page of changes says that the next page is there already.
    """

    control: Literal["checkpoint"] = "checkpoint"
    token: str
    epoch: str
    count: int
    more: bool = False


class TouchpointReport(Shape):
    """A touchpoint's own word on what it applied; posted as the sync ack and kept, newest per touchpoint."""

    kind: TouchpointKind
    touchpoint_id: ForeignId
    store_id: ForeignId | None = None
    members: Annotated[int, Field(ge=0)]
    versions_total: Annotated[int, Field(ge=0, description="sum of the versions of all wallets held")]
    last_applied_at: Moment | None = None
    last_propagation_ms: int | None = None
    outbox_pending: Annotated[int, Field(ge=0)] = 0
    token: str | None = None
    app_version: str | None = None


class Applied(Shape):
    """One wallet version as one touchpoint applied it; propagation is `applied_at - occurred_at`."""

    member_id: ForeignId
    version: int
    occurred_at: Moment
    recorded_at: Moment
    applied_at: Moment
    via: AppliedVia = "stream"


class WalletRow(Shape):
    """One line of the store sync: what became of one member's wallet.

    `seq` grows with every change of one key within an epoch, so that the newer of two rows is known even when one of
    them deletes; it says nothing across keys. `value` is the whole wallet on `put` and absent on `del`.
    """

    seq: Annotated[int, Field(ge=0)]
    op: Literal["put", "del"]
    kind: Literal["wallet"] = "wallet"
    key: MemberId
    version: Annotated[int, Field(ge=0)]
    occurred_at: Moment
    recorded_at: Moment
    value: WalletRecord | None = None
