"""Errors over HTTP, the same everywhere: RFC 9457 `application/problem+json`, one documented type a class of error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:unisono:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of error: its status and its title, which never change for a type."""

    status: int
    title: str


KINDS: dict[str, Kind] = {
    "bad-request": Kind(400, "The request cannot be understood"),
    "sync-token-invalid": Kind(400, "The sync token is none that this service made"),
    "not-found": Kind(404, "There is nothing at this address"),
    "member-not-found": Kind(404, "No wallet is held for this member"),
    "method-not-allowed": Kind(405, "This address does not take this method"),
    "sync-token-expired": Kind(410, "The sync token is too old: take a new snapshot"),
    "too-large": Kind(413, "The request is larger than what is taken at once"),
    "unsupported-media-type": Kind(415, "The content type is none that is taken here"),
    "invalid-event": Kind(422, "The event is not valid"),
    "invalid-request": Kind(422, "A field of the request is not valid"),
    "internal": Kind(500, "A fault of ours"),
    "unavailable": Kind(503, "Try again later: a part this depends on does not answer"),
}
_BY_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "unsupported-media-type"}


class Problem(Exception):
    """Answer the request with this problem; `errors` names places by JSON pointer, `more` adds members to the body."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def body(self) -> dict[str, Any]:
        """The members of the problem."""
        kind = KINDS[self.kind]
        body: dict[str, Any] = {
            "type": TYPE_PREFIX + self.kind,
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = [dict(error) for error in self.errors]
        return {**body, **self.more}

    def response(self) -> Response:
        """The problem as an answer."""
        headers = {"cache-control": "no-store", **self.headers}
        return Response(orjson.dumps(self.body()), KINDS[self.kind].status, headers, MEDIA_TYPE)


def unavailable(detail: str, *, retry_after_s: int = 1) -> Problem:
    """503 with the time after which another try makes sense."""
    return Problem("unavailable", detail, headers={"retry-after": str(retry_after_s)})


def pointer(location: Sequence[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a place."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def install(app: FastAPI) -> None:
    """Every error of this application becomes a problem, 404, 405 and 500 too."""

    @app.exception_handler(Problem)
    async def problem(_request: Request, error: Problem) -> Response:
        return error.response()

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        kind = _BY_STATUS.get(error.status_code, "bad-request" if error.status_code < 500 else "internal")
        detail = f"{request.method} {request.url.path}: {error.detail}"
        return Problem(kind, detail, headers=error.headers).response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        errors = [_place(found) for found in error.errors()]
        broken = any(found["type"] == "json_invalid" for found in error.errors())
        told = "; ".join(f"{found.get('pointer') or found.get('parameter', '')}: {found['detail']}" for found in errors)
        return Problem("bad-request" if broken else "invalid-request", told, errors=errors).response()

    @app.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> Response:
        log.error("request_failed", method=request.method, path=request.url.path, error=repr(error))
        return Problem("internal", "the request failed by a fault of ours, which was logged").response()


def _place(found: Mapping[str, Any]) -> dict[str, str]:
    where, *inside = found["loc"]
    if where == "body":
        return {"pointer": pointer(inside), "detail": found["msg"]}
    return {"parameter": str(inside[0]) if inside else str(where), "in": str(where), "detail": found["msg"]}
