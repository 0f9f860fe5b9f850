"""`POST /v1/events`: retail systems hand in what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
import structlog
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from schemas.envelope import BATCH, JSON, STRUCTURED
from schemas.events.catalogue import EVENT_TYPES
from services.clock import utc_now
from services.gateway.deps import Deps
from services.gateway.intake import BATCH_EVENTS_MAX, BODY_BYTES_MAX, Invalid, Valid, is_batch, read
from services.gateway.writer import EventWriter, KafkaAway
from services.ledger.validate import TimeWindow
from services.metrics import INGESTED
from services.problems import Problem, unavailable
from services.store.at_hand import BooksAtHand
from services.store.faults import TRANSIENT

log = structlog.get_logger(__name__)
router = APIRouter(tags=["events"])

_KNOWN_WITHIN_S = 0.5


class EventResult(BaseModel):
    """What became of one event; `problem` says why it was refused."""

    source: str | None
    id: str | None
    status: Literal["accepted", "refused"]
    duplicate: Annotated[bool, Field(description="Recorded before; true only where that is known already")] = False
    problem: dict[str, Any] | None = None


class EventResults(BaseModel):
    """One result for each event of a batch, in its order."""

    results: list[EventResult]


_ATTRIBUTES = ("id", "source", "specversion", "type", "time", "subject")
_CLOUD_EVENT = {
    "type": "object",
    "required": ["id", "source", "specversion", "type", "time", "data"],
    "properties": {
        "id": {"type": "string", "maxLength": 128},
        "source": {"type": "string", "maxLength": 256, "examples": ["/stores/114/tills/3"]},
        "specversion": {"const": "1.0"},
        "type": {"enum": sorted(EVENT_TYPES)},
        "time": {"type": "string", "format": "date-time", "description": "when it happened"},
        "subject": {"type": "string", "description": "the member id"},
        "data": {"type": "object", "description": "as the JSON Schema of the type says"},
    },
}
_REQUEST = {
    "requestBody": {
        "required": True,
        "content": {
            STRUCTURED: {"schema": _CLOUD_EVENT},
            BATCH: {"schema": {"type": "array", "maxItems": BATCH_EVENTS_MAX, "items": _CLOUD_EVENT}},
            JSON: {"schema": {"type": "object", "description": "data alone, the attributes in ce- headers"}},
        },
    },
    "parameters": [
        {"name": f"ce-{name}", "in": "header", "required": False, "schema": {"type": "string"}} for name in _ATTRIBUTES
    ],
}


@router.post(
    "/v1/events",
    status_code=202,
    summary="Hand in one event or a batch",
    response_model=EventResult | EventResults,
    openapi_extra=_REQUEST,
    responses={
        413: {"description": f"More than {BODY_BYTES_MAX} bytes or {BATCH_EVENTS_MAX} events"},
        422: {"description": "The event, or every event of the batch, is refused"},
        503: {"description": "Kafka did not acknowledge: send the same again"},
    },
)
async def ingest(request: Request, deps: Deps) -> Response:
    """Accepted means: acknowledged by Kafka. An event sent again counts once; its source and id say which it is.

    In a batch each event is judged by itself, a bad one does not refuse the others.
    """
    body = await _bounded(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    window = TimeWindow(deps.settings.lateness_horizon, deps.settings.future_tolerance)
    judged = read(headers, body, utc_now(), window)
    valid = [one for one in judged if isinstance(one, Valid)]
    known = await _known(deps.books, valid)
    await _write(deps.writer, valid)
    results = [_result(one, known) for one in judged]
    _count(results)
    if is_batch(headers):
        return _batch_answer(results)
    if isinstance(judged[0], Invalid):
        raise judged[0].problem()
    return _answer(202, results[0])


async def _bounded(request: Request) -> bytes:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem("unsupported-media-type", "content-encoding is not taken: send the body as it is")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise Problem("too-large", f"the body is larger than {BODY_BYTES_MAX} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


async def _known(books: BooksAtHand, valid: Sequence[Valid]) -> set[tuple[str, str]]:
    """Which events are recorded already; none when the database is slow or away: it only informs the sender."""
    if books.books is None or not valid:
        return set()
    keys = [(one.event.source, one.event.id) for one in valid]
    try:
        return await asyncio.wait_for(books.books.known_events(keys), _KNOWN_WITHIN_S)
    except TRANSIENT as error:
        log.warning("duplicates_not_looked_up", error=repr(error))
        return set()


async def _write(writer: EventWriter, valid: Sequence[Valid]) -> None:
    # Known events are written too: whether the content is the same as before is for the worker to judge.
    if not valid:
        return
    try:
        await writer.write([(one.envelope, one.event) for one in valid])
    except KafkaAway as error:
        raise unavailable(f"{error}: send the same events again, none is counted twice", retry_after_s=2) from None


def _result(one: Valid | Invalid, known: set[tuple[str, str]]) -> EventResult:
    if isinstance(one, Invalid):
        return EventResult(source=one.source, id=one.id, status="refused", problem=one.problem().body())
    key = (one.event.source, one.event.id)
    duplicate = key in known
    known.add(key)
    return EventResult(source=one.event.source, id=one.event.id, status="accepted", duplicate=duplicate)


def _count(results: Sequence[EventResult]) -> None:
    for result in results:
        accepted = "duplicate" if result.duplicate else "accepted"
        INGESTED.labels("rejected" if result.status == "refused" else accepted).inc()


def _batch_answer(results: list[EventResult]) -> Response:
    refused = sum(result.status == "refused" for result in results)
    if results and refused == len(results):
        told = [result.model_dump(exclude_none=True) for result in results]
        raise Problem("invalid-event", "every event of the batch is refused", more={"results": told})
    return _answer(202, EventResults(results=results))


def _answer(status: int, result: BaseModel) -> Response:
    return Response(orjson.dumps(result.model_dump(exclude_none=True)), status, media_type=JSON)
