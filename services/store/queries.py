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

BY_KEY = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "jit": "off"}
"""Session settings of the hot paths, whose statements find every row by key: a plan that PostgreSQL cached while a
table was small would scan it for ever."""
