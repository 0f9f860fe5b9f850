"""The cookbook is true: every document loads, its examples hold, and together they use the whole language."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from schemas.promotions.document import Promotion
from schemas.promotions.lint.documents import lint
from schemas.promotions.loading import load_document, load_programme, load_promotion
from schemas.promotions.programme import ProgrammeDocument
from services.engine.examples.examples import run_examples
from services.engine.terms import ProgrammeTerms

COOKBOOK = Path(__file__).parents[2] / "docs" / "cookbook"
INDEX = COOKBOOK / "README.md"
FILES = sorted(file for file in COOKBOOK.glob("*.yaml") if file.name != "programme.yaml")
# The secret that a fresh installation has: the seeds of the contests follow from it.
TERMS = ProgrammeTerms(b"change-me", "Europe/Rome", "EUR")


@cache
def promotions() -> dict[str, Promotion]:
    """Every promotion of the cookbook, by id."""
    loaded = [load_promotion(file.read_text(), file.name).promotion for file in FILES]
    return {promotion.promotion: promotion for promotion in loaded if promotion is not None}


@cache
def programme() -> ProgrammeDocument:
    """The programme they run in."""
    found = load_programme((COOKBOOK / "programme.yaml").read_text(), "programme.yaml").programme
    assert found is not None
    return found


@pytest.mark.parametrize("file", [*FILES, COOKBOOK / "programme.yaml"], ids=lambda file: file.stem)
def test_each_document_is_read_without_a_problem(file: Path):
    assert load_document(file.read_text(), file.name).problems == ()


def test_nothing_strikes_the_eye_but_that_a_cookbook_is_no_programme():
    """Recipes side by side give several coupons for one order, and nobody would run them all."""
    loaded = [load_promotion(file.read_text(), file.name) for file in FILES]
    assert [str(problem) for problem in lint(loaded, programme()) if problem.code != "overlap"] == []


@pytest.mark.parametrize("promotion_id", [file.stem for file in FILES])
def test_each_document_does_what_its_examples_say(promotion_id: str):
    results = run_examples(promotions()[promotion_id], TERMS, programme(), promotions())
    assert [(result.name, result.failures, result.why) for result in results if not result.passed] == []


@pytest.mark.parametrize("promotion_id", [file.stem for file in FILES])
def test_each_document_says_what_a_retailer_would_say(promotion_id: str):
    """Two languages, what it is for, when it ends, where it stops, and two to four examples."""
    promotion = promotions()[promotion_id]
    assert {"en", "it"} <= promotion.title.keys() & promotion.description.keys()
    assert promotion.objective is not None
    assert promotion.objective.by is not None
    assert promotion.schedule.from_ is not None
    assert promotion.schedule.until is not None
    assert promotion.schedule.timezone == "Europe/Rome"
    assert "limits" in promotion.model_fields_set
    assert 2 <= len(promotion.examples) <= 4


@pytest.mark.parametrize("promotion_id", [file.stem for file in FILES])
def test_each_document_shows_when_it_does_not_give(promotion_id: str):
    """At least one example expects less than another: nothing, or no more than before."""
    examples = promotions()[promotion_id].examples
    assert len({example.expect.model_dump_json(exclude_none=True) for example in examples}) > 1


def test_each_file_is_named_after_its_promotion():
    assert sorted(promotions()) == sorted(file.stem for file in FILES)
    assert len(FILES) >= 45


def test_the_pool_of_codes_is_the_file_beside_the_document():
    pools = [
        reward.coupon.codes
        for promotion in promotions().values()
        for reward in promotion.reward
        if reward.coupon is not None and reward.coupon.codes is not None
    ]
    assert pools
    for pool in pools:
        body = (COOKBOOK / pool.file).read_bytes()
        assert hashlib.sha256(body).hexdigest() == pool.sha256
        assert len(set(body.decode().split())) == pool.count


def test_the_index_lists_every_document_once_with_its_title():
    rows = re.findall(
        r"^\| \[([a-z0-9-]+)\]\(([a-z0-9-]+)\.yaml\) \| (.+?) \| (.+) \|$", INDEX.read_text(), re.MULTILINE
    )
    assert sorted(file for _, file, _, _ in rows) == sorted(file.stem for file in FILES)
    for name, file, title, shows in rows:
        assert name == file
        assert title == promotions()[file].title["en"]
        assert shows


# What the documents use -----------------------------------------------------------------------------------------------

Use = tuple[str, str]
"""The model that has a field, and the field; or a field and a word of its closed list, wherever it stands."""


def models(annotation: Any, seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    """Every model that a value of this annotation may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in seen:
        seen.add(annotation)
        for field in annotation.model_fields.values():
            models(field.annotation, seen)
    for part in get_args(annotation):
        models(part, seen)
    return seen


def owner(model: type[BaseModel], name: str) -> str:
    """The model that declares a field: a goal's measure is the same as that of its parts."""
    return next(base.__name__ for base in reversed(model.__mro__) if name in getattr(base, "model_fields", {}))


def words(annotation: Any) -> Iterator[object]:
    """The words of the closed lists in an annotation."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        for part in get_args(annotation):
            yield from words(part)


def possible(root: type[BaseModel]) -> set[Use]:
    """Everything a document of this kind can say."""
    found: set[Use] = set()
    for model in models(root, set()):
        for name, field in model.model_fields.items():
            found.add((owner(model, name), name))
            found |= {(name, str(word)) for word in words(field.annotation)}
    return found


def used(value: object) -> Iterator[Use]:
    """What one document says."""
    if isinstance(value, BaseModel):
        model = type(value)
        for name in value.model_fields_set:
            said = getattr(value, name)
            yield owner(model, name), name
            known = set(words(model.model_fields[name].annotation))
            yield from ((name, str(word)) for word in flat(said) if word in known)
            yield from used(said)
    elif isinstance(value, dict):
        for part in value.values():
            yield from used(part)
    elif isinstance(value, tuple):
        for part in value:
            yield from used(part)


def flat(value: object) -> Iterator[Any]:
    """The plain values in a list, a mapping's keys, or the value itself."""
    if isinstance(value, tuple | dict):
        for part in value:
            yield from flat(part)
    elif isinstance(value, str | int):
        yield value


NOT_SHOWN: dict[Use, str] = {
    (field, "el"): "English and Italian are enough to show texts"
    for field in ("title", "description", "staff_hint", "message")
}
"""What no document of the cookbook uses, and why not."""


def test_together_the_documents_use_the_whole_language():
    """Every field and every word of the language is shown by a document whose examples run."""
    said = {use for promotion in promotions().values() for use in used(promotion)}
    missing = possible(Promotion) - said - NOT_SHOWN.keys()
    assert sorted(missing) == []
    assert said & NOT_SHOWN.keys() == set()
