"""What `unisono promotions check` found, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemas.promotions.source import Problem
    from services.cli.documents import Checked, CheckedProgramme


def print_text(programmes: Sequence[CheckedProgramme], checked: Sequence[Checked]) -> None:
    """Every problem and warning on a line of its own, then a table of the documents."""
    from rich.console import Console
    from rich.table import Table

    table = Table("document", "examples", "result", box=None, pad_edge=False)
    for programme in programmes:
        _print_lines(programme.problems)
        table.add_row(programme.name, "–", _result(programme.problems, ()))
    for document in checked:
        _print_lines([*document.problems, *document.warnings])
        passed = sum(example.passed for example in document.examples)
        told = f"{passed} of {len(document.examples)}" if document.examples else "none"
        table.add_row(document.name, told, _result(document.problems, document.warnings))
    Console().print(table)


def print_json(programmes: Sequence[CheckedProgramme], checked: Sequence[Checked], *, passed: bool) -> None:
    """One object: whether the check passed, and each document with its problems, warnings and examples."""
    import orjson

    from services.cli.documents import told_why

    told: list[dict[str, Any]] = [
        {
            "file": document.loaded.file,
            "promotion": document.loaded.promotion.promotion if document.loaded.promotion else None,
            "passed": document.passed,
            "problems": [_fields(problem) for problem in [*document.problems, *document.warnings]],
            "examples": [
                {
                    "name": example.name,
                    "passed": example.passed,
                    "failures": example.failures,
                    "why": told_why(example.why, document.name),
                }
                for example in document.examples
            ],
        }
        for document in checked
    ]
    of_programmes = [
        {
            "file": document.loaded.file,
            "programme": document.loaded.programme.programme if document.loaded.programme else None,
            "passed": document.passed,
            "problems": [_fields(problem) for problem in document.problems],
        }
        for document in programmes
    ]
    body = {"passed": passed, "programmes": of_programmes, "documents": told}
    print(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())


def _print_lines(problems: Sequence[Problem]) -> None:
    for problem in sorted(problems, key=lambda found: (found.line, found.column)):
        print(problem)


def _result(problems: Sequence[Problem], warnings: Sequence[Problem]) -> str:
    result = f"[red]{_count(problems, 'problem')}[/]" if problems else "[green]ok[/]"
    return f"{result}, {_count(warnings, 'warning')}" if warnings else result


def _count(found: Sequence[Problem], what: str) -> str:
    return f"{len(found)} {what}{'' if len(found) == 1 else 's'}"


def _fields(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "severity": problem.severity,
        "code": problem.code,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": problem.message,
        "suggestion": problem.suggestion,
    }
