"""House style as a test: each complaint names the place and what to write instead.

Each check is a plain function from a file to its complaints, so that it can be broken on purpose: the second half of
this module feeds every check a text it must complain about.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "services", "streams")
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
LINE_COLUMNS_MAX = 120
BLOB_BYTES_MAX = 500_000

Check = Callable[[str, str], Iterator[str]]
"""(path inside the repository, text) to complaints, each `line: what is wrong and what to do`."""

# Words --------------------------------------------------------------------------------------------------------------

BANNED_PARTS = {
    "customer": "member",
    "customers": "members",
    "user": "member",
    "users": "members",
    "rule": "promotion",
    "rules": "promotions",
    "transaction": "order for a purchase, batch for what is committed",
    "transactions": "orders for purchases, batches for what is committed",
    "voucher": "coupon",
    "timestamp": "occurred_at, recorded_at, applied_at or effective_at",
}
BANNED_PARTS_ALLOWED = {
    ("services/store/", "transaction"): "the database owns the word",
    ("services/embedded/", "user"): "the operating system and PostgreSQL own the word",
    ("services/adapters/", "transactions"): "a table of the data set is called so",
    ("services/ops/", "timestamp"): "Kafka's word for the time of a record",
    ("services/sync/", "timestamp"): "Kafka's word for the time of a record",
    ("streams/", "timestamp"): "Kafka's word for the time of a record",
}
MODULES_BANNED = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
# Spelt in two halves, or this file would complain about itself.
NOTES_TO_SELF = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")) + r")\b")
MACHINE_PATHS = re.compile(r"(?<![\w.$}~-])/(?:ho" + r"me|Us" + r"ers|ro" + r"ot|wo" + r"rk)/\w")
REGISTRY_HOSTS = re.compile(
    r"py"
    r"pi\.org|python"
    r"hosted\.|npm"
    r"js\.|crates"
    r"\.io|maven"
    r"\.(apache\.)?org|proxy\.go"
    r"lang|deb\.deb"
    r"ian|docker"
    r"\.io|ghcr"
    r"\.io"
)


def banned_words(path: str, text: str) -> Iterator[str]:
    """Names we define use the words of the field; names of others (attributes, calls) are theirs."""
    for line, name in _defined(ast.parse(text)):
        for part in _parts(name):
            allowed = any(path.startswith(prefix) and part == word for prefix, word in BANNED_PARTS_ALLOWED)
            if part in BANNED_PARTS and not allowed:
                yield f"{line}: {name}: not {part!r}, say {BANNED_PARTS[part]}"


def _defined(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id


def _parts(name: str) -> list[str]:
    return [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def module_names(path: str, _: str) -> Iterator[str]:
    """A module is a noun or a verb of the domain."""
    if Path(path).stem in MODULES_BANNED:
        yield f"1: {Path(path).name} says nothing: name the module for what it does"


def notes_to_self(_: str, text: str) -> Iterator[str]:
    """What is left to do is an issue, not a comment."""
    for number, line in _numbered(text):
        if found := NOTES_TO_SELF.search(line):
            yield f"{number}: {found[0]}: do it now, or open an issue"


def machine_paths(_: str, text: str) -> Iterator[str]:
    """No path of somebody's own machine."""
    for number, line in _numbered(text):
        if found := MACHINE_PATHS.search(line):
            yield f"{number}: {found[0]}… exists on one machine only: take it from settings or a temporary folder"


def registry_hosts(_: str, text: str) -> Iterator[str]:
    """Which package registry is used is the business of whoever installs."""
    for number, line in _numbered(text):
        if found := REGISTRY_HOSTS.search(line):
            yield f"{number}: {found[0]} names a registry: packages are named, hosts are not"


def log_events(_: str, text: str) -> Iterator[str]:
    """Log events are names with keys, never sentences."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Name(id="log" | "_log" | "logger"),
                    attr="debug" | "info" | "warning" | "error" | "exception" | "critical",
                ),
                args=[ast.Constant(value=str(event)), *_],
            ) if not re.fullmatch(r"[a-z][a-z0-9_]*", event):
                yield f"{node.lineno}: {event!r} is a sentence: log a name such as batch_committed, and keys"
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Name(id="log" | "_log" | "logger"), attr="debug" | "info" | "warning" | "error"
                ),
                args=[ast.JoinedStr(), *_],
            ):
                yield f"{node.lineno}: an f-string is a sentence: log a name such as batch_committed, and keys"


# Shape --------------------------------------------------------------------------------------------------------------


def function_length(_: str, text: str) -> Iterator[str]:
    """Functions stay readable at once; docstrings do not count."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = node.body[0] if ast.get_docstring(node, clean=False) is not None else None
            without = docstring.end_lineno - docstring.lineno + 1 if docstring and docstring.end_lineno else 0
            lines = (node.end_lineno or node.lineno) - node.lineno + 1 - without
            if lines > FUNCTION_LINES_MAX:
                yield f"{node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}: split it"


def file_length(_: str, text: str) -> Iterator[str]:
    """Files stay one subject."""
    lines = text.count("\n")
    if lines > FILE_LINES_MAX:
        yield f"{lines}: {lines} lines, at most {FILE_LINES_MAX}: split the file by subject"


def line_length(_: str, text: str) -> Iterator[str]:
    """Lines fit; Python's are ruff's business, and a comment in the database's catalogue is one literal."""
    for number, line in _numbered(text):
        if len(line) > LINE_COLUMNS_MAX and not line.startswith("COMMENT ON "):
            yield f"{number}: {len(line)} columns, at most {LINE_COLUMNS_MAX}: break the line"


def whitespace(_: str, text: str) -> Iterator[str]:
    """No trailing blanks, and one newline at the end."""
    for number, line in _numbered(text):
        if line != line.rstrip():
            yield f"{number}: trailing whitespace: remove it"
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        yield f"{text.count(chr(10))}: end the file with exactly one newline"


def package_marker(path: str, text: str) -> Iterator[str]:
    """A package's `__init__` holds a docstring at most: everything is imported from the module that defines it."""
    body = ast.parse(text).body
    if any(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in body):
        yield f"{body[0].lineno}: {path} holds code: import from the module that defines it"


def leaf_imports(_: str, text: str) -> Iterator[str]:
    """Imports name the leaf module, never only the generic top-level name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module in PACKAGES:
            leaf = f"{node.module}.{node.names[0].name}"
            yield f"{node.lineno}: from {node.module} import {node.names[0].name}: write from {leaf} import …"


# Documents ----------------------------------------------------------------------------------------------------------


def one_title(_: str, text: str) -> Iterator[str]:
    """A page has one title, on its first line."""
    titles = [number for number, line in _prose(text) if line.startswith("# ")]
    if titles != [1]:
        place = titles[1] if len(titles) > 1 else 1
        yield f"{place}: a page has exactly one title, on its first line: found {len(titles)}"


def links(path: str, text: str) -> Iterator[str]:
    """Links inside the repository lead somewhere, their anchors included."""
    for number, line in _prose(text):
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            page = (ROOT / path).parent / name
            if name and not page.exists():
                yield f"{number}: {target} leads nowhere: correct or remove the link"
            elif anchor and anchor not in _anchors(page.read_text() if name else text):
                yield f"{number}: {target}: the page has no such heading"


def _anchors(text: str) -> set[str]:
    headings = [line.lstrip("#").strip().lower() for _, line in _prose(text) if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


def changelog(_: str, text: str) -> Iterator[str]:
    """Keep a Changelog: versions, then kinds of change."""
    for number, line in _prose(text):
        if line.startswith("## ") and not re.fullmatch(
            r"## (\[Unreleased\]|\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d)", line
        ):
            yield f"{number}: {line}: write ## [Unreleased] or ## [1.2.3] - 2026-01-31"
        if line.startswith("### ") and line[4:] not in {
            "Security",
            "Removed",
            "Deprecated",
            "Added",
            "Changed",
            "Fixed",
        }:
            yield f"{number}: {line}: one of Security, Removed, Deprecated, Added, Changed, Fixed"


def _prose(text: str) -> list[tuple[int, str]]:
    fenced = False
    lines = []
    for number, line in _numbered(text):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            lines.append((number, line))
    return lines


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(text.splitlines(), 1)


# The repository -----------------------------------------------------------------------------------------------------

TEXT = r"(?!requirements.*\.lock$).*"
PYTHON = r".*\.py"
CHECKS: list[tuple[Check, str]] = [
    (banned_words, rf"(?!tests/unit/test_tidy){PYTHON}"),
    (module_names, PYTHON),
    (notes_to_self, TEXT),
    (machine_paths, TEXT),
    (registry_hosts, TEXT),
    (log_events, PYTHON),
    (function_length, PYTHON),
    (file_length, r".*\.(py|sql|js|html)"),
    (line_length, r".*\.(sql|js|sh|yml)|\.ci/run"),
    (whitespace, rf"(?!LICENSE|.*\.(csv|po|pot)$){TEXT}"),
    (package_marker, r".*__init__\.py"),
    (leaf_imports, PYTHON),
    (one_title, r".*\.md"),
    (links, r".*\.md"),
    (changelog, r"CHANGELOG\.md"),
]


@cache
def repository() -> dict[str, bytes]:
    """Every file that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return {path: (ROOT / path).read_bytes() for path in listed if (ROOT / path).is_file()}


def texts(pattern: str) -> Iterator[tuple[str, str]]:
    """The text files whose path matches, with their text."""
    for path, content in repository().items():
        if re.fullmatch(pattern, path) and b"\0" not in content:
            yield path, content.decode()


@pytest.mark.parametrize(("check", "pattern"), CHECKS, ids=[check.__name__ for check, _ in CHECKS])
def test_tidy(check: Check, pattern: str):
    complaints = [f"{path}:{complaint}" for path, text in texts(pattern) for complaint in check(path, text)]
    assert not complaints, "\n" + "\n".join(complaints)


def test_no_large_blobs():
    large = {path: len(content) for path, content in repository().items() if len(content) > BLOB_BYTES_MAX}
    assert not large, "generate it, fetch it from a package, or make it smaller"


def test_executables_are_scripts():
    for path, content in repository().items():
        executable = bool((ROOT / path).stat().st_mode & 0o100)
        assert executable == content.startswith(b"#!"), f"{path}: executable if, and only if, it starts with #!"


@pytest.mark.parametrize("name", PACKAGES)
def test_the_generic_package_names_are_ours(name):
    """`schemas`, `services` and `streams` resolve inside this repository, and no other distribution claims them."""
    assert set(packages_distributions().get(name, ["unisono"])) == {"unisono"}
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).is_relative_to(ROOT)


# Each check, broken on purpose --------------------------------------------------------------------------------------

LONG_FUNCTION = "def far():\n" + "    pass\n" * 70
BROKEN: list[tuple[Check, str, str, str]] = [
    (banned_words, "services/gateway/app.py", "def get_customer():\n    return 1\n", "say member"),
    (banned_words, "services/gateway/app.py", "class TransactionBatch:\n    pass\n", "say order"),
    (banned_words, "services/ledger/x.py", "user_id = 1\n", "say member"),
    (module_names, "services/utils.py", "", "name the module"),
    (notes_to_self, "docs/x.md", "# A\n\nTO" + "DO: write\n", "open an issue"),
    (machine_paths, "docs/x.md", "see /ho" + "me/ann/unisono\n", "one machine only"),
    (registry_hosts, "Makefile", "pip install -i https://py" + "pi.org/simple\n", "names a registry"),
    (log_events, "streams/x.py", 'log.info("Batch committed!")\n', "is a sentence"),
    (log_events, "streams/x.py", 'log.info(f"batch {n}")\n', "is a sentence"),
    (function_length, "streams/x.py", LONG_FUNCTION, "has 71 lines"),
    (file_length, "streams/x.py", "\n" * 501, "split the file"),
    (line_length, "x.sql", "-" * 121, "break the line"),
    (whitespace, "x.md", "# A \n", "trailing"),
    (whitespace, "x.md", "# A\n\n", "exactly one newline"),
    (package_marker, "services/__init__.py", "from services.clock import utc_now\n", "holds code"),
    (leaf_imports, "services/x.py", "from services import clock\n", "services.clock import"),
    (one_title, "docs/x.md", "# A\n\n# B\n", "exactly one title"),
    (one_title, "docs/x.md", "Text\n", "found 0"),
    (links, "docs/x.md", "# A\n\n[there](nowhere.md)\n", "leads nowhere"),
    (links, "docs/x.md", "# A\n\n[there](#b)\n", "no such heading"),
    (changelog, "CHANGELOG.md", "# A\n\n## 1.0\n", "write ## [Unreleased]"),
    (changelog, "CHANGELOG.md", "# A\n\n## [Unreleased]\n\n### News\n", "one of Security"),
]
CLEAN: list[tuple[Check, str, str]] = [
    (banned_words, "services/store/x.py", "transaction = connection.transaction()\n"),
    (banned_words, "services/ledger/x.py", "postgres.user\n"),
    (log_events, "streams/x.py", 'log.info("batch_committed", events=3)\n'),
    (function_length, "streams/x.py", '"""Long."""\ndef near():\n    """A\n    B."""\n' + "    pass\n" * 69),
    (one_title, "docs/x.md", "# A\n\n```sh\n# a comment\n```\n"),
    (links, "docs/x.md", "# A b\n\n[here](#a-b) and [there](https://example.org) and `[x](y)`\n"),
    (package_marker, "schemas/__init__.py", '"""What crosses a boundary."""\n'),
    (leaf_imports, "services/x.py", "from services.clock import utc_now\n"),
    (changelog, "CHANGELOG.md", "# A\n\n## [Unreleased]\n\n### Added\n"),
]


@pytest.mark.parametrize(("check", "path", "text", "expected"), BROKEN, ids=[case[0].__name__ for case in BROKEN])
def test_a_check_complains(check: Check, path: str, text: str, expected: str):
    complaints = list(check(path, text))
    assert len(complaints) == 1
    assert expected in complaints[0]
    assert re.match(r"\d+: ", complaints[0])


@pytest.mark.parametrize(("check", "path", "text"), CLEAN, ids=[case[0].__name__ for case in CLEAN])
def test_a_check_is_silent(check: Check, path: str, text: str):
    assert list(check(path, text)) == []


def test_every_check_is_broken_once():
    assert {check for check, _ in CHECKS} == {check for check, *_ in BROKEN}
