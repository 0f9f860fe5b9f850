"""What a touchpoint applied and when: the evidence for propagation and skew, kept by the touchpoint itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from schemas.api.sync import Applied, AppliedVia
from schemas.values import rfc3339

KEPT = 20_000
NDJSON = "application/x-ndjson"


class AppliedLog:
    """The newest applied versions, each under an index that only grows; the oldest fall off."""

    def __init__(self, kept: int = KEPT, *, first_index: int = 0) -> None:
        self._ring: deque[tuple[str, int, datetime, datetime, datetime, AppliedVia]] = deque(maxlen=kept)
        self.next_index = first_index
        self.last_applied_at: datetime | None = None
        self.last_propagation_ms: int | None = None

    def record(
        self,
        member_id: str,
        version: int,
        *,
        occurred_at: datetime,
        recorded_at: datetime,
        applied_at: datetime,
        via: AppliedVia = "stream",
    ) -> None:
        """Remember that this touchpoint shows this version since `applied_at`.

        `via` is "snapshot" for what was old already when this process first saw it: it says nothing about speed.
        """
        self._ring.append((member_id, version, occurred_at, recorded_at, applied_at, via))
        self.next_index += 1
        self.last_applied_at = applied_at
        if via == "stream":
            self.last_propagation_ms = propagation_ms(occurred_at, applied_at)

    def since(self, index: int) -> Iterator[tuple[int, Applied]]:
        """(index, what was applied) from an index on, or from the oldest still kept."""
        first = self.next_index - len(self._ring)
        start = max(index, first)
        entries = enumerate(islice(self._ring, start - first, None), start)
        for at, (member_id, version, occurred_at, recorded_at, applied_at, via) in entries:
            yield (
                at,
                Applied(
                    member_id=member_id,
                    version=version,
                    occurred_at=occurred_at,
                    recorded_at=recorded_at,
                    applied_at=applied_at,
                    via=via,
                ),
            )

    def ndjson(self, since: int, lines_max: int = KEPT) -> bytes:
        """The same as lines of JSON: `index` and the fields of schemas.api.sync.Applied."""
        first = self.next_index - len(self._ring)
        start = max(since, first)
        return b"".join(
            orjson.dumps(
                {
                    "index": at,
                    "member_id": member_id,
                    "version": version,
                    "occurred_at": rfc3339(occurred_at),
                    "recorded_at": rfc3339(recorded_at),
                    "applied_at": rfc3339(applied_at),
                    "via": via,
                },
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for at, (member_id, version, occurred_at, recorded_at, applied_at, via) in enumerate(
                islice(self._ring, start - first, start - first + lines_max), start
            )
        )


def propagation_ms(occurred_at: datetime, applied_at: datetime) -> int:
    """Milliseconds from the source to the touchpoint; 0 when the source's clock runs ahead of ours."""
    return max(0, round((applied_at - occurred_at).total_seconds() * 1000))


def applied_router(log: AppliedLog) -> APIRouter:
    """`GET /v1/applied?since=<index>`: ndjson; ask again from the last line's index + 1. A gap means lines fell off."""
    router = APIRouter()

    @router.get("/v1/applied", summary="What this touchpoint applied, from an index on")
    async def applied(
        since: Annotated[int, Query(ge=0, description="First index wanted")] = 0,
        limit: Annotated[int, Query(ge=1, le=KEPT)] = KEPT,
    ) -> Response:
        return Response(log.ndjson(since, limit), media_type=NDJSON, headers={"cache-control": "no-store"})

    return router
