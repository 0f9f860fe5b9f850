"""The statements of `queries.sql` by name."""

from __future__ import annotations

import re
from importlib.resources import files
from types import MappingProxyType

_HEAD = re.compile(r"^-- (\w+) --$", re.MULTILINE)


def _parse(text: str) -> dict[str, str]:
    parts = _HEAD.split(text)[1:]
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}


QUERIES = MappingProxyType(_parse(files("services.store").joinpath("queries.sql").read_text()))
