"""The report for a terminal: sentences first, then calm tables. Colour repeats what a word already says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.ops.report import GroupRow, PartitionRow, Report, TouchpointRow
from services.ops.wording import count, printable, sentences, short_topic, span
from services.ops.words import Step, Word, worst

ROWS_MAX = 16
"""Partitions of one topic listed one by one; of more, only those that are not OK."""
WIDE = 100
STYLES = {
    Word.OK: "green",
    Word.WARN: "yellow",
    Word.STOP: "bold red",
    Word.STALL: "bold red",
    Word.REWIND: "bold red",
    Step.IN_STEP: "green",
    Step.SLOW: "yellow",
    Step.LATE: "bold red",
    Step.SILENT: "dim",
}


def render(report: Report, *, width: int) -> RenderableType:
    """The whole report for a terminal `width` columns wide; below 100, columns one can do without are left out."""
    wide = width >= WIDE
    parts: list[RenderableType] = [_headline(report)]
    for group in report.groups:
        parts += [Text(), _group_title(group, wide=wide), _group_table(group, wide=wide, books=not report.books_error)]
    if report.relay is not None:
        parts += [Text(), _books(report)]
    if report.touchpoints:
        parts += [Text(), Text("Touchpoints", style="bold"), _touchpoint_table(report.touchpoints, wide=wide)]
    if report.forgotten:
        parts.append(Text(f"  {count(report.forgotten, 'touchpoint')} not heard of for over a day", style="dim"))
    return Padding(Group(*parts), (1, 1, 1, 1))


def _headline(report: Report) -> RenderableType:
    first, *rest = sentences(report)
    style = "bold" if report.well else "bold red"
    lines = Table.grid(expand=True)
    lines.add_column(ratio=1)
    lines.add_column(justify="right", no_wrap=True)
    lines.add_row(Text(first, style=style), Text(f"  {report.at:%H:%M:%S} UTC", style="dim"))
    for sentence in rest[:8]:
        lines.add_row(Text(sentence), Text())
    if len(rest) > 8:
        lines.add_row(Text(f"and {len(rest) - 8} more", style="dim"), Text())
    return lines


def _group_title(group: GroupRow, *, wide: bool) -> Text:
    lost = group.members < group.members_expected
    members = f"{group.members} of {group.members_expected} members" if lost else count(group.members, "member")
    title = Text()
    title.append("Workers" if group.is_worker else "Group", style="bold")
    title.append(f" {printable(group.group)}  ", style="dim" if group.is_worker else "bold")
    title.append(members, style="yellow" if lost else "dim")
    title.append(f", {group.owned} of {len(group.partitions)} partitions owned", style="dim")
    if wide and group.in_rate is not None and group.out_rate is not None:
        title.append(f", {group.in_rate:,.0f}/s in, {group.out_rate:,.0f}/s applied", style="dim")
    return title


def _group_table(group: GroupRow, *, wide: bool, books: bool) -> Table:
    table = _table()
    table.add_column("topic", no_wrap=True)
    table.add_column("part", justify="right")
    table.add_column("state", no_wrap=True)
    table.add_column("lag", justify="right")
    table.add_column("time lag", justify="right", no_wrap=True)
    if group.is_worker:
        table.add_column("applied", justify="right")
    table.add_column("committed", justify="right")
    table.add_column("end", justify="right")
    table.add_column("moved", justify="right", no_wrap=True)
    if wide:
        table.add_column("owner", style="dim", overflow="ellipsis", no_wrap=True)
    table.add_column("", style="dim", overflow="ellipsis", no_wrap=True)
    for row in _listed(group.partitions):
        cells: list[str | Text] = [short_topic(row.reading.topic), str(row.reading.partition), _word(row.word)]
        cells += [f"{row.reading.lag:,}", "?" if row.lag_s is None else span(row.lag_s)]
        if group.is_worker:
            cells.append(_offset(row.reading.cursor) if books else "?")
        cells += [_offset(row.reading.committed), f"{row.reading.log_end:,}", _ago(row.moved_age_s)]
        if wide:
            cells.append(printable(row.reading.owner or "–"))
        table.add_row(*cells, row.note)
    for topic, hidden in _hidden(group.partitions):
        blanks = [""] * (len(table.columns) - 5)
        word = _word(worst(row.word for row in hidden))
        table.add_row(short_topic(topic), str(len(hidden)), word, *_sums(hidden), *blanks)
    return table


def _listed(rows: Sequence[PartitionRow]) -> Iterator[PartitionRow]:
    for row in rows:
        if row.word is not Word.OK or _partitions_of(row.reading.topic, rows) <= ROWS_MAX:
            yield row


def _hidden(rows: Sequence[PartitionRow]) -> Iterator[tuple[str, list[PartitionRow]]]:
    for topic in dict.fromkeys(row.reading.topic for row in rows):
        if _partitions_of(topic, rows) > ROWS_MAX:
            yield f"{topic} others", [row for row in rows if row.reading.topic == topic and row.word is Word.OK]


def _partitions_of(topic: str, rows: Sequence[PartitionRow]) -> int:
    return sum(row.reading.topic == topic for row in rows)


def _sums(rows: Sequence[PartitionRow]) -> tuple[str, str]:
    return f"{sum(row.reading.lag for row in rows):,}", span(max((row.lag_s or 0.0 for row in rows), default=0.0))


def _books(report: Report) -> RenderableType:
    relay = report.relay
    assert relay is not None
    table = _table(header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    waits = f"{count(relay.depth, 'record')} to publish"
    if relay.depth:
        waits += f", the oldest for {span(relay.oldest_age_s)}"
    served = f"{relay.relays} of {relay.shards} shards served"
    table.add_row("Outbox", _word(relay.word), f"{waits}; {served}" + (f"; {relay.note}" if relay.note else ""))
    letters = report.dead_letters
    reasons = ", ".join(f"{reason} {number:,}" for reason, number in sorted(letters.items(), key=lambda i: -i[1]))
    total = sum(letters.values())
    table.add_row("Dead letters", f"{total:,}", reasons if total else "none")
    table.add_row("Wallets", f"{report.members or 0:,}", f"{count(report.versions_total or 0, 'version')} in the books")
    return table


def _touchpoint_table(rows: Sequence[TouchpointRow], *, wide: bool) -> Table:
    table = _table()
    table.add_column("kind")
    table.add_column("store")
    table.add_column("id", overflow="ellipsis", no_wrap=True, max_width=24 if wide else 14)
    table.add_column("state", no_wrap=True)
    table.add_column("behind by", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("propagation", justify="right", no_wrap=True)
    table.add_column("reported", justify="right", no_wrap=True)
    if wide:
        table.add_column("members", justify="right")
        table.add_column("to upload", justify="right")
    for row in sorted(rows, key=lambda row: (row.kind, row.store_id or "", row.touchpoint_id)):
        took = "" if row.last_propagation_ms is None else span_ms(row.last_propagation_ms)
        behind = "?" if row.behind_s is None else span(row.behind_s)
        cells: list[str | Text] = [
            row.kind,
            printable(row.store_id or ""),
            printable(row.touchpoint_id),
            _word(row.step),
        ]
        cells += [f"{row.versions_behind:,}", behind, took, _ago(row.report_age_s)]
        if wide:
            cells += [f"{row.members:,}", f"{row.outbox_pending:,}"]
        table.add_row(*cells)
    return table


def span_ms(milliseconds: int) -> str:
    """`84 ms` below a second, else as `span`."""
    return f"{milliseconds} ms" if milliseconds < 1000 else span(milliseconds / 1000)


def _table(*, header: bool = True) -> Table:
    return Table(box=None, show_header=header, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False, expand=False)


def _word(word: Word | Step) -> Text:
    return Text(str(word), style=STYLES[word])


def _offset(offset: int | None) -> str:
    return "never" if offset is None else f"{offset:,}"


def _ago(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    return "now" if seconds < 1 else f"{span(float(round(seconds)))} ago"
