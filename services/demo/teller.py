"""Prints the demo: the story first, then the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from services.demo.broken import KINDS
from services.demo.figures import Spread
from services.demo.findings import Findings
from services.demo.moment import NICKNAME
from services.demo.story import Story


class Teller:
    """Tells a run to a person at `console`, as it happens."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._others = False

    def opening(self, events: int, members: int, stores: tuple[str, ...], seconds: float) -> None:
        """The stage is set."""
        tills = " and ".join(stores)
        self._console.print(
            f"Ready after {seconds:.1f} s: Kafka, PostgreSQL, a worker, the gateway, the web account, "
            f"and a till in each of the stores {tills}.\n"
        )
        self._console.print(
            f"Sending {events:,} real events of {members:,} households (Complete Journey, from 1 November 2017): in "
            "their real order, each stamped with the moment it is sent, so that weeks pass in seconds. One in ten is "
            "sent twice, and some are broken on purpose.\n"
        )

    @contextmanager
    def sending(self, steps: int) -> Iterator[Callable[[int], object]]:
        """A progress bar on a terminal, nothing elsewhere."""
        columns = (TextColumn("Sending"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal) as bar:
            task = bar.add_task("sending", total=steps)
            yield lambda by: bar.advance(task, by)

    def tell(self, story: Story) -> None:
        """One reward, where it appeared and how soon."""
        if story.who == NICKNAME:
            member = "a household of the data; her name is made up"
            self._console.print(Text(f"{NICKNAME} ({member})", style="bold"))
        elif not self._others:
            self._others = True
            self._console.print(Text("Others, in the same seconds", style="bold"))
        clock = story.at.astimezone().strftime("%H:%M:%S")
        self._console.print(Text(f"  {clock}  {story.who} {story.did}"))
        self._indented(f"and earns {story.got}")
        places = ", ".join(f"{place} {after:.0f} ms" for place, after in story.appeared)
        self._indented(f"there after: {places}", style="green")
        self._console.print()

    def _indented(self, text: str, *, style: str = "") -> None:
        self._console.print(Padding(Text(text, style=style), (0, 0, 0, 12), expand=False))

    def figures(self, findings: Findings) -> None:
        """The tables, and the verdict."""
        for table in (_counts(findings), _rewards(findings), _letters(findings), _speed(findings)):
            self._console.print(Padding(table, (0, 0, 1, 0), expand=False))
        self._verdict(findings)

    def _verdict(self, findings: Findings) -> None:
        if not findings.complaints:
            self._console.print(
                Text(f"Equal for all {findings.members:,} members: ", style="bold green")
                + Text("both tills, the web account, the app, the database, and the pure fold of the events sent.")
            )
        for complaint in findings.complaints:
            self._console.print(Text("Not as promised: ", style="bold red") + Text(complaint))

    def closing(self, kept: Path | None) -> None:
        """Where to go from here."""
        if kept is not None:
            self._console.print(f"\nData and logs are in {kept}")
        self._console.print(
            "\nSee it live: `unisono up --promotions services/demo/promotions` starts the same stack and prints the "
            "address of its demo page, with app, till and web account side by side."
        )


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_header=any(columns),
        show_edge=False,
        padding=(0, 2, 0, 0),
    )
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=True)
    return table


def _counts(findings: Findings) -> Table:
    table = _table("What went in", "", "", "")
    broken = sum(findings.letters.values())
    table.columns[2].justify = "left"
    given = sum(given.rewards for given in findings.rewards.values())
    table.add_row("events", f"{findings.events:,}", f"of {findings.members:,} members: {given:,} rewards")
    table.add_row("of them sent twice", f"{findings.repeats:,}", f"{findings.duplicates:,} duplicates absorbed")
    table.add_row("broken on purpose", f"{sum(findings.letters_expected.values()):,}", f"{broken:,} dead letters")
    return table


def _rewards(findings: Findings) -> Table:
    table = _table("Rewards by promotion", "promotion", "members", "coupons", "points")
    for promotion, given in findings.rewards.items():
        coupons, points = (f"{number:,}" if number else "" for number in (given.coupons, given.points))
        table.add_row(promotion, f"{len(given.members):,}", coupons, points)
    return table


def _letters(findings: Findings) -> Table:
    table = _table("Dead letters", "reason", "records", "what was wrong")
    table.columns[2].justify = "left"
    told: dict[str, str] = {kind.reason: kind.name for kind in KINDS}
    for reason, number in findings.letters.items():
        table.add_row(reason, f"{number:,}", told.get(reason, ""))
    return table


def _speed(findings: Findings) -> Table:
    table = _table("From the event to the touchpoint, by its own clock", "", "wallets", "p50", "p95", "p99")
    for name, spread in findings.spreads.items():
        table.add_row(name, *_row(spread))
    table.add_section()
    table.add_row("skew between till and web", *_row(findings.skew))
    return table


def _row(spread: Spread) -> list[str]:
    return [f"{spread.measured:,}", *(f"{ms:.0f} ms" for ms in (spread.p50, spread.p95, spread.p99))]
