"""Both languages are there, and neither leaks into the other: every pair of texts in the package is looked at."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from schemas.promotions.document import Promotion
from schemas.promotions.examples import Example
from schemas.promotions.fields import Part
from schemas.promotions.programme import ProgrammeDocument
from services.words.labels import CHOICES, CHOSEN, LABELS
from tests.unit.words.samples import parts

PACKAGE = Path(__file__).parents[3] / "services" / "words"
SAME_IN_BOTH = {"no", "online", "totale"}
"""Words that Italian shares."""
ENGLISH = re.compile(
    r"\b(the|of|and|or|with|from|for|each|every|order|orders|points|coupon|store|until|after|before|member|members|only|"
    r"not|than|this|these|was|were|is|are|at|least|most|day|days|week|month|year|free|valid|used)\b"
)
"""Frequent words of the English texts; none of them is Italian."""
WHOLE_PARTS = {"schedule", "audience", "when", "where", "limits", "stacking", "earning", "returns", "expires"}
"""Never told as one: their fields are."""
NAMES = {"variant", "prize", "tier", "every", "from_", "criteria"}
"""What tells the items of a list apart: told as the place of a change, and with the whole item."""


def texts(node: ast.expr) -> Iterator[str]:
    """The fixed words of an argument, without what is put in."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr():
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        case ast.Tuple():
            for element in node.elts:
                yield from texts(element)


def pairs() -> Iterator[tuple[str, str, str]]:
    """(place, English, Italian): what `say`, `noun` and `count` are given, tables of forms, names of fields."""
    for file in sorted(PACKAGE.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            found: list[ast.expr] = []
            match node:
                case ast.Call(func=ast.Attribute(attr="say")):
                    found = node.args
                case ast.Call(func=ast.Attribute(attr="noun" | "count")):
                    found = node.args[1:]
                case ast.Tuple(elts=[ast.Tuple() as english, ast.Tuple() as italian]) if _forms(english, italian):
                    found = node.elts
            if len(found) == 2:
                for en, it in zip(texts(found[0]), texts(found[1]), strict=False):
                    yield f"{file.name}:{found[0].lineno}", en, it
    for name, (en, it) in [*LABELS.items(), *CHOICES.items()]:
        yield name, en, it


def _forms(*tuples: ast.Tuple) -> bool:
    return all(isinstance(each, ast.Constant) and len(part.elts) == 2 for part in tuples for each in part.elts)


def words_of(text: str) -> str:
    return re.sub(r"\{\}|\W+", " ", text).strip()


def test_no_text_is_the_same_in_both_languages():
    same = {(where, en) for where, en, it in pairs() if words_of(en) and en == it and words_of(en) not in SAME_IN_BOTH}
    assert same == set()


def test_no_english_word_stands_in_an_italian_text():
    leaks = {(where, it) for where, _, it in pairs() if ENGLISH.search(it)}
    assert leaks == set()


def test_the_texts_are_found():
    assert len(list(pairs())) > 500


def models(model: type[Part], found: dict[type[Part], None]) -> dict[type[Part], None]:
    if model not in found and model is not Example:
        found[model] = None
        for field in model.model_fields.values():
            for part in parts(field.rebuild_annotation()):
                models(part, found)
    return found


def test_every_field_has_a_name():
    """Fields of examples are told with the whole example."""
    missing = set()
    for model in [*models(Promotion, {}), *models(ProgrammeDocument, {})]:
        if model.__name__ in ("Window", "Span", "Bounds", "CountBounds", "Rung", "Limit"):
            continue  # told as one
        for name in model.model_fields:
            known = any(f"{base.__name__}.{name}" in LABELS for base in model.__mro__)
            if not known and name not in WHOLE_PARTS | NAMES:
                missing.add(f"{model.__name__}.{name}")
    assert missing == set()


def test_every_name_belongs_to_a_field():
    every = {
        f"{base.__name__}.{name}"
        for model in [*models(Promotion, {}), *models(ProgrammeDocument, {})]
        for name in model.model_fields
        for base in model.__mro__
    }
    assert set(LABELS) - every == set()
    assert every >= CHOSEN
