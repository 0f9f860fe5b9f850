"""Codes that somebody else made: a text file beside the document, one code a line, held to what the document says.

The document stays reviewable: it names the file, how many codes it holds and the SHA-256 of its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.errors import UsageError

if TYPE_CHECKING:
    from schemas.promotions.document import Promotion
    from schemas.promotions.loading import Loaded
    from schemas.promotions.rewards import Pool
    from schemas.promotions.source import Node, Problem
    from schemas.promotions.source import Path as Place

_CODE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{2,63}")
_EXPECTED = "3 to 64 letters, digits, `-`, `_` or `.`, none but a letter or digit first"
_LINE_BYTES_MAX = 66
"""A code and a line end of two bytes."""
_TOLD_MAX = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a pool: in the document's field, or where `line` is set in that line of the file."""

    field: str
    message: str
    suggestion: str = ""
    line: int = 0


class PoolError(UsageError):
    """A file of codes is not what the document says; its text names the file and the first fault."""

    def __init__(self, file: Path, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        first = faults[0]
        place = f"{file}:{first.line}" if first.line else str(file)
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{place}: {first.message}{more}")


def read_pool(document: Path, pool: Pool) -> tuple[str, ...]:
    """The codes in the order of the file, exactly `pool.count` different ones. Raises PoolError with every fault."""
    path = document.parent / pool.file
    codes, faults = _examined(path, pool)
    if faults:
        raise PoolError(path, faults)
    return codes


def read_pools(document: Path, promotion: Promotion) -> dict[str, tuple[str, ...]]:
    """Every pool that the promotion draws from, by its SHA-256, as the engine asks for them. Raises PoolError."""
    from schemas.promotions.pools import pools_of

    return {pool.sha256: read_pool(document, pool) for _, pool in pools_of(promotion)}


def pool_problems(documents: Sequence[Loaded]) -> list[Problem]:
    """Every fault of the pools of these documents: in the document, in the file's own line, or one code in two pools.

    A promotion may name one file several times: it is one pool, and its faults are told once.
    """
    from schemas.promotions.pools import HeldCodes, pools_of

    problems: list[Problem] = []
    held = HeldCodes()
    for document in documents:
        promotion = document.promotion
        if promotion is None:
            continue
        for pool, place in {pool: place for place, pool in reversed([*pools_of(promotion)])}.items():
            codes, faults = _examined(Path(document.file).parent / pool.file, pool)
            refused = None if faults else held.take(promotion.promotion, pool.file, codes)
            if refused is not None:
                faults = [Fault("file", refused)]
            problems += [_problem(document, place, pool, fault) for fault in faults]
    return problems


def _problem(document: Loaded, place: Place, pool: Pool, fault: Fault) -> Problem:
    from schemas.promotions.source import Problem, dotted

    if fault.line:
        file = str(Path(document.file).parent / pool.file)
        return Problem(file, fault.line, 1, "", fault.message, fault.suggestion)
    path = (*_as_written(document.tree, place), fault.field)
    return Problem(document.file, *document.place(path), dotted(path), fault.message, fault.suggestion)


def _as_written(tree: Node | None, place: Place) -> Place:
    """The place without the numbers of lists that are written as their only element."""
    written: list[str | int] = []
    node = tree
    for part in place:
        if node is not None and isinstance(part, int) and isinstance(node.value, dict):
            continue
        written.append(part)
        node = node.children.get(part) if node is not None else None
    return tuple(written)


def _examined(path: Path, pool: Pool) -> tuple[tuple[str, ...], list[Fault]]:
    """The codes of a file and what is wrong with it. No more of it is read than the pool may hold."""
    try:
        if not path.is_file():
            return (), [Fault("file", f"there is no file `{pool.file}` beside the document")]
        bytes_max = (pool.count + 1) * _LINE_BYTES_MAX
        if path.stat().st_size > bytes_max:
            return (), [Fault("count", f"{pool.file} is longer than {pool.count} codes can be")]
        body = path.read_bytes()
    except OSError as error:
        return (), [Fault("file", f"{pool.file} cannot be read: {error.strerror or error}")]
    codes, faults = _codes(body)
    if not faults and len(codes) != pool.count:
        faults.append(Fault("count", f"{pool.file} holds {_counted(len(codes))}", f"write `count: {len(codes)}`"))
    digest = sha256(body).hexdigest()
    if digest != pool.sha256:
        faults.append(Fault("sha256", f"{pool.file} has another SHA-256", f"write `sha256: {digest}`"))
    return codes, faults


def _codes(body: bytes) -> tuple[tuple[str, ...], list[Fault]]:
    first: dict[str, int] = {}
    codes: list[str] = []
    faults: list[Fault] = []
    for number, line in enumerate(body.splitlines(), 1):
        if len(faults) == _TOLD_MAX:
            break
        if not _CODE.fullmatch(line):
            told = "an empty line" if not line.strip() else f"`{line[:64].decode(errors='replace')}` is no code"
            faults.append(Fault("file", told, f"one code a line: {_EXPECTED}", number))
            continue
        code = line.decode("ascii")
        before = first.setdefault(code.upper(), number)
        if before != number:
            faults.append(Fault("file", f"`{code}` stands in line {before} already", "keep one of them", number))
        codes.append(code)
    return tuple(codes), faults


def _counted(count: int) -> str:
    return f"{count} {'code' if count == 1 else 'codes'}"
