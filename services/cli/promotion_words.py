"""`unisono promotions explain` and `diff`: documents, and what differs between two of them, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from schemas.promotions.document import Promotion
    from schemas.promotions.programme import ProgrammeDocument
    from schemas.promotions.source import Problem
    from services.cli.documents import Documents
    from services.words.lines import Section
    from services.words.voice import Spoken


@dataclass(slots=True)
class Read:
    """One document of a file: what it holds, or its problems."""

    file: str
    document: Promotion | ProgrammeDocument | None
    problems: Sequence[Problem]
    programme: ProgrammeDocument | None = None
    """For a promotion: the programme document that holds for it."""

    @property
    def name(self) -> str:
        """The id, or the file where it has none."""
        from schemas.promotions.document import Promotion

        if self.document is None:
            return Path(self.file).name
        return self.document.promotion if isinstance(self.document, Promotion) else self.document.programme


def explain_paths(paths: Sequence[Path], language: Spoken, *, as_json: bool) -> bool:
    """Print every document in words; whether all could be read. Problems go to stderr as `check` tells them."""
    from schemas.promotions.document import Promotion
    from services.words.document import describe
    from services.words.programme import describe_programme

    found = _read(paths)
    told: list[tuple[Read, list[Section]]] = []
    for read in found:
        if isinstance(read.document, Promotion):
            told.append((read, describe(read.document, language, read.programme)))
        elif read.document is not None:
            told.append((read, describe_programme(read.document, language)))
    if as_json:
        _print_json(
            [
                {
                    "file": read.file,
                    "id": read.name,
                    "sections": [
                        {
                            "key": section.key,
                            "title": section.title,
                            "lines": [{"text": line.text, "depth": line.depth} for line in section.lines],
                        }
                        for section in sections
                    ],
                }
                for read, sections in told
            ]
        )
    else:
        _print_sections(told)
    return _tell_problems(found)


def diff_files(old: Path, new: Path, language: Spoken, *, as_json: bool) -> bool:
    """Print what changes from one file to the other; whether both could be read."""
    from rich.console import Console
    from rich.text import Text

    from services.words.differences import differences
    from services.words.voice import Voice

    found = [*_one(old), *_one(new)]
    before, after = (read.document for read in found)
    if before is None or after is None:
        return _tell_problems(found)
    if type(before) is not type(after):
        raise UsageError(f"{old} and {new} are not of one kind: one is a promotion, one a programme document")
    told = differences(before, after, language)
    if as_json:
        _print_json({"old": found[0].file, "new": found[1].file, "id": found[1].name, "differences": told})
        return True
    console = Console(highlight=False)
    if not told:
        console.print(Voice(language).say("Both say the same.", "Dicono la stessa cosa."))
    for text in told:
        console.print(_hanging("•", Text(_printable(text))))
    return True


def _read(paths: Sequence[Path]) -> list[Read]:
    from services.cli.documents import read_documents

    found = read_documents(paths)
    return [
        *(Read(each.file, each.programme, each.problems) for each in found.programmes),
        *(Read(each.file, each.promotion, each.problems, _programme(found, each.file)) for each in found.promotions),
    ]


def _programme(found: Documents, file: str) -> ProgrammeDocument | None:
    holds = found.programme_of(file)
    return holds.programme if holds is not None else None


def _one(path: Path) -> list[Read]:
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name two documents")
    return _read([path])


def _tell_problems(found: Sequence[Read]) -> bool:
    import sys

    for read in found:
        for problem in read.problems:
            print(problem, file=sys.stderr)
    return not any(read.problems for read in found)


def _print_sections(told: Sequence[tuple[Read, list[Section]]]) -> None:
    """Each document under its id: subjects on the left, what is said of them on the right."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    for number, (read, sections) in enumerate(told):
        if number:
            console.print()
        console.print(Text.assemble((read.name, "bold"), ("  " + _printable(read.file), "dim")))
        table = Table.grid(padding=(0, 2), expand=False)
        table.add_column(style="cyan", no_wrap=True)
        table.add_column(overflow="fold")
        for section in sections:
            several = sum(not line.depth for line in section.lines) > 1
            for place, line in enumerate(section.lines):
                mark = "•" if several and not line.depth else ""
                said = _hanging(mark, Text(_printable(line.text))) if several else Text(_printable(line.text))
                table.add_row("" if place else section.title, Padding(said, (0, 0, 0, 2 * line.depth)))
        console.print(Padding(table, (0, 0, 0, 2)))


def _hanging(mark: str, text: RenderableType) -> RenderableType:
    """A mark, and the text beside it, its further lines too."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    grid.add_row(mark, text)
    return grid


def _printable(text: str) -> str:
    from services.ops.wording import printable

    return printable(text.replace("\u00a0", " "))


def _print_json(body: object) -> None:
    import orjson

    print(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())
