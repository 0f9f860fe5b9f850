"""`unisono promotions`: check promotion documents before anybody publishes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.errors import DOES_NOT_HOLD, UsageError

if TYPE_CHECKING:
    from schemas.promotions.loading import Loaded
    from schemas.promotions.source import Problem
    from services.engine.examples import ExampleResult
    from services.engine.programme import ProgrammeTerms

promotions_app = typer.Typer(no_args_is_help=True, help="Check and publish promotion documents.")

SUFFIXES = (".yaml", ".yml", ".json")
Paths = Annotated[list[Path], typer.Argument(help="Documents, or folders of them (.yaml, .yml, .json)")]


@promotions_app.callback()
def promotions() -> None:
    """Check and publish promotion documents."""


@dataclass(slots=True)
class Checked:
    """One document after the check: its problems of form, and its examples as they ran."""

    loaded: Loaded
    problems: list[Problem]
    examples: list[ExampleResult] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the document can be published."""
        return not self.problems and all(example.passed for example in self.examples)

    @property
    def name(self) -> str:
        """The promotion's id, or the file where it has none."""
        return self.loaded.promotion.promotion if self.loaded.promotion else Path(self.loaded.file).name


@promotions_app.command()
def check(
    paths: Paths,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text")] = False,
) -> None:
    """Read documents and run their examples; every mistake is told as file:line:column. Ends with 1 if any is found."""
    from services.cli.terms import programme_terms

    checked = check_documents(documents(paths), programme_terms())
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

    from services.cli.publish import publish_paths
    from services.settings import Settings

    made = asyncio.run(publish_paths(Settings(), paths))
    for version in made:
        print(f"{version.promotion.promotion}: version {version.version} is in force")
    if not made:
        print("Nothing to publish: every document is in force as it stands.")


def documents(paths: Sequence[Path]) -> list[Loaded]:
    """Every document at these paths, read; UsageError where there is none or one cannot be opened."""
    from schemas.promotions.loading import load_promotion

    loaded = []
    for file in _files(paths):
        try:
            # A byte beyond the limit is enough to refuse the rest unread.
            with file.open("rb") as body:
                loaded.append(load_promotion(body.read(2 * 1024 * 1024), str(file)))
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror or error}") from error
    return loaded


def _files(paths: Sequence[Path]) -> list[Path]:
    files: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist")
        found = sorted(f for f in path.rglob("*") if f.suffix in SUFFIXES) if path.is_dir() else [path]
        if not found:
            raise UsageError(f"{path} holds no promotion documents ({', '.join(SUFFIXES)})")
        files.update(dict.fromkeys(found))
    return list(files)


def check_documents(loaded: Sequence[Loaded], terms: ProgrammeTerms) -> list[Checked]:
    """The documents with all their problems: their own, a failed example, an id that another document has too."""
    from schemas.promotions.source import Problem
    from services.engine.examples import run_examples

    first_file: dict[str, str] = {}
    checked = []
    for document in loaded:
        promotion = document.promotion
        result = Checked(document, list(document.problems))
        checked.append(result)
        if promotion is None:
            continue
        other = first_file.setdefault(promotion.promotion, document.file)
        if other != document.file:
            message = f"`{promotion.promotion}` is the id of {other} too"
            result.problems.append(Problem(document.file, *document.place(("promotion",)), "promotion", message))
        result.examples = run_examples(promotion, terms)
        for example in result.examples:
            place = document.place(("examples", example.number))
            result.problems += [
                Problem(
                    document.file, *place, f"examples[{example.number}]", f"{example.name}: {failure}", _why(example)
                )
                for failure in example.failures
            ]
    return checked


def _why(example: ExampleResult) -> str:
    return "; ".join(example.why[:5])


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
