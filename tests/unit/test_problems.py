"""Every error over HTTP is a problem, whoever raised it."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from services.problems import KINDS, Problem, install, unavailable


class Body(BaseModel):
    name: str
    lines: list[int]


def application() -> FastAPI:
    app = FastAPI()
    install(app)

    @app.post("/things")
    async def things(body: Body, limit: int = 1) -> int:
        return limit + len(body.lines)

    @app.get("/busy")
    async def busy() -> None:
        raise unavailable("not now", retry_after_s=3)

    @app.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError

    return app


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("GET", "/nothing", None, 404, "not-found"),
        ("DELETE", "/things", None, 405, "method-not-allowed"),
        ("GET", "/busy", None, 503, "unavailable"),
        ("GET", "/broken", None, 500, "internal"),
        ("POST", "/things", b"{", 400, "bad-request"),
        ("POST", "/things", b'{"name": "a", "lines": [1, "x"]}', 422, "invalid-request"),
        ("POST", "/things?limit=x", b'{"name": "a", "lines": []}', 422, "invalid-request"),
    ],
)
async def test_every_error_is_a_problem(method: str, path: str, body: bytes | None, status: int, kind: str):
    transport = httpx.ASGITransport(application(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.request(method, path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["type"] == f"urn:unisono:problem:{kind}"
    assert told["status"] == status
    assert told["title"] == KINDS[kind].title
    assert "ZeroDivision" not in answer.text
    if status == 503:
        assert answer.headers["retry-after"] == "3"
    if status == 405:
        assert answer.headers["allow"] == "POST"


async def test_a_wrong_field_is_named_by_its_pointer_and_a_wrong_parameter_by_its_name():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application()), base_url="http://test") as client:
        answer = await client.post("/things?limit=x", json={"lines": [1, "x"]})
    places = [error.get("pointer") or error.get("parameter") for error in answer.json()["errors"]]
    assert sorted(places) == ["/lines/1", "/name", "limit"]


def test_every_problem_has_a_status_that_is_an_error():
    assert all(400 <= kind.status < 600 for kind in KINDS.values())
    assert Problem("too-large", "x").response().status_code == 413
