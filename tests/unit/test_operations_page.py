"""The page for operators names what there is: every metric, every field of the JSON, every word."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, CollectorRegistry

import services.metrics
from schemas.api.sync import TouchpointReport
from schemas.topics import CHECKOUT, WALLETS, WORKER_GROUP
from services.ops.collector import LagCollector
from services.ops.document import document
from services.ops.readings import BooksReading, GroupReading, KafkaReading, PartitionReading, Reading, TouchpointReading
from services.ops.report import Report, report
from services.ops.words import Step, Word

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


def everything() -> Report:
    """A report in which every part has something to say."""
    partition = PartitionReading(CHECKOUT, 0, 0, 9, 4, 5, AT, AT, "w1")
    till = TouchpointReading(TouchpointReport(kind="till", touchpoint_id="t1", members=1, versions_total=1), AT)
    books = BooksReading(1, 2, 3, 4.0, frozenset({0}), {"not_json": 1}, (till,))
    kafka = KafkaReading((GroupReading(WORKER_GROUP, "Stable", 1, (partition,)),), {(WALLETS, 0): (0, 9)})
    return report([Reading(AT, kafka, books)])


def test_every_metric_has_a_sample():
    collector, registry = LagCollector("main"), CollectorRegistry()
    collector.show(everything())
    registry.register(collector)
    names = {family.name for source in (registry, REGISTRY) for family in source.collect()}
    ours = {name for name in names if not name.startswith(("python_", "process_"))}
    assert vars(services.metrics)["EVENTS"]._name in ours
    assert not {name for name in ours if f"\n{name}" not in PAGE}


def test_every_field_of_the_json_is_named():
    def fields(value: object) -> set[str]:
        match value:
            case dict():
                nested = {name for inner in value.values() for name in fields(inner)}
                return {name for name in value if name != "not_json"} | nested
            case list():
                return {name for inner in value for name in fields(inner)}
        return set()

    assert not {name for name in fields(document(everything())) if name not in PAGE}


@pytest.mark.parametrize("word", [*Word, *Step])
def test_every_word_is_explained(word: Word | Step):
    assert str(word) in PAGE
