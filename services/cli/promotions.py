"""`unisono promotions`: check promotion documents before anybody publishes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.errors import DOES_NOT_HOLD

if TYPE_CHECKING:
    from services.cli.documents import Checked

promotions_app = typer.Typer(no_args_is_help=True, help="Check and publish promotion documents.")

Paths = Annotated[list[Path], typer.Argument(help="Documents, or folders of them (.yaml, .yml, .json)")]


@promotions_app.callback()
def promotions() -> None:
    """Check and publish promotion documents."""


@promotions_app.command()
def check(
    paths: Paths,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text")] = False,
) -> None:
    """Read documents and run their examples; every mistake is told as file:line:column. Ends with 1 if any is found."""
    from services.cli.documents import check_documents, documents
    from services.settings import Settings
    from services.terms import programme_terms

    checked = check_documents(documents(paths), programme_terms(Settings()))
    if as_json:
        _print_json(checked)
    else:
        _print_text(checked)
    if not all(document.passed for document in checked):
        raise typer.Exit(DOES_NOT_HOLD)


@promotions_app.command()
def publish(paths: Paths) -> None:
    """Check documents and put them in force, from now, on the cluster that the settings name; all of them or none."""
    import asyncio

    from services.cli.publish import publish_paths, told
    from services.settings import Settings

    for line in told(asyncio.run(publish_paths(Settings(), paths))):
        print(line)


def _print_text(checked: Sequence[Checked]) -> None:
    from rich.console import Console
    from rich.table import Table

    for document in checked:
        for problem in document.problems:
            print(problem)
    table = Table("promotion", "examples", "result", box=None, pad_edge=False)
    for document in checked:
        passed = sum(example.passed for example in document.examples)
        told = f"{passed} of {len(document.examples)}" if document.examples else "none"
        count = len(document.problems)
        result = "[green]ok[/]" if document.passed else f"[red]{count} {'problem' if count == 1 else 'problems'}[/]"
        table.add_row(document.name, told, result)
    Console().print(table)


def _print_json(checked: Sequence[Checked]) -> None:
    import orjson

    told: list[dict[str, Any]] = [
        {
            "file": document.loaded.file,
            "promotion": document.loaded.promotion.promotion if document.loaded.promotion else None,
            "passed": document.passed,
            "problems": [
                {
                    "line": problem.line,
                    "column": problem.column,
                    "path": problem.path,
                    "message": problem.message,
                    "suggestion": problem.suggestion,
                }
                for problem in document.problems
            ],
            "examples": [
                {"name": example.name, "passed": example.passed, "failures": example.failures, "why": example.why}
                for example in document.examples
            ],
        }
        for document in checked
    ]
    passed = all(document.passed for document in checked)
    print(orjson.dumps({"passed": passed, "documents": told}, option=orjson.OPT_INDENT_2).decode())
