"""Reading YAML (or JSON) text into plain values that remember where they stood.

Only what a document needs: mappings, lists, texts, whole numbers, true and false. Duplicate keys, anchors, aliases,
tags and characters that no database or terminal takes are refused; size, depth and number of values are bounded before
anything is built. Parsing is by events, so that an alias can never multiply what it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from typing_extensions import override

BYTES_MAX = 1_048_576
DEPTH_MAX = 32
VALUES_MAX = 50_000
"""Four lists of ten thousand skus, and what stands around them."""
SHOWN_MAX = 200
"""Characters of a document that one message repeats."""

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE = re.compile("\r\n|[\n\r]")
_LONG_MARK = re.compile(r"[!&*%]<?[0-9A-Za-z\-;/?:@&=+$,_.!~*'()\[\]%]{4000}")
"""A mark so long that the parser, which takes time by its square, is not asked to read it."""

Path = tuple[str | int, ...]
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake of a document: where (line and column from 1), in which field, what is wrong, what to write.

    A warning does not keep a document from being published. `code` names the kind of what `lint` found.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    suggestion: str = ""
    severity: Severity = "error"
    code: str = ""

    @override
    def __str__(self) -> str:
        """As `check` prints it: file:line:col: path: message (suggestion), a warning with its code."""
        kind = f"warning[{self.code}]: " if self.severity == "warning" else ""
        where = f"{self.path}: " if self.path else ""
        advice = f" ({self.suggestion})" if self.suggestion else ""
        return f"{self.file}:{self.line}:{self.column}: {kind}{where}{self.message}{advice}"


@dataclass(slots=True)
class Node:
    """A value of the document and where it stands; for a mapping also where each of its keys stands."""

    line: int
    column: int
    value: Any
    key_places: dict[str, tuple[int, int]] = field(default_factory=dict)
    children: dict[str | int, Node] = field(default_factory=dict)

    def plain(self) -> Any:
        """The value without its places."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.children.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.children.values()]
        return self.value

    def walk(self, path: Path = ()) -> Iterator[tuple[Path, Node]]:
        """This node and everything in it, with their paths."""
        yield path, self
        for key, child in self.children.items():
            yield from child.walk((*path, key))


class Unreadable(Exception):
    """The text cannot be read on from here; the problems found so far are all there are."""

    def __init__(self, line: int, column: int, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.problem = (line, column, "", message, suggestion)


@dataclass(slots=True)
class _Reader:
    events: Iterator[Any]
    found: list[tuple[int, int, str, str, str]] = field(default_factory=list)
    values: int = 0

    def node(self, event: Any, path: Path) -> Node:
        """The value that starts with this event."""
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        self.values += 1
        if self.values > VALUES_MAX or len(path) > DEPTH_MAX:
            raise Unreadable(line, column, f"more than {VALUES_MAX} values or {DEPTH_MAX} levels", "split the document")
        kind = type(event).__name__
        self._refuse_magic(event, kind, line, column, path)
        if kind == "MappingStartEvent":
            return self._mapping(Node(line, column, {}), path)
        if kind == "SequenceStartEvent":
            return self._sequence(Node(line, column, []), path)
        if kind == "ScalarEvent":
            text = self._text(event, line, column, path)
            return Node(line, column, _scalar(text) if event.style is None else text)
        return Node(line, column, None)

    def _text(self, event: Any, line: int, column: int, path: Path) -> str:
        """The text of a scalar; where it holds characters that nothing takes, they are told and replaced."""
        text = str(event.value)
        if _SURROGATE.search(text):
            text = _joined(text)
        unfit = _UNFIT.search(text)
        if unfit is None:
            return text
        text = _UNFIT.sub("\ufffd", text)
        message = f"character #x{ord(unfit[0]):04x} is not allowed in a text"
        self.found.append((line, column, dotted(path), message, "remove it"))
        return text

    def _refuse_magic(self, event: Any, kind: str, line: int, column: int, path: Path) -> None:
        if kind == "AliasEvent":
            self.found.append((line, column, dotted(path), "aliases are not allowed", "write the value out"))
        elif getattr(event, "anchor", None) is not None:
            self.found.append((line, column, dotted(path), "anchors are not allowed", f"remove &{shown(event.anchor)}"))
        if getattr(event, "tag", None) is not None:
            tag = shown(str(event.tag).replace("tag:yaml.org,2002:", "!!"))
            self.found.append((line, column, dotted(path), "tags are not allowed", f"remove {tag}"))

    def _mapping(self, node: Node, path: Path) -> Node:
        while type(event := next(self.events)).__name__ != "MappingEndEvent":
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            if type(event).__name__ != "ScalarEvent":
                raise Unreadable(line, column, "a key must be a plain word")
            self._refuse_magic(event, "ScalarEvent", line, column, path)
            key = self._text(event, line, column, path)
            first = node.key_places.get(key)
            child = self.node(next(self.events), (*path, key))
            if first is not None:
                message = f"`{shown(key)}` is given twice, first in line {first[0]}"
                self.found.append((line, column, dotted((*path, key)), message, "keep one of them"))
                continue
            node.key_places[key] = (line, column)
            node.children[key] = child
        return node

    def _sequence(self, node: Node, path: Path) -> Node:
        while type(event := next(self.events)).__name__ != "SequenceEndEvent":
            place = len(node.children)
            node.children[place] = self.node(event, (*path, place))
        return node


def read_source(text: str | bytes, file: str) -> tuple[Node | None, list[Problem]]:
    """The document's tree and what is wrong with its form; no tree when it cannot be read to its end."""
    if len(text) > BYTES_MAX:
        return None, [Problem(file, 1, 1, "", f"longer than {BYTES_MAX} bytes: no promotion document is")]
    reader = _Reader(iter(()))
    root = None
    try:
        root = _read(_words(text), reader)
    except Unreadable as stop:
        reader.found.append(stop.problem)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        told = f"not YAML: {shown(str(error.problem or error.context))}"
        reader.found.append((line, column, "", told, _yaml_advice(error)))
    except (YAMLError, ValueError, ArithmeticError, RecursionError) as error:
        reader.found.append((1, 1, "", f"not YAML: {shown(str(error))}", ""))
    return root, [Problem(file, *found) for found in reader.found]


def _words(text: str | bytes) -> str:
    """The document's text; Unreadable where it is no UTF-8, or holds what would only cost time to read."""
    if isinstance(text, bytes):
        try:
            words = text.decode()
        except UnicodeDecodeError as error:
            before = text[: error.start].decode()
            utf16 = text[:2] in (b"\xff\xfe", b"\xfe\xff")
            raise Unreadable(
                *_spot(before, len(before)), "not UTF-8 text", "save it as UTF-8" if utf16 else ""
            ) from None
    else:
        words = text
    words = words.removeprefix("\ufeff")
    if (unfit := _UNFIT.search(words)) is not None:
        raise Unreadable(*_spot(words, unfit.start()), f"not YAML: character #x{ord(unfit[0]):04x} is not allowed")
    if (mark := _LONG_MARK.search(words)) is not None:
        spot = _spot(words, mark.start())
        raise Unreadable(*spot, f"`{mark[0][0]}` and 4000 characters without a space", "put spaces behind commas")
    return words


def _spot(text: str, index: int) -> tuple[int, int]:
    """Line and column of a character, counted as the parser counts."""
    lines = _LINE.split(text[:index])
    return len(lines), len(lines[-1]) + 1


def _joined(text: str) -> str:
    """JSON writes a character beyond the first 65 536 as two escapes, a pair of surrogates."""
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        return text


def _read(text: str, reader: _Reader) -> Node:
    events = YAML(typ="safe", pure=True).parse(text)
    reader.events = iter(events)
    root = None
    for event in reader.events:
        kind = type(event).__name__
        if kind == "DocumentStartEvent" and root is not None:
            place = event.start_mark
            raise Unreadable(place.line + 1, place.column + 1, "a second document: one promotion a file")
        if kind not in ("StreamStartEvent", "StreamEndEvent", "DocumentStartEvent", "DocumentEndEvent"):
            root = reader.node(event, ())
    if root is None or not isinstance(root.value, dict):
        place = (root.line, root.column) if root is not None else (1, 1)
        raise Unreadable(*place, "a promotion document is a mapping of fields", "start with `promotion: my-promotion`")
    return root


def _scalar(text: str) -> object:
    """Plain scalars of YAML's core schema: whole numbers, true and false, nothing; all else is text."""
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})", text):
        return int(text)
    return text


def _yaml_advice(error: MarkedYAMLError) -> str:
    if "mapping values are not allowed" in str(error.problem):
        return 'put the text in quotes, it holds a ": "'
    if "\\t" in str(error.problem) or "'\t'" in str(error.problem):
        return "indent with spaces, not tabs"
    return ""


def shown(text: str, most: int = SHOWN_MAX) -> str:
    """As much of a text as a message repeats."""
    return text if len(text) <= most else text[: most - 1] + "…"


def dotted(path: Path) -> str:
    """A path as people write it: `reward[0].coupon.valid_for`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{shown(part)}" if text else shown(part)
    return text
