"""The report as a function of looks: touchpoints, sentences, tables, JSON, metrics."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from schemas.api.sync import TouchpointKind, TouchpointReport
from schemas.topics import CHECKOUT, WALLETS, WORKER_GROUP
from services.ops.collector import LagCollector
from services.ops.document import document
from services.ops.readings import (
    BooksReading,
    GroupReading,
    KafkaReading,
    PartitionReading,
    Reading,
    TouchpointReading,
)
from services.ops.report import Report, report
from services.ops.tables import render
from services.ops.wording import sentences, span
from services.ops.words import Step, Word

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SHARDS = 2
LOGS = {(CHECKOUT, 0): (0, 40), (CHECKOUT, 1): (0, 50), (WALLETS, 0): (0, 9), (WALLETS, 1): (0, 9)}


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def workers(
    *partitions: PartitionReading, members: int = 1, state: str = "Stable", name: str = WORKER_GROUP
) -> GroupReading:
    return GroupReading(name, state, members, partitions)


def partition(
    number: int, position: int, end: int, *, record: float | None = None, owner: str | None = "w1"
) -> PartitionReading:
    record_at = None if record is None else at(record)
    return PartitionReading(CHECKOUT, number, 0, end, position, position, at(-60), record_at, owner)


CAUGHT_UP = workers(partition(0, 40, 40), partition(1, 50, 50))


def books(
    total: int, *touchpoints: TouchpointReading, depth: int = 0, age_s: float = 0.0, relays: int = SHARDS
) -> BooksReading:
    return BooksReading(10, total, depth, age_s, frozenset(range(relays)), {"not_json": 3}, touchpoints)


def heard(
    total: int,
    *,
    reported: float,
    applied: float | None = None,
    took_ms: int | None = 80,
    touchpoint_id: str = "t1",
    store: str | None = "114",
    kind: TouchpointKind = "till",
) -> TouchpointReading:
    told = TouchpointReport(
        kind=kind,
        touchpoint_id=touchpoint_id,
        store_id=store,
        members=10,
        versions_total=total,
        last_applied_at=None if applied is None else at(applied),
        last_propagation_ms=took_ms,
    )
    return TouchpointReading(told, at(reported))


def seen(second: float, found: BooksReading | None, *groups: GroupReading) -> Reading:
    return Reading(at(second), KafkaReading(groups or (CAUGHT_UP,), LOGS), found)


@pytest.mark.parametrize(
    ("readings", "step", "behind", "behind_s"),
    [
        pytest.param([seen(0, books(100, heard(100, reported=-1)))], Step.IN_STEP, 0, 0.0, id="equal"),
        pytest.param([seen(0, books(100, heard(103, reported=-1)))], Step.IN_STEP, 0, 0.0, id="the report is newer"),
        pytest.param(
            [seen(0, books(100)), seen(10, books(300)), seen(20, books(500, heard(290, reported=10.0)))],
            Step.IN_STEP,
            10,
            0.5,
            id="against the books of the moment of its report, not of ours",
        ),
        pytest.param(
            [seen(0, books(100)), seen(10, books(300)), seen(60, books(300, heard(200, reported=59)))],
            Step.LATE,
            100,
            54.0,
            id="late: the books were there 54 s before it reported",
        ),
        pytest.param(
            [seen(0, books(300)), seen(1, books(300, heard(200, reported=0.5, applied=-42)))],
            Step.LATE,
            100,
            42.5,
            id="late at the first looks: idle for 42 s with work waiting",
        ),
        pytest.param(
            [seen(0, books(300, heard(200, reported=-1, applied=-3600)))],
            Step.SLOW,
            100,
            None,
            id="behind since its report, which is older than the first look: nobody knows for how long",
        ),
        pytest.param(
            [seen(0, books(300, heard(200, reported=-1, applied=-1.2, took_ms=90)))],
            Step.IN_STEP,
            100,
            0.09,
            id="behind our look, but what it applied last came in no time",
        ),
        pytest.param(
            [seen(0, books(300, heard(200, reported=-1, applied=-1, took_ms=42_000)))],
            Step.SLOW,
            100,
            None,
            id="works through a backlog",
        ),
        pytest.param([seen(0, books(300, heard(300, reported=-90)))], Step.SILENT, 0, 0.0, id="silent"),
    ],
)
def test_touchpoints(readings: list[Reading], step: Step, behind: int, behind_s: float | None):
    (row,) = report(readings).touchpoints
    assert (row.step, row.versions_behind) == (step, behind)
    assert row.behind_s == (None if behind_s is None else pytest.approx(behind_s))


def test_touchpoints_long_gone_are_only_counted():
    found = report([seen(0, books(10, heard(10, reported=-90_000), heard(10, reported=-1, touchpoint_id="t2")))])
    assert [row.touchpoint_id for row in found.touchpoints] == ["t2"]
    assert found.forgotten == 1
    assert found.well


DEAD = workers(partition(0, 40, 250, record=-42, owner=None), partition(1, 50, 150, record=-3, owner=None), members=0)
KILLED = workers(partition(0, 40, 40), partition(1, 50, 51, record=-1))
HALF = workers(partition(0, 40, 50, record=-4), partition(1, 50, 51, record=-1, owner=None))
STALLED = workers(partition(0, 40, 350, record=-42), partition(1, 50, 50))
OTHER = workers(PartitionReading(CHECKOUT, 0, 0, 40, 35, None, None, at(-7200), None), members=0, name="kpi")
SAID: list[tuple[str, Reading, str, bool]] = [
    (
        "all well",
        seen(0, books(9, heard(9, reported=0))),
        "All in step: 1 touchpoint, 10 members, nothing waits.",
        True,
    ),
    ("no worker", seen(0, books(9), DEAD), "No worker is at work: 310 events wait, the oldest for 42 s.", False),
    (
        "killed just now",
        seen(0, books(9, relays=0), KILLED),
        "No worker is at work: 1 event waits, the oldest for 1 s.",
        False,
    ),
    (
        "one of two gone",
        seen(0, books(9), HALF),
        "1 partition of 2 without a worker: 1 event waits, the oldest for 1 s.",
        False,
    ),
    (
        "stands still",
        seen(0, books(9), STALLED),
        "The worker stands still on checkout/0: 310 events wait, the oldest for 42 s.",
        False,
    ),
    (
        "relay slow",
        seen(0, books(9, depth=7, age_s=8)),
        "The relay is slow: 7 records wait to be published, the oldest waits for 8 s.",
        True,
    ),
    (
        "relay stuck",
        seen(0, books(9, depth=7, age_s=80)),
        "The relay does not publish: 7 records wait to be published, the oldest waits for 80 s.",
        False,
    ),
    (
        "a late store",
        seen(
            1,
            books(310, heard(0, reported=0.5, applied=-41.5), heard(310, reported=0, store="203", touchpoint_id="t2")),
        ),
        "Store 114 is 42 s and 310 wallet updates behind.",
        False,
    ),
    (
        "a late till of several",
        seen(1, books(310, heard(0, reported=0.5, applied=-41.5), heard(310, reported=0, touchpoint_id="t2"))),
        "Till t1 of store 114 is 42 s and 310 wallet updates behind.",
        False,
    ),
    (
        "a silent page",
        seen(0, books(9, heard(9, reported=-125, kind="web", store=None, touchpoint_id="w1"))),
        "The web touchpoint w1 has not reported for 2 min: nobody knows whether it is in step.",
        True,
    ),
    (
        "another group",
        seen(0, books(9), CAUGHT_UP, OTHER),
        "The group kpi has stopped on checkout/0: 5 records wait, the oldest for 2 h.",
        False,
    ),
    (
        "no Kafka",
        Reading(at(0), None, books(9), kafka_error="no answer within 8 s"),
        "Kafka does not answer (no answer within 8 s): no consumer is seen.",
        False,
    ),
    (
        "no topics",
        Reading(at(0), KafkaReading((workers(),), {}), books(9)),
        "Kafka has none of our topics yet: run `unisono setup`.",
        False,
    ),
    (
        "no books",
        Reading(at(0), KafkaReading((CAUGHT_UP,), LOGS), None, books_error="connection refused"),
        "The books do not answer (connection refused): outbox and touchpoints are not seen.",
        False,
    ),
]


@pytest.mark.parametrize(("reading", "sentence", "well"), [case[1:] for case in SAID], ids=[case[0] for case in SAID])
def test_the_first_sentence(reading: Reading, sentence: str, well: bool):
    before = seen(0, books(310)) if reading.at > at(0) else reading
    found = report([before, reading])
    assert sentences(found)[0] == sentence
    assert found.well is well


@pytest.mark.parametrize("case", SAID, ids=[case[0] for case in SAID])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_report_can_be_shown(case: tuple[str, Reading, str, bool], width: int):
    """On a terminal of any width no line is cut off, the sentence is there whole, and programs can read it too."""
    found = report([case[1]])
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(render(found, width=width))
    text = console.export_text()
    assert sentences(found)[0].split()[0] in text
    assert max(len(line) for line in text.splitlines()) <= width
    assert json.loads(json.dumps(document(found)))["summary"] == sentences(found)
    scraped(found)


def scraped(found: Report) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """The metrics of a report as Prometheus reads them: name → labels → number."""
    registry, collector = CollectorRegistry(), LagCollector("main")
    registry.register(collector)
    collector.show(found)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        family.name: {tuple(sorted(sample.labels.items())): sample.value for sample in family.samples}
        for family in families
    }


def labels(**pairs: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(pairs.items()))


def test_metrics_under_the_names_of_the_ecosystem():
    metrics = scraped(report([seen(0, books(9, heard(4, reported=0), depth=2, age_s=3), STALLED)]))
    place = {"topic": CHECKOUT, "partition": "0"}
    ours = {"consumergroup": WORKER_GROUP, **place}
    assert metrics["kafka_consumergroup_lag"][labels(**ours)] == 310
    assert metrics["kafka_consumergroup_lag_sum"][labels(consumergroup=WORKER_GROUP, topic=CHECKOUT)] == 310
    assert metrics["kafka_consumergroup_current_offset"][labels(**ours)] == 40
    assert metrics["kafka_consumergroup_members"][labels(consumergroup=WORKER_GROUP)] == 1
    assert metrics["kafka_topic_partition_current_offset"][labels(**place)] == 40
    assert metrics["kafka_topic_partition_oldest_offset"][labels(**place)] == 0
    group = {"cluster_name": "main", "group": WORKER_GROUP}
    assert metrics["kafka_consumergroup_group_lag_seconds"][labels(**group, **place)] == 42
    assert metrics["kafka_consumergroup_group_max_lag_seconds"][labels(**group)] == 42
    cluster = {"cluster": "main", "consumer_group": WORKER_GROUP}
    assert metrics["burrow_kafka_consumer_status"][labels(**cluster)] == 3
    assert metrics["burrow_kafka_topic_partition_status"][labels(**cluster, **place)] == Word.STALL.code
    assert metrics["unisono_oldest_unprocessed_timestamp_seconds"][labels(**ours)] == at(-42).timestamp()
    assert metrics["unisono_outbox_records"][()] == 2
    assert metrics["unisono_outbox_oldest_timestamp_seconds"][()] == at(-3).timestamp()
    assert metrics["unisono_dead_letters"][labels(reason="not_json")] == 3
    assert metrics["unisono_touchpoint_versions_behind"][labels(kind="till", store="114")] == 5
    assert metrics["unisono_touchpoints"][labels(kind="till", step="slow")] == 1
    assert metrics["unisono_monitor_last_poll_timestamp_seconds"][()] == at(0).timestamp()


def test_before_the_first_look_there_is_nothing_so_that_an_alert_on_absence_fires():
    registry = CollectorRegistry()
    registry.register(LagCollector("main"))
    assert generate_latest(registry) == b""


def test_rates_and_missing_members_show_over_several_looks():
    def moved(second: int, members: int) -> Reading:
        group = workers(partition(0, 10 * second, 20 * second, record=second - 1), members=members)
        return seen(second, books(9), group)

    (group,) = report([moved(second, 2 if second < 3 else 1) for second in range(6)]).groups
    assert (group.in_rate, group.out_rate) == (20.0, 10.0)
    assert (group.members, group.members_expected) == (1, 2)


def test_a_topic_with_many_partitions_lists_only_those_to_look_at():
    many = workers(*(partition(n, 5, 5 if n != 17 else 99, record=-42) for n in range(64)))
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(render(report([seen(0, books(9), many)]), width=120))
    text = console.export_text()
    assert "STALL" in text
    assert "others" in text
    assert len(text.splitlines()) < 20


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (0.42, "0.4 s"), (42.4, "42 s"), (99, "99 s"), (125, "2 min"), (7200, "2 h"), (200_000, "2 days")],
)
def test_durations_as_one_says_them(seconds: float, said: str):
    assert span(seconds) == said
