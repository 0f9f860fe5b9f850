"""What the pages on promotions and README show is true: their documents are valid and their examples hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.envelope import from_structured
from schemas.events.catalogue import decode
from schemas.promotions.conditions import Trigger
from schemas.promotions.document import Promotion
from schemas.promotions.lint import documents as lint
from schemas.promotions.loading import Loaded, load_document, load_promotion
from schemas.promotions.programme import ProgrammeDocument
from services.cli.main import app
from services.engine.examples.examples import run_examples
from services.engine.fold import fold
from services.engine.programme import PromotionVersion, compile_programme
from services.engine.simulation import ALWAYS
from services.engine.terms import ProgrammeTerms
from tests.unit.test_cookbook import models, words

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "promotions.md").read_text()
REFERENCE = (ROOT / "docs" / "promotions-reference.md").read_text()
YAML = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
JSON = re.compile(r"^```json\n(.*?)^```$", re.DOTALL | re.MULTILINE)
DOCUMENTS = YAML.findall(PAGE)
RUN = CliRunner()
# The secret that a fresh installation has: the seed of the contest follows from it.
TERMS = ProgrammeTerms(b"change-me", "Europe/Rome", "EUR")


@pytest.mark.parametrize("document", DOCUMENTS, ids=[text.split()[1] for text in DOCUMENTS])
def test_each_document_of_the_page_does_what_it_says(document: str):
    loaded = load_document(document, "promotions.md")
    assert loaded.problems == ()
    if isinstance(loaded, Loaded):
        assert loaded.promotion is not None
        results = run_examples(loaded.promotion, TERMS)
        assert len(results) >= 2
        assert [(result.name, result.failures, result.why) for result in results if not result.passed] == []


def test_the_events_of_the_page_bring_the_coupon_it_promises():
    """Who follows the shortest way sees the promotion fire."""
    first = load_promotion(DOCUMENTS[0], "promotions.md").promotion
    assert first is not None
    events = [decode(from_structured(line.encode())) for line in JSON.findall(PAGE)[0].splitlines()]
    programme = compile_programme([PromotionVersion(first, 1, ALWAYS)], TERMS)
    entries = fold("anna", events, programme).entries
    assert [entry.kind for entry in entries].count("coupon.issued") == 1


def test_the_document_of_the_front_page_does_what_it_says():
    [document] = YAML.findall((ROOT / "README.md").read_text())
    promotion = load_promotion(document, "README.md").promotion
    assert promotion is not None
    assert [result.passed for result in run_examples(promotion, TERMS)] == [True, True]


def test_the_page_names_every_field_of_a_document_and_everything_that_starts_one():
    assert len(DOCUMENTS) >= 8
    for name in Promotion.model_fields:
        assert f"`{name}`" in PAGE
    for trigger in words(Trigger):
        assert f"`{trigger}`" in PAGE


@pytest.mark.parametrize("kind", [Promotion, ProgrammeDocument])
def test_the_reference_names_every_field_of_every_part(kind: type[Promotion] | type[ProgrammeDocument]):
    """Each field by the name it is written with, in code font, wherever it stands."""
    code = " ".join(re.findall(r"`([^`]+)`", REFERENCE))
    named = set(re.findall(r"[a-z_0-9]+", code))
    missing = {
        f"{model.__name__}.{name}"
        for model in models(kind, set())
        for name, field in model.model_fields.items()
        if (field.alias or name) not in named
    }
    assert sorted(missing) == []


def test_the_reference_lists_every_remark_of_the_check():
    """Those that the check names itself are those that stand in the table."""
    told = set(re.findall(r"`([a-z-]+)`", lint.__doc__ or ""))
    table = REFERENCE.split("## What `check` remarks")[1].split("##")[0]
    listed = {
        code for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for code in re.findall(r"`([a-z-]+)`", row)
    }
    assert listed == told


def test_what_the_page_shows_of_explain_and_diff_is_what_they_print(tmp_path: Path):
    explained, changed = re.findall(r"^```text\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(DOCUMENTS[0])
    text = DOCUMENTS[0].replace("2026-12-31", "2027-01-06").replace("50.00 EUR, within", "40.00 EUR, within")
    new.write_text(text.replace("times: 3", "times: 4"))
    told = plain(RUN.invoke(app, ["promotions", "explain", str(old)], env={"COLUMNS": "100"}).stdout)
    for line in plain(explained):
        assert line in told
    assert plain(RUN.invoke(app, ["promotions", "diff", str(old), str(new)], env={"COLUMNS": "100"}).stdout) == plain(
        changed
    )


def plain(text: str) -> list[str]:
    """Lines without the space around them."""
    return [line.strip() for line in text.strip().splitlines()]
