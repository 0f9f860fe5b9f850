"""`unisono settings`: every environment variable, its default and what it means; `docs/settings.md` is made of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args, get_origin

import typer
from pydantic import SecretStr

from services.cli.errors import variable

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
_HEAD = """# Settings

Every process reads the same settings from its environment, once, at its start; each reads only those it needs. A wrong
value stops it with one sentence that names the variable, and exit code 2. A list or a mapping is written as JSON, a
duration as ISO 8601 (`P30D`, `PT15M`), a truth value as `true` or `false`. An empty variable counts as not set.

This page is generated from `services/settings.py` by `make generate`; `unisono settings` prints the same.

| variable | kind | default | meaning |
|---|---|---|---|
"""


class Row(NamedTuple):
    """One setting as people read it."""

    variable: str
    kind: str
    default: str
    meaning: str


def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/settings.md.")] = False,
) -> None:
    """List every setting: environment variable, default and meaning."""
    if markdown:
        print(page(), end="")
        return
    for row in rows():
        print(f"{row.variable}  ({row.kind}, default {row.default})\n    {row.meaning}")


def page() -> str:
    """The text of `docs/settings.md`."""
    return _HEAD + "".join(f"| `{row.variable}` | {row.kind} | {row.default} | {row.meaning} |\n" for row in rows())


def rows() -> list[Row]:
    """All settings in the order of the model."""
    from services.settings import Settings

    return [
        Row(variable(name), _kind(field.annotation, field.metadata), _default(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def _default(field: FieldInfo) -> str:
    match field.get_default(call_default_factory=False):
        case None | () | "":
            return "–"
        case dict() as empty if not empty:
            return "–"
        case bool() as truth:
            return f"`{str(truth).lower()}`"
        case SecretStr():
            return "a secret that everyone knows: set your own"
        case timedelta() as duration:
            return f"`{_iso(duration)}`"
        case value:
            return f"`{value}`"


def _iso(duration: timedelta) -> str:
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if count]
    days = f"{duration.days}D" if duration.days else ""
    return "P" + days + ("T" + "".join(parts) if parts else "")


_KINDS: dict[Any, str] = {
    str: "text",
    int: "number",
    bool: "truth value",
    float: "number",
    Path: "path",
    SecretStr: "secret",
    timedelta: "duration",
}


def _kind(annotation: Any, metadata: list[Any]) -> str:
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _kind(inner, [*metadata, *(part for piece in more for part in getattr(piece, "metadata", [piece]))])
    if isinstance(annotation, UnionType):
        return " or ".join(_kind(part, metadata) for part in get_args(annotation) if part is not NoneType)
    if get_origin(annotation) is Literal:
        return " / ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) is tuple:
        return f"list of {_kind(get_args(annotation)[0], [])}s"
    if get_origin(annotation) is dict:
        return "mapping"
    least = next((bound.ge for bound in metadata if hasattr(bound, "ge")), None)
    most = next((bound.le for bound in metadata if hasattr(bound, "le")), None)
    return _KINDS[annotation] + (f" {least} to {most}" if least is not None and most is not None else "")
