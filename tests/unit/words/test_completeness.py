"""Every field of the language is told: in the description of a document, and when it changes."""

from __future__ import annotations

from typing import cast

import pytest

from schemas.promotions.document import Promotion
from schemas.promotions.fields import Part
from schemas.promotions.programme import ProgrammeDocument
from services.words.differences import differences
from services.words.document import describe
from services.words.programme import describe_programme
from services.words.voice import LANGUAGES, Spoken
from tests.unit.words.samples import changes

ABOVE = {"promotion"}
"""Stands above the description, not in it."""
DOCUMENTS = (Promotion, ProgrammeDocument)


def told(document: Part, language: Spoken) -> list[str]:
    if isinstance(document, ProgrammeDocument):
        sections = describe_programme(document, language)
    else:
        sections = describe(cast(Promotion, document), language)
    return [line.text for section in sections for line in section.lines]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("model", DOCUMENTS)
def test_what_a_document_says_is_in_its_description(model, language):
    silent = {path for path, one, other in changes(model) if told(one, language) == told(other, language)}
    assert silent <= ABOVE


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("model", DOCUMENTS)
def test_what_changes_is_told_both_ways(model, language):
    for path, one, other in changes(model):
        there, back = differences(one, other, language), differences(other, one, language)
        assert there, path
        assert back, path
        assert there != back, path
        assert all(text.strip() and "None" not in text and "()" not in text for text in [*there, *back]), path
        assert differences(one, one, language) == []


def test_the_samples_reach_every_model():
    """A few thousand places, nested conditions of a step of a goal among them."""
    paths = {path for model in DOCUMENTS for path, *_ in changes(model)}
    assert {"goal.steps.where.lines.except_.sku", "variants.reward.coupon.buy_get.get", "tiers.levels.from_"} <= paths
