"""The report for Prometheus, under the names that dashboards and alerts of the ecosystem already use.

kafka_exporter (Grafana 7589, Strimzi's alerts), kafka-lag-exporter and Burrow, then our own. Instants rather than ages
where one can be had: an age freezes when the exporter dies. No series per member, coupon, event or till.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from services.metrics import TILL_LAST_SYNC, TILL_OUTBOX_PENDING
from services.ops.report import GroupRow, Report, TouchpointRow
from services.ops.words import Step, group_code

PARTITION = ("topic", "partition")
GROUP_PARTITION = ("consumergroup", "topic", "partition")


class LagCollector(Collector):
    """Serves the newest report it was shown; `cluster` is the label that lag-exporter and Burrow names carry."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._report: Report | None = None

    def show(self, report: Report) -> None:
        """From now on scrapes see this report."""
        self._report = report

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: which series there are depends on what is found."""
        return ()

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family a metric; nothing before the first report, so that an alert on absence fires."""
        report = self._report
        if report is None:
            return
        yield from _logs(report)
        yield from _kafka_exporter(report.groups)
        yield from _lag_exporter(report.groups, self._cluster)
        yield from _burrow(report.groups, self._cluster)
        yield from _ours(report)
        yield from _touchpoints(report.touchpoints)


def _family(
    name: str, help_text: str, labels: Sequence[str], rows: Iterable[tuple[Sequence[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _logs(report: Report) -> Iterator[GaugeMetricFamily]:
    places = [((topic, str(partition)), log) for (topic, partition), log in report.logs.items()]
    yield _family(
        "kafka_topic_partition_current_offset",
        "End of the log: the offset the next record gets",
        PARTITION,
        [(place, end) for place, (_, end) in places],
    )
    yield _family(
        "kafka_topic_partition_oldest_offset",
        "Start of the log: the oldest offset still there",
        PARTITION,
        [(place, start) for place, (start, _) in places],
    )


def _kafka_exporter(groups: Sequence[GroupRow]) -> Iterator[GaugeMetricFamily]:
    rows = [((g.group, r.reading.topic, str(r.reading.partition)), r.reading) for g in groups for r in g.partitions]
    sums: Counter[tuple[str, str]] = Counter()
    for (group, topic, _), reading in rows:
        sums[group, topic] += reading.lag
    yield _family(
        "kafka_consumergroup_current_offset",
        "Offset of the next record to apply: of the workers the books' own, of others what Kafka was told",
        GROUP_PARTITION,
        [(labels, reading.position) for labels, reading in rows if reading.position is not None],
    )
    yield _family(
        "kafka_consumergroup_lag",
        "Records still to be applied",
        GROUP_PARTITION,
        [(labels, reading.lag) for labels, reading in rows],
    )
    yield _family(
        "kafka_consumergroup_lag_sum",
        "Records still to be applied, over all partitions of a topic",
        ("consumergroup", "topic"),
        [(labels, lag) for labels, lag in sums.items()],
    )
    yield _family(
        "kafka_consumergroup_members",
        "Members of the group",
        ("consumergroup",),
        [((g.group,), g.members) for g in groups],
    )


def _lag_exporter(groups: Sequence[GroupRow], cluster: str) -> Iterator[GaugeMetricFamily]:
    yield _family(
        "kafka_consumergroup_group_lag_seconds",
        "Seconds since the oldest record still to be applied was written; 0 when caught up",
        ("cluster_name", "group", "topic", "partition"),
        [
            ((cluster, g.group, r.reading.topic, str(r.reading.partition)), r.lag_s)
            for g in groups
            for r in g.partitions
            if r.lag_s is not None
        ],
    )
    yield _family(
        "kafka_consumergroup_group_max_lag_seconds",
        "The same of the worst partition",
        ("cluster_name", "group"),
        [((cluster, g.group), g.lag_s) for g in groups],
    )


def _burrow(groups: Sequence[GroupRow], cluster: str) -> Iterator[GaugeMetricFamily]:
    yield _family(
        "burrow_kafka_consumer_status",
        "Status of the group: 1 OK, 2 WARN, 3 ERR",
        ("cluster", "consumer_group"),
        [((cluster, g.group), group_code(r.word for r in g.partitions)) for g in groups],
    )
    yield _family(
        "burrow_kafka_topic_partition_status",
        "Status of one partition: 1 OK, 2 WARN, 4 STOP, 5 STALL, 6 REWIND",
        ("cluster", "consumer_group", "topic", "partition"),
        [
            ((cluster, g.group, r.reading.topic, str(r.reading.partition)), r.word.code)
            for g in groups
            for r in g.partitions
        ],
    )


def _ours(report: Report) -> Iterator[GaugeMetricFamily]:
    at = report.at.timestamp()
    yield _family(
        "unisono_oldest_unprocessed_timestamp_seconds",
        "When the oldest record still to be applied was written; no series when caught up",
        GROUP_PARTITION,
        [
            ((g.group, r.reading.topic, str(r.reading.partition)), r.reading.record_at.timestamp())
            for g in report.groups
            for r in g.partitions
            if r.reading.lag and r.reading.record_at is not None
        ],
    )
    yield _family("unisono_monitor_last_poll_timestamp_seconds", "When ops last looked", (), [((), at)])
    sources = {"kafka": not report.kafka_error, "books": not report.books_error}
    yield _family(
        "unisono_monitor_source_up",
        "Whether it answered the last look",
        ("source",),
        [((s,), up) for s, up in sources.items()],
    )
    if report.relay is not None:
        relay = report.relay
        yield _family("unisono_outbox_records", "Committed and not yet published", (), [((), relay.depth)])
        oldest = [((), at - relay.oldest_age_s)] if relay.depth else []
        yield _family(
            "unisono_outbox_oldest_timestamp_seconds",
            "When the oldest of these was committed; none when empty",
            (),
            oldest,
        )
        yield _family("unisono_shards", "Shards, each to be served by one relay", (), [((), relay.shards)])
        yield _family("unisono_shards_served", "Shards that a live relay serves", (), [((), relay.relays)])
    if not report.books_error:
        letters = [((reason,), number) for reason, number in report.dead_letters.items()]
        yield _family("unisono_dead_letters", "Dead letters kept", ("reason",), letters)
        yield _family("unisono_wallets", "Wallets in the books", (), [((), report.members or 0)])


def _touchpoints(rows: Sequence[TouchpointRow]) -> Iterator[GaugeMetricFamily]:
    steps: Counter[tuple[str, str]] = Counter({(kind, str(s)): 0 for kind in {r.kind for r in rows} for s in Step})
    steps.update((row.kind, str(row.step)) for row in rows)
    yield _family("unisono_touchpoints", "Touchpoints by how they keep up", ("kind", "step"), list(steps.items()))
    places: dict[tuple[str, str], list[TouchpointRow]] = defaultdict(list)
    for row in rows:
        places[row.kind, row.store_id or ""].append(row)
    yield _family(
        "unisono_touchpoint_versions_behind",
        "Wallet versions behind the books, the worst touchpoint of a store",
        ("kind", "store"),
        [(place, max(row.versions_behind for row in found)) for place, found in places.items()],
    )


def record_tills(report: Report) -> None:
    """Sets the gauges that a till keeps for itself too: of a store, the till silent the longest, and all that waits."""
    TILL_LAST_SYNC.clear()
    TILL_OUTBOX_PENDING.clear()
    stores: dict[str, list[TouchpointRow]] = defaultdict(list)
    for row in report.touchpoints:
        if row.kind == "till":
            stores[row.store_id or ""].append(row)
    for store, tills in stores.items():
        TILL_LAST_SYNC.labels(store).set(min(row.reported_at for row in tills).timestamp())
        TILL_OUTBOX_PENDING.labels(store).set(sum(row.outbox_pending for row in tills))
