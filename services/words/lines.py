"""The shape of a text: sections of lines, a line may stand under another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence or phrase; `depth` 1 and more stand under the line before them."""

    text: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """One subject; `key` is the same in every language."""

    key: str
    title: str
    lines: tuple[Line, ...]


def under(lines: Iterable[Line], depth: int = 1) -> list[Line]:
    """The same lines, further in."""
    return [Line(line.text, line.depth + depth) for line in lines]


def flat(told: Iterable[Line]) -> str:
    """All lines as one phrase."""
    return "; ".join(line.text for line in told).replace(":; ", ": ")


def joined(phrases: Iterable[str], separator: str = ", ") -> str:
    """The phrases that are there, as one."""
    return separator.join(phrase for phrase in phrases if phrase)
