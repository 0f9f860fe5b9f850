"""From the text of a promotion document to the promotion, or to every mistake in it at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from schemas.promotions.advice import later, words
from schemas.promotions.consistency import findings
from schemas.promotions.document import Promotion
from schemas.promotions.source import Node, Path, Problem, dotted, read_source

PROBLEMS_MAX = 200


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document as read: the promotion, or else at least one problem, in the order of the text.

    `places` finds the line and column of a path, e.g. of the example that failed.
    """

    file: str
    promotion: Promotion | None
    problems: tuple[Problem, ...]
    tree: Node | None = None

    def place(self, path: Path) -> tuple[int, int]:
        """Line and column (from 1) of a path, of the nearest part of it that the document has."""
        return _place(self.tree, path)[0] if self.tree is not None else (1, 1)


def load_promotion(text: str | bytes, file: str) -> Loaded:
    """Read one document; `file` is only named in problems. Never raises for what the text holds."""
    tree, problems = read_source(text, file)
    if tree is None:
        return Loaded(file, None, tuple(problems))
    plain, postponed = _without_later(tree, ())
    told = [_told(tree, file, path, message, "remove it") for path, message in postponed]
    promotion = None
    try:
        promotion = Promotion.model_validate(plain)
    except ValidationError as error:
        for mistake in error.errors(include_url=False):
            path = _path(tree, mistake["loc"])
            told.append(_told(tree, file, path, *words(mistake, path)))
    told += [_told(tree, file, *finding) for finding in findings(plain)]
    problems = sorted({*problems, *told})
    if len(problems) > PROBLEMS_MAX:
        rest = len(problems) - PROBLEMS_MAX
        problems = [*problems[:PROBLEMS_MAX], Problem(file, 1, 1, "", f"and {rest} more problems")]
    return Loaded(file, None if problems else promotion, tuple(problems), tree)


def _without_later(node: Node, path: Path) -> tuple[Any, list[tuple[Path, str]]]:
    """The plain values without the fields a later version will have, and those fields with what to say of them."""
    if not node.children:
        return node.plain(), []
    kept: list[tuple[str | int, Any]] = []
    postponed: list[tuple[Path, str]] = []
    for key, child in node.children.items():
        sentence = later((*path, key))
        if sentence is not None:
            postponed.append(((*path, key), sentence))
            continue
        value, more = _without_later(child, (*path, key))
        kept.append((key, value))
        postponed += more
    return (dict(kept) if isinstance(node.value, dict) else [value for _, value in kept]), postponed


def _path(tree: Node, location: tuple[str | int, ...]) -> Path:
    """A pydantic location as a path of the document: what names no place in it is dropped, except a missing field."""
    path: list[str | int] = []
    node = tree
    for place, part in enumerate(location):
        child = node.children.get(part)
        if child is not None:
            path.append(part)
            node = child
        elif isinstance(part, str) and part != "[key]" and place == len(location) - 1:
            path.append(part)
    return tuple(path)


def _told(tree: Node, file: str, path: Path, message: str, suggestion: str = "") -> Problem:
    (line, column), _ = _place(tree, path)
    return Problem(file, line, column, dotted(path), message, suggestion)


def _place(tree: Node, path: Path) -> tuple[tuple[int, int], bool]:
    """Where a path stands (its key, or the value of a list item), and whether the document has all of it."""
    node, place = tree, (tree.line, tree.column)
    for part in path:
        child = node.children.get(part)
        if child is None:
            return place, False
        place = (
            node.key_places.get(str(part), (child.line, child.column))
            if isinstance(part, str)
            else (
                child.line,
                child.column,
            )
        )
        node = child
    return place, True
