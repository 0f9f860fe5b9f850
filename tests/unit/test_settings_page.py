"""docs/settings.md tells every setting, as it is."""

from __future__ import annotations

from services.cli.settings import PAGE, page, rows
from services.settings import Settings


def test_the_page_is_current():
    assert PAGE.read_text() == page(), "make generate"


def test_every_setting_is_told_with_its_meaning():
    assert len(rows()) == len(Settings.model_fields)
    assert all(row.meaning for row in rows())


def test_a_variable_of_the_page_is_read(monkeypatch):
    """The names are the ones that Settings reads: each one set to nonsense is either taken or named in the refusal."""
    by_name = {row.variable: row for row in rows()}
    monkeypatch.setenv("UNISONO_PROGRAMME", "nonsense")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
    assert {"UNISONO_PROGRAMME", "KAFKA_BOOTSTRAP_SERVERS"} <= by_name.keys()
    assert Settings().programme == "nonsense"
    assert Settings().brokers == "kafka:9092"


def test_an_empty_variable_is_not_set(monkeypatch):
    for row in rows():
        monkeypatch.setenv(row.variable, "")
    assert Settings() == Settings.model_construct(**{name: f.default for name, f in Settings.model_fields.items()})
