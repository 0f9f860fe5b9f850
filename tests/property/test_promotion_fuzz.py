"""Whatever a document holds, loading it ends with a promotion or with problems that name places of its text."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from schemas.promotions.document import Promotion
from schemas.promotions.lint.documents import lint
from schemas.promotions.loading import (
    PROBLEMS_MAX,
    Loaded,
    LoadedProgramme,
    kind_of,
    load_document,
    load_programme,
    load_promotion,
)
from schemas.promotions.programme import ProgrammeDocument

EXAMPLES = int(os.environ.get("UNISONO_EXAMPLES", "60"))
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ROOT = Path(__file__).parents[2]
TEXTS = [path.read_text() for path in sorted((ROOT / "docs" / "cookbook").rglob("*.yaml"))]
PROGRAMME = """
programme: main
title: {en: Main, it: Principale}
timezone: Europe/Rome
currency: EUR
points:
  base: {value: 0.01 EUR, pending_for: 14d, expires: {end_of: year, plus: 1y}}
  sun: {title: {en: Suns}, rounding: half_up, spend: oldest}
earning: {amounts: before_discounts, except_lines: {category: tobacco}, except_payment_methods: gift_card}
returns: {period: 30d}
tiers: {period: year, grace: 1mo, levels: [{tier: silver, from: 0}, {tier: gold, from: 1000}]}
regions: {lazio: [114, 115], toscana: ["201"]}
segments: [commuters, families]
groups: {coffee: {mode: best, cap: {times: 2, every: day}}}
cap: {points: 1000, every: day}
"""
LINE = re.compile("\r\n|[\n\r]")


def plain(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(StringIO(text))


DOCUMENTS = [json.loads(json.dumps(plain(text), default=str)) for text in [*TEXTS, PROGRAMME]]
WORDS = sorted({word for text in [*TEXTS, PROGRAMME] for word in re.findall(r"[\w.%-]+", text)})


def judge(loaded: Loaded | LoadedProgramme, text: str | bytes) -> None:
    """It is read or it has problems, never both; each problem has a place of the text and says something."""
    found = loaded.promotion if isinstance(loaded, Loaded) else loaded.programme
    assert (found is None) == bool(loaded.problems)
    assert len(loaded.problems) <= PROBLEMS_MAX + 1
    words = text if isinstance(text, str) else text.decode(errors="replace")
    lines = LINE.split(words)
    for problem in loaded.problems:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 2
        assert problem.message
        assert problem.severity == "error"
        str(problem).encode()
    if isinstance(found, Promotion):
        assert isinstance(loaded, Loaded)
        for warning in lint([loaded], ProgrammeDocument(programme="main")):
            assert warning.code
            assert 1 <= warning.line <= len(lines)


def judged(text: str | bytes) -> None:
    loaded = load_document(text, "p.yaml")
    judge(loaded, text)
    judge(load_promotion(text, "p.yaml"), text)
    judge(load_programme(text, "p.yaml"), text)
    assert isinstance(loaded, LoadedProgramme) == (kind_of(text) == "programme")


def test_what_is_changed_below_is_valid():
    for text in [*TEXTS, PROGRAMME]:
        assert load_document(text, "p.yaml").problems == ()
    for document in DOCUMENTS:
        assert load_document(json.dumps(document), "p.json").problems == ()


@many
@given(st.text() | st.text(st.sampled_from("{}[]:,-?&*!|>'\"%@`#~ \n\t\r\\xuU0aN\x00\x85\u2028\ufeff")))
@example("\ufeffpromotion: a")
@example('"\\ud800": 1')
@example('a: "\\U00110000"')
@example('a: "\\UFFFFFFFF"')
@example("%YAML 1.1\n---\na: 1")
@example("? ")
@example("a: !<x> &b *c")
def test_any_text(text: str):
    judged(text)


@many
@given(st.binary(max_size=200))
@example(b"\xff\xfep\x00r\x00")
@example(b"\xef\xbb\xbfpromotion: a")
@example(b"a: \xc3")
def test_any_bytes(body: bytes):
    judged(body)


@many
@given(st.lists(st.sampled_from([*WORDS, *"{}[]:,-&*!", ": ", "\n", "\n  ", "- "]), max_size=60).map("".join))
def test_any_soup_of_words(text: str):
    judged(text)


def nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    found = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in found:
        yield from nodes(inner, (*path, key))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats()
    | st.sampled_from([*WORDS, "", " ", "10.00 EUR", "0.00 EUR", "1.00 USD", "30d", "5 %", "2026-02-30", "25:00-07:00"])
    | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), inner),
    max_leaves=5,
)


def change(document: Any, data: st.DataObject) -> None:
    """Delete, repeat, replace, wrap, rename or move one node of a document."""
    path = data.draw(st.sampled_from(list(nodes(document))))
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    key = path[-1]
    kind = data.draw(st.sampled_from(["delete", "replace", "wrap", "rename", "repeat", "move"]))
    if kind == "delete":
        del parent[key]
    elif kind == "replace":
        parent[key] = data.draw(VALUES)
    elif kind == "wrap":
        parent[key] = data.draw(st.sampled_from([[parent[key]], {"a": parent[key]}, [parent[key], parent[key]]]))
    elif kind == "move":
        other = data.draw(st.sampled_from(list(nodes(document))))
        value = document
        for step in other:
            value = value[step]
        parent[key] = copy.deepcopy(value)
    elif isinstance(parent, dict):
        name = data.draw(
            st.sampled_from(WORDS) | st.sampled_from([str(part) for each in nodes(document) for part in each])
        )
        parent[name] = copy.deepcopy(parent[key]) if kind == "repeat" else parent.pop(key)
    else:
        parent.append(copy.deepcopy(parent[key]))


@many
@given(st.data())
def test_any_change_of_a_valid_document(data: st.DataObject):
    document = copy.deepcopy(data.draw(st.sampled_from(DOCUMENTS)))
    for _ in range(data.draw(st.integers(1, 4))):
        if document:
            change(document, data)
    text = json.dumps(document, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 1])))
    judge(load_document(text, "p.json"), text)


@many
@given(st.data())
def test_any_cut_of_a_valid_text(data: st.DataObject):
    text = data.draw(st.sampled_from([*TEXTS, PROGRAMME]))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    changed = text[:start] + data.draw(st.text(max_size=3) | st.sampled_from(WORDS)) + text[end:]
    judge(load_document(changed, "p.yaml"), changed)
