"""What touchpoints and the gateway tell each other (INTERFACES: HTTP, store sync)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.values import ForeignId, Moment
from schemas.wallet import Shape

TouchpointKind = Literal["till", "web", "app"]


class Checkpoint(Shape):
    """Closes a snapshot or a page of changes: everything up to `token` has been sent."""

    control: Literal["checkpoint"] = "checkpoint"
    token: str
    count: int


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
