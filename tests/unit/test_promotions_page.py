"""What docs/promotions.md and README show is true: their documents are valid and their examples hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.promotions.advice import LATER
from schemas.promotions.document import Promotion
from schemas.promotions.loading import load_promotion
from services.engine.examples import run_examples
from services.engine.programme import ProgrammeTerms

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "promotions.md").read_text()
YAML = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
DOCUMENTS = YAML.findall(PAGE)
TERMS = ProgrammeTerms(b"page", "Europe/Rome", "EUR")


@pytest.mark.parametrize("document", DOCUMENTS, ids=[text.split()[1] for text in DOCUMENTS])
def test_each_document_of_the_page_does_what_it_says(document: str):
    loaded = load_promotion(document, "promotions.md")
    assert loaded.problems == ()
    assert loaded.promotion is not None
    results = run_examples(loaded.promotion, TERMS)
    assert len(results) >= 2
    assert [(result.name, result.failures, result.why) for result in results if not result.passed] == []


def test_the_document_of_the_front_page_does_what_it_says():
    [document] = YAML.findall((ROOT / "README.md").read_text())
    promotion = load_promotion(document, "README.md").promotion
    assert promotion is not None
    assert [result.passed for result in run_examples(promotion, TERMS)] == [True, True]


def test_the_page_names_every_field():
    assert len(DOCUMENTS) >= 4
    for name in Promotion.model_fields:
        assert f"`{name}`" in PAGE


def test_what_comes_later_is_not_there_yet():
    assert not LATER[""] & Promotion.model_fields.keys()
