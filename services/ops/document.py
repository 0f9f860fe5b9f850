"""The report as one JSON object, for programs (docs/operations.md lists the fields)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from schemas.values import rfc3339
from services.ops.report import GroupRow, PartitionRow, RelayRow, Report, TouchpointRow
from services.ops.wording import sentences


def document(report: Report) -> dict[str, Any]:
    """Plain JSON values; durations end in `_s` or `_ms`, instants are RFC 3339, what is not known is null."""
    return {
        "at": rfc3339(report.at),
        "well": report.well,
        "summary": sentences(report),
        "kafka_error": report.kafka_error or None,
        "books_error": report.books_error or None,
        "groups": [_group(group) for group in report.groups],
        "outbox": _relay(report.relay) if report.relay else None,
        "dead_letters": dict(report.dead_letters),
        "members": report.members,
        "versions_total": report.versions_total,
        "touchpoints": [_touchpoint(row) for row in report.touchpoints],
        "touchpoints_forgotten": report.forgotten,
    }


def _group(group: GroupRow) -> dict[str, Any]:
    return {
        "group": group.group,
        "status": group.word,
        "state": group.state,
        "members": group.members,
        "members_expected": group.members_expected,
        "partitions_owned": group.owned,
        "lag": group.lag,
        "time_lag_s": _seconds(group.lag_s),
        "in_per_s": _seconds(group.in_rate),
        "applied_per_s": _seconds(group.out_rate),
        "partitions": [_partition(row) for row in group.partitions],
    }


def _partition(row: PartitionRow) -> dict[str, Any]:
    reading = row.reading
    return {
        "topic": reading.topic,
        "partition": reading.partition,
        "status": row.word,
        "note": row.note or None,
        "position": reading.position,
        "cursor": reading.cursor,
        "committed": reading.committed,
        "log_start": reading.log_start,
        "log_end": reading.log_end,
        "lag": reading.lag,
        "time_lag_s": _seconds(row.lag_s),
        "still_s": _seconds(row.still_s),
        "moved_age_s": _seconds(row.moved_age_s),
        "owner": reading.owner,
    }


def _relay(relay: RelayRow) -> dict[str, Any]:
    return {
        "status": relay.word,
        "note": relay.note or None,
        "depth": relay.depth,
        "oldest_age_s": _seconds(relay.oldest_age_s),
        "shards_served": relay.relays,
        "shards": relay.shards,
    }


def _touchpoint(row: TouchpointRow) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "touchpoint_id": row.touchpoint_id,
        "store_id": row.store_id,
        "status": row.step,
        "versions_behind": row.versions_behind,
        "behind_s": _seconds(row.behind_s),
        "last_propagation_ms": row.last_propagation_ms,
        "last_applied_at": _moment(row.last_applied_at),
        "reported_at": rfc3339(row.reported_at),
        "report_age_s": _seconds(row.report_age_s),
        "members": row.members,
        "outbox_pending": row.outbox_pending,
    }


def _seconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
