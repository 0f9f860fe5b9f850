"""The demo's promotions fit the data they are shown on, and hold what their examples say."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

import services.demo
from schemas.promotions.loading import load_promotion
from services.adapters import journey_tables
from services.adapters.complete_journey import CHECK_IN, CURRENCY, OFFER_PROMOTION
from services.engine.examples.examples import run_examples
from services.engine.terms import ProgrammeTerms

FOLDER = Path(services.demo.__path__[0]) / "promotions"
PATHS = sorted(FOLDER.glob("*.yaml"))
DOCUMENTS = {path.stem: YAML(typ="safe", pure=True).load(path) for path in PATHS}


@pytest.fixture(scope="module")
def products() -> list[journey_tables.Product]:
    return list(journey_tables.products().values())


def everything_under(document: object, key: str) -> set[str]:
    """Every value that stands under this key anywhere in a document."""
    found: set[str] = set()
    if isinstance(document, dict):
        for name, value in document.items():
            if name == key:
                found |= {value} if isinstance(value, str) else set(value)
            found |= everything_under(value, key)
    if isinstance(document, list):
        for value in document:
            found |= everything_under(value, key)
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_file_is_named_after_its_promotion(name: str):
    assert DOCUMENTS[name]["promotion"] == name


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_it_is_valid_and_does_what_its_examples_say(path: Path):
    loaded = load_promotion(path.read_bytes(), str(path))
    assert loaded.problems == ()
    assert loaded.promotion is not None
    results = run_examples(loaded.promotion, ProgrammeTerms(b"secret", "Europe/Rome", CURRENCY))
    assert {result.name: (result.failures, result.why) for result in results if not result.passed} == {}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_members_and_staff_can_read_it_in_both_languages(name: str):
    document = DOCUMENTS[name]
    for text in (document["title"], document["staff_hint"]):
        assert text["en"]
        assert text["it"]
    assert document["examples"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_it_names_exists_in_the_data(name: str, products: list[journey_tables.Product]):
    document = DOCUMENTS[name]
    assert everything_under(document, "category") <= {product.category for product in products}
    assert everything_under(document, "tag") <= {product.department for product in products}
    assert everything_under(document, "segments") <= {"families", "seniors", "small-households"}


def test_the_amounts_are_in_the_currency_of_the_data():
    for path in PATHS:
        assert " EUR" not in path.read_text()
        assert CURRENCY in path.read_text() or DOCUMENTS[path.stem]["reward"] == [{"points": 100}]


def test_what_the_adapter_makes_up_has_its_promotion():
    assert DOCUMENTS[OFFER_PROMOTION]["by"] == "offer"
    assert CHECK_IN in {document.get("activity") for document in DOCUMENTS.values()}
