"""From the text of a document to the promotion or programme it describes, or to every mistake in it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from schemas.promotions.advice import of_several, words
from schemas.promotions.consistency import document as consistency
from schemas.promotions.consistency import programme as consistency_programme
from schemas.promotions.document import Promotion
from schemas.promotions.programme import ProgrammeDocument
from schemas.promotions.source import Node, Path, Problem, dotted, read_source, shown

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from schemas.promotions.consistency.plain import Finding

PROBLEMS_MAX = 200
"""A document tells so many problems; of the rest, how many there are."""
TOLD_MAX = 600
"""Characters of a message, and of a suggestion."""

Model = TypeVar("Model", bound=BaseModel)
Kind = Literal["promotion", "programme"]


@dataclass(frozen=True, slots=True)
class _Read:
    file: str
    problems: tuple[Problem, ...]
    tree: Node | None = None

    def place(self, path: Path) -> tuple[int, int]:
        """Line and column (from 1) of a path, of the nearest part of it that the document has."""
        return _place(self.tree, path) if self.tree is not None else (1, 1)

    def says(self, path: Path) -> bool:
        """Whether the document itself says something at this path, rather than a default."""
        node = self.tree
        for part in path:
            node = node.children.get(part) if node is not None else None
        return node is not None

    def problem(self, path: Path, message: str, suggestion: str = "") -> Problem:
        """A mistake at the place of a path."""
        return Problem(self.file, *self.place(path), dotted(self.written(path)), message, suggestion)

    def written(self, path: Path) -> Path:
        """The path as the document writes it: an only element stands for its list."""
        node, own = self.tree, []
        for part in path:
            child = node.children.get(part) if node is not None else None
            if child is None and isinstance(part, int) and node is not None and not isinstance(node.value, list):
                continue
            own.append(part)
            node = child
        return tuple(own)


@dataclass(frozen=True, slots=True)
class Loaded(_Read):
    """A document as read: the promotion, or else at least one problem, in the order of the text.

    `place` finds the line and column of a path, e.g. of the example that failed.
    """

    promotion: Promotion | None = None


@dataclass(frozen=True, slots=True)
class LoadedProgramme(_Read):
    """A programme document as read: what it says, or else at least one problem, in the order of the text."""

    programme: ProgrammeDocument | None = None


def load_promotion(text: str | bytes, file: str) -> Loaded:
    """Read one promotion; `file` is only named in problems. Never raises for what the text holds."""
    tree, problems = read_source(text, file)
    return _promotion(tree, problems, file)


def load_programme(text: str | bytes, file: str) -> LoadedProgramme:
    """Read a programme document; `file` is only named in problems. Never raises for what the text holds."""
    tree, problems = read_source(text, file)
    return _programme(tree, problems, file)


def load_document(text: str | bytes, file: str) -> Loaded | LoadedProgramme:
    """Read a document of either kind, told apart by its top-level key. Never raises for what the text holds."""
    tree, problems = read_source(text, file)
    return _programme(tree, problems, file) if _kind(tree) == "programme" else _promotion(tree, problems, file)


def kind_of(text: str | bytes) -> Kind:
    """Which kind of document a text is: that of a programme has the top-level key `programme`."""
    return _kind(read_source(text, "")[0])


def _kind(tree: Node | None) -> Kind:
    keys = tree.children if tree is not None else {}
    return "programme" if "programme" in keys and "promotion" not in keys else "promotion"


def _promotion(tree: Node | None, problems: list[Problem], file: str) -> Loaded:
    promotion, told = _judged(tree, problems, file, Promotion, consistency.findings)
    return Loaded(file, told, tree, promotion)


def _programme(tree: Node | None, problems: list[Problem], file: str) -> LoadedProgramme:
    programme, told = _judged(tree, problems, file, ProgrammeDocument, consistency_programme.findings)
    return LoadedProgramme(file, told, tree, programme)


def _judged(
    tree: Node | None,
    problems: list[Problem],
    file: str,
    model: type[Model],
    findings: Callable[[Mapping[str, Any]], Iterator[Finding]],
) -> tuple[Model | None, tuple[Problem, ...]]:
    """The model of a tree that has no problem; else all its problems, at most PROBLEMS_MAX and a line on the rest."""
    if tree is None:
        return None, tuple(problems)
    plain = tree.plain()
    found: Model | None = None
    told = list(problems)
    more = 0
    try:
        found = model.model_validate(plain)
    except ValidationError as error:
        mistakes, more = _mistakes(tree, error.errors(include_url=False))
        told += [_told(tree, file, path, *_words(group, path, model)) for path, group in mistakes]
    told += [_told(tree, file, *finding) for finding in findings(plain)]
    told = _one_a_place(told)
    more += max(0, len(told) - PROBLEMS_MAX)
    told = told[:PROBLEMS_MAX]
    if more:
        told.append(Problem(file, 1, 1, "", f"and {more} more problems"))
    return None if told else found, tuple(told)


def _one_a_place(problems: list[Problem]) -> list[Problem]:
    """In the order of the text, without repetitions; a missing field is told once."""
    seen: set[tuple[int, int, str, str]] = set()
    kept = []
    for problem in sorted(problems):
        key = problem.line, problem.column, problem.path, problem.message
        if key not in seen:
            seen.add(key)
            kept.append(problem)
    return kept


def _mistakes(tree: Node, errors: list[ErrorDetails]) -> tuple[list[tuple[Path, list[ErrorDetails]]], int]:
    """The errors by the place in the document they speak of, the first PROBLEMS_MAX places, and how many more.

    Of a value that may be of several kinds each kind complains: where one of them found fault further inside, it is the
    one that was meant, and the others are silent.
    """
    groups: dict[Path, list[ErrorDetails]] = {}
    branched: set[Path] = set()
    for error in errors:
        path, branches = _path(tree, error)
        groups.setdefault(path, []).append(error)
        branched |= {path[:length] for length in branches if length < len(path)}
    kept = [(path, group) for path, group in groups.items() if path not in branched]
    kept.sort(key=lambda item: _place(tree, item[0]))
    return kept[:PROBLEMS_MAX], max(0, len(kept) - PROBLEMS_MAX)


def _words(group: list[ErrorDetails], path: Path, model: type[BaseModel]) -> tuple[str, str]:
    return words(group[0], path, model) if len(group) == 1 else of_several(group, path, model)


def _path(tree: Node, error: ErrorDetails) -> tuple[Path, list[int]]:
    """A pydantic location as a path of the document, and after how many of its parts something was left out.

    What names no place in the document is left out: the branch of a union, the place in a list that was written as its
    only element, the field of a part that was written as one value; a missing field is named all the same.
    """
    location = error["loc"]
    path: list[str | int] = []
    left_out: list[int] = []
    node = tree
    for place, part in enumerate(location):
        child = node.children.get(part)
        if child is not None:
            path.append(part)
            node = child
        elif error["type"] == "missing" and place == len(location) - 1:
            path.append(part)
        elif isinstance(part, str) and part != "[key]":
            left_out.append(len(path))
    return tuple(path), left_out


def _told(tree: Node, file: str, path: Path, message: str, suggestion: str = "") -> Problem:
    return Problem(file, *_place(tree, path), dotted(path), shown(message, TOLD_MAX), shown(suggestion, TOLD_MAX))


def _place(tree: Node, path: Path) -> tuple[int, int]:
    """Where a path stands (its key, or the value of a list item), or the nearest part of it that the document has."""
    node, place = tree, (tree.line, tree.column)
    for part in path:
        child = node.children.get(part)
        if child is None and isinstance(part, int):
            continue
        if child is None:
            return place
        own = (child.line, child.column)
        place = node.key_places.get(part, own) if isinstance(part, str) else own
        node = child
    return place
