"""Promotion documents on disk: read them, and hold them to their own examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.errors import UsageError

if TYPE_CHECKING:
    from schemas.promotions.loading import Loaded
    from schemas.promotions.source import Problem
    from services.engine.examples import ExampleResult
    from services.engine.programme import ProgrammeTerms

SUFFIXES = (".yaml", ".yml", ".json")


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
