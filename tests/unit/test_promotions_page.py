"""What docs/promotions.md shows is true: its documents are valid and their examples hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.promotions.advice import LATER
from schemas.promotions.document import Promotion
from schemas.promotions.loading import load_promotion
from services.engine.examples import run_examples
from services.engine.programme import ProgrammeTerms

PAGE = (Path(__file__).parents[2] / "docs" / "promotions.md").read_text()
DOCUMENTS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
TERMS = ProgrammeTerms(b"page", "Europe/Rome", "EUR")


@pytest.mark.parametrize("document", DOCUMENTS, ids=[text.split()[1] for text in DOCUMENTS])
def test_each_document_of_the_page_does_what_it_says(document: str):
    loaded = load_promotion(document, "promotions.md")
    assert loaded.problems == ()
    assert loaded.promotion is not None
    results = run_examples(loaded.promotion, TERMS)
    assert len(results) >= 2
    assert [(result.name, result.failures, result.why) for result in results if not result.passed] == []


def test_the_page_names_every_field():
    assert len(DOCUMENTS) >= 4
    for name in Promotion.model_fields:
        assert f"`{name}`" in PAGE


def test_what_comes_later_is_not_there_yet():
    assert not LATER[""] & Promotion.model_fields.keys()
