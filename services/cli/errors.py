"""What a command line says when it was asked for something it cannot do: one sentence on stderr and exit code 2."""

from __future__ import annotations

import re

DONE = 0
DOES_NOT_HOLD = 1
"""The thing asked for does not hold: a check failed, an audit found a difference."""
WRONG_USAGE = 2
INTERRUPTED = 130

_WELL_KNOWN = frozenset({"KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"})
_OURS = frozenset({"schemas", "services", "streams"})
_SECRET = frozenset({"database_url", "programme_secret"})
_FIELD = re.compile(r'field "(\w+)"')


class UsageError(Exception):
    """Wrong usage or input; its text is one sentence for the person at the terminal, printed without a traceback."""


def sentence(error: Exception) -> str | None:
    """The sentence to print for an error that the caller can mend; None for a fault of ours: it keeps its traceback."""
    if isinstance(error, ModuleNotFoundError):
        ours = (error.name or "").split(".")[0] in _OURS
        return None if ours else f"this needs the package {error.name}, which is not installed: run `make install`"

    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from services.embedded.failure import EmbeddedError
    from services.settings import MissingSetting, Settings

    if isinstance(error, UsageError | MissingSetting | EmbeddedError):
        return str(error)
    if isinstance(error, SettingsError):
        found = _FIELD.search(str(error))
        return f"{variable(found[1])} cannot be read: a list or a mapping is written as JSON" if found else str(error)
    if isinstance(error, ValidationError) and error.title == Settings.__name__:
        first = error.errors(include_url=False, include_context=False)[0]
        name = str(first["loc"][0])
        value = "wrong" if name.lower() in _SECRET else repr(first["input"])
        reason = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        return f"{variable(name)} is {value}: it should be {reason}"
    return None


def variable(field: str) -> str:
    """The environment variable behind a field of Settings."""
    name = field.upper()
    return name if name in _WELL_KNOWN else f"UNISONO_{name}"
