"""`unisono schemas export|check`: what crosses a boundary, published as files that are never edited by hand."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from services.cli.errors import DOES_NOT_HOLD

schemas_app = typer.Typer(help="The published schemas: JSON Schema, AsyncAPI, OpenAPI.", no_args_is_help=True)

PUBLISHED = Path(__file__).parents[2] / "schemas" / "published"
Folder = Annotated[Path, typer.Option("--to", help="The folder of the published files.", file_okay=False)]


@schemas_app.command()
def export(to: Folder = PUBLISHED) -> None:
    """Write every published file; remove those that are no longer published."""
    files = published_files()
    for stale in _present(to) - files.keys():
        (to / stale).unlink()
    for name, content in files.items():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        (to / name).write_bytes(content)
    print(f"{len(files)} files in {to}")


@schemas_app.command()
def check(to: Folder = PUBLISHED) -> None:
    """Exit 0 if the published files say what the models say, else 1 and name the stale ones."""
    stale = stale_files(to)
    for name in stale:
        print(f"{name} is stale")
    if stale:
        print("`make generate` writes them anew")
        raise typer.Exit(DOES_NOT_HOLD)
    print(f"{len(published_files())} files are current")


def stale_files(folder: Path) -> list[str]:
    """The published files that are missing, different from what the models say, or not published any more."""
    files = published_files()
    different = {
        name
        for name, content in files.items()
        if not (folder / name).is_file() or (folder / name).read_bytes() != content
    }
    return sorted(different | (_present(folder) - files.keys()))


def published_files() -> dict[str, bytes]:
    """Path below the folder → content of every published file."""
    import orjson

    from schemas.asyncapi import asyncapi_document
    from schemas.json_schemas import json_schemas
    from services.gateway.app import openapi_document

    documents = {
        **{f"{name}.json": schema for name, schema in json_schemas().items()},
        "asyncapi.json": asyncapi_document(version("unisono")),
        "openapi.json": openapi_document(),
    }
    return {
        name: orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        for name, document in documents.items()
    }


def _present(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.json")}
