"""The report in sentences, business words first: the gravest on top."""

from __future__ import annotations

from collections.abc import Iterator
from unicodedata import category

from services.ops.report import GroupRow, PartitionRow, RelayRow, Report, TouchpointRow
from services.ops.words import Step, Word

SECONDS_SPELT = 100


def sentences(report: Report) -> list[str]:
    """What is to be said, the gravest first; one sentence when all is well."""
    workers = [group for group in report.groups if group.is_worker]
    others = [group for group in report.groups if not group.is_worker]
    said = [
        *_unseen(report),
        *(text for group in workers for text in _worker(group, report.relay)),
        *(_relay(report.relay) if report.relay else ()),
        *_touchpoints(report, Step.LATE),
        *(text for group in others for text in _other(group)),
        *_touchpoints(report, Step.SLOW),
        *_touchpoints(report, Step.SILENT),
    ]
    return said or [_all_in_step(report)]


def place(row: PartitionRow) -> str:
    """`checkout/3`: an event topic's own name and the partition."""
    return f"{short_topic(row.reading.topic)}/{row.reading.partition}"


def short_topic(topic: str) -> str:
    """A topic's name without what all of ours share."""
    return topic.removeprefix("loyalty.").removeprefix("events.")


def span(seconds: float) -> str:
    """A duration as one says it: `0.4 s`, `42 s`, `7 min`, `3 h`, `2 days`."""
    if seconds < 10:
        tenths = f"{seconds:.1f}".removesuffix(".0")
        return f"{tenths} s"
    if seconds < SECONDS_SPELT:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 event`, `1,310 events`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def printable(foreign: str) -> str:
    """Text that others made, with nothing in it that a terminal would obey: what is no sign and no space is escaped."""
    return "".join(
        c if c.isprintable() or category(c) == "Zs" else c.encode("unicode_escape").decode() for c in foreign
    )


def touchpoint_name(row: TouchpointRow, report: Report) -> str:
    """`Store 114` where that store has one till, else the till by name; the web account and the app by name."""
    mine, store = printable(row.touchpoint_id), printable(row.store_id or "")
    if row.kind != "till":
        return f"The {row.kind} touchpoint {mine}"
    if not store:
        return f"Till {mine}"
    tills = sum(other.kind == "till" and other.store_id == row.store_id for other in report.touchpoints)
    return f"Store {store}" if tills == 1 else f"Till {mine} of store {store}"


def _unseen(report: Report) -> Iterator[str]:
    if report.kafka_error:
        yield f"Kafka does not answer ({report.kafka_error}): no consumer is seen."
    elif not report.logs:
        yield "Kafka has none of our topics yet: run `unisono setup`."
    if report.books_error:
        yield f"The books do not answer ({report.books_error}): outbox and touchpoints are not seen."


def _worker(group: GroupRow, relay: RelayRow | None) -> Iterator[str]:
    if not group.partitions:
        return
    orphans = [row for row in group.partitions if row.word is Word.STOP and row.reading.owner is None]
    # A killed worker stays a member until its session ends; its locks in the database are gone at once.
    if len(orphans) == len(group.partitions) or (relay and relay.shards and not relay.relays):
        yield f"No worker is at work: {_waiting(list(group.partitions))}."
        return
    if orphans:
        yield f"{count(len(orphans), 'partition')} of {len(group.partitions)} without a worker: {_waiting(orphans)}."
    for row in group.partitions:
        if row.word is Word.STOP and row.reading.owner is not None:
            yield f"The worker cannot go on at {place(row)}: {row.note}."
    for word, verb in ((Word.STALL, "stands still"), (Word.REWIND, "went back")):
        rows = [row for row in group.partitions if row.word is word]
        if rows:
            yield f"The worker {verb} on {_places(rows)}: {_waiting(rows)}."
    if group.word is Word.WARN:
        yield f"The worker is {_behind(group)} behind."


def _other(group: GroupRow) -> Iterator[str]:
    verbs = {Word.STOP: "has stopped", Word.STALL: "stands still", Word.REWIND: "went back"}
    if group.word.bad:
        rows = [row for row in group.partitions if row.word is group.word]
        yield f"The group {printable(group.group)} {verbs[group.word]} on {_places(rows)}: {_waiting(rows, 'record')}."
    elif group.word is Word.WARN:
        yield f"The group {printable(group.group)} is {_behind(group, 'record')} behind."


def _relay(relay: RelayRow) -> Iterator[str]:
    if relay.word is Word.OK or (relay.shards and not relay.relays):
        return  # no relay at all is said with the workers
    waits = f"{count(relay.depth, 'record')} wait to be published, {relay.note}"
    yield f"The relay {'is slow' if relay.word is Word.WARN else 'does not publish'}: {waits}."


def _touchpoints(report: Report, step: Step) -> Iterator[str]:
    rows = [row for row in report.touchpoints if row.step is step]
    for row in sorted(rows, key=lambda row: (-(row.behind_s or 0), -row.versions_behind, row.touchpoint_id)):
        name = touchpoint_name(row, report)
        if step is Step.SILENT:
            yield f"{name} has not reported for {span(row.report_age_s)}: nobody knows whether it is in step."
        else:
            time = f"{span(row.behind_s)} and " if row.behind_s is not None else ""
            yield f"{name} is {time}{count(row.versions_behind, 'wallet update')} behind."


def _all_in_step(report: Report) -> str:
    oldest = max((group.lag_s for group in report.groups if group.is_worker), default=0.0)
    waits = f"the oldest event waits for {span(oldest)}" if oldest >= 0.1 else "nothing waits"
    if not report.touchpoints:
        return f"All in step: {waits}. No touchpoint has reported."
    touchpoints = count(sum(row.step is Step.IN_STEP for row in report.touchpoints), "touchpoint")
    return f"All in step: {touchpoints}, {count(report.members or 0, 'member')}, {waits}."


def _waiting(rows: list[PartitionRow], thing: str = "event") -> str:
    lag = sum(row.reading.lag for row in rows)
    if not lag:
        return "nothing waits yet"
    oldest = max((row.lag_s or 0.0 for row in rows), default=0.0)
    return f"{count(lag, thing)} {'waits' if lag == 1 else 'wait'}, the oldest for {span(oldest)}"


def _behind(group: GroupRow, thing: str = "event") -> str:
    return f"{span(group.lag_s)} and {count(group.lag, thing)}"


def _places(rows: list[PartitionRow], named: int = 3) -> str:
    names = [place(row) for row in rows[:named]]
    more = len(rows) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
