"""The style sheet, the script and the mark: a handful of small files, read once, each addressed by its content."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2s
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.console.brand import Brand

STATIC_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    body: bytes
    media_type: str
    digest: str


class Assets:
    """All of them by name, the retailer's `brand.css` among them."""

    def __init__(self, brand: Brand) -> None:
        files = {path.name: path.read_bytes() for path in sorted(STATIC_FOLDER.iterdir()) if path.suffix in _TYPES}
        files["brand.css"] = brand.css().encode()
        self._assets = {name: _asset(name, body) for name, body in files.items()}

    def url(self, name: str) -> str:
        """The address of a file, new whenever its content is; KeyError for one that is not there."""
        return f"/static/{name}?v={self._assets[name].digest}"

    def route(self) -> Route:
        """Serves them under /static/."""
        return Route("/static/{name}", self._serve, methods=["GET"])

    async def _serve(self, request: Request) -> Response:
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            return Response("not found", 404, media_type="text/plain")
        etag = f'"{asset.digest}"'
        fixed = request.query_params.get("v") == asset.digest
        headers = {"etag": etag, "cache-control": _FOR_EVER if fixed else "no-cache"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(asset.body, headers=headers, media_type=asset.media_type)


def _asset(name: str, body: bytes) -> Asset:
    return Asset(body, _TYPES[Path(name).suffix], blake2s(body, digest_size=8).hexdigest())
