"""`unisono events`: real purchases as files of events, and files of events onto Kafka."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.errors import DOES_NOT_HOLD, UsageError

if TYPE_CHECKING:
    from rich.progress import Progress

    from schemas.envelope import CloudEvent
    from services.adapters.event_files import Line
    from services.adapters.publisher import EventPublisher, Pace
    from services.settings import Settings

events_app = typer.Typer(no_args_is_help=True, help="Convert and send events.")

_REPEATED_AFTER = 20
"""A repeated event comes again after this many others, as a sender's retry would."""


@events_app.command()
def convert(
    out: Annotated[Path, typer.Option(help="File to write, .jsonl or .jsonl.gz")],
    members: Annotated[int | None, typer.Option(min=1, help="So many households; default: all 2,469")] = None,
    since: Annotated[str | None, typer.Option("--from", help="First day, 2017-01-01 to 2017-12-31")] = None,
    until: Annotated[str | None, typer.Option(help="Last day, included")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many events")] = None,
    ending_at: Annotated[
        str | None, typer.Option(help="Move the timeline so that its last event is `now`, on that day or at that time")
    ] = None,
) -> None:
    """Write the Complete Journey data as events: a year of real baskets, mailings and coupon redemptions."""
    from services.adapters.complete_journey import journey_events
    from services.adapters.event_files import write_events
    from services.adapters.journey_tables import JourneyMissingError

    first, last = _day(since), _day(until)
    if first is not None and last is not None and first > last:
        raise UsageError(f"--from {first} is after --until {last}")
    events = journey_events(members=members, since=first, until=last, limit=limit, ending_at=_moment(ending_at))
    try:
        with _bar("Converting") as progress:
            written = write_events(out, _counted(events, progress))
    except (JourneyMissingError, OSError) as error:
        raise UsageError(str(error)) from error
    print(f"{written:,} events in {out} ({out.stat().st_size / 1e6:.1f} MB)")


@events_app.command()
def send(
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, help="Files of events, .jsonl or .jsonl.gz")
    ],
    rate: Annotated[float | None, typer.Option(min=0.01, help="Events a second; default: as fast as possible")] = None,
    stamp_now: Annotated[
        bool,
        typer.Option("--stamp-now", help="Give each event the moment of sending as its time; offers keep their length"),
    ] = False,
    repeat_share: Annotated[
        float, typer.Option(min=0, max=1, help="Send this share of the events twice, as a retrying sender does")
    ] = 0.0,
) -> None:
    """Publish files of events to the topic of their channel on Kafka.

    A line that is no valid event is reported with its place and skipped; the rest goes on and the command ends with 1.
    """
    import asyncio

    from services.settings import Settings
    from services.telemetry import configure_logging

    settings = Settings()
    configure_logging(settings)
    bad = asyncio.run(_send(settings, files, rate=rate, stamp_now=stamp_now, repeat_share=repeat_share))
    if bad:
        raise typer.Exit(DOES_NOT_HOLD)


async def _send(
    settings: Settings, files: list[Path], *, rate: float | None, stamp_now: bool, repeat_share: float
) -> int:
    """The number of bad lines, each of them told; everything else is delivered."""
    from aiokafka.errors import KafkaConnectionError, KafkaError

    from services.adapters.publisher import DeliveryError, EventPublisher
    from services.clock import monotonic

    started = monotonic()
    sending = _Sending(files, stamp_now=stamp_now, repeat_share=repeat_share)
    try:
        async with EventPublisher(settings.brokers, client_id="unisono-events-send") as publisher:
            await sending.run(publisher, rate)
    except KafkaConnectionError as error:
        raise UsageError(f"Kafka does not answer at {settings.brokers}") from error
    except DeliveryError as error:
        raise UsageError(str(error)) from error
    except KafkaError as error:
        raise UsageError(f"Kafka refused: {error}") from error
    except (OSError, EOFError) as error:
        raise UsageError(f"a file cannot be read: {error}") from error
    delivered, seconds = publisher.delivered, max(monotonic() - started, 0.001)
    twice = f", {sending.repeated:,} of them repeats" if sending.repeated else ""
    wrong = f", {sending.bad:,} bad lines skipped" if sending.bad else ""
    print(f"{delivered:,} records delivered in {seconds:.1f} s, {delivered / seconds:,.0f}/s{twice}{wrong}")
    return sending.bad


class _Sending:
    """One run of `send`: reads, stamps, repeats, and counts what was wrong."""

    def __init__(self, files: list[Path], *, stamp_now: bool, repeat_share: float) -> None:
        self.bad = 0
        self.repeated = 0
        self._files = files
        self._stamp_now = stamp_now
        self._repeat_share = repeat_share
        self._waiting: deque[tuple[int, CloudEvent]] = deque()

    async def run(self, publisher: EventPublisher, rate: float | None) -> None:
        """Everything is handed to the publisher, at the rate asked for."""
        from services.adapters.publisher import Pace

        pace = Pace(rate)
        with _bar("Sending", total=sum(path.stat().st_size for path in self._files)) as progress:
            for number, line in enumerate(self._lines(progress)):
                event = self._stamped(line.envelope)
                await pace.wait()
                await publisher.send(event)
                if self._is_repeated(event):
                    self._waiting.append((number + _REPEATED_AFTER, event))
                await self._repeat(publisher, pace, number)
            await self._repeat(publisher, pace, None)

    def _lines(self, progress: Progress) -> Iterator[Line]:
        from services.adapters.event_files import BadLine, read_events

        task = progress.task_ids[0]
        for path in self._files:
            for line in read_events(path, advanced=lambda size: progress.advance(task, size)):
                if isinstance(line, BadLine):
                    self.bad += 1
                    print(line, file=sys.stderr)
                else:
                    yield line

    def _stamped(self, event: CloudEvent) -> CloudEvent:
        from services.adapters.stamping import stamped
        from services.clock import utc_now

        return stamped(event, utc_now()) if self._stamp_now else event

    def _is_repeated(self, event: CloudEvent) -> bool:
        """The same events of a file are repeated each time: a hash of their id decides."""
        from zlib import crc32

        return crc32(f"{event.source} {event.id}".encode()) < self._repeat_share * 2**32

    async def _repeat(self, publisher: EventPublisher, pace: Pace, number: int | None) -> None:
        while self._waiting and (number is None or self._waiting[0][0] <= number):
            _, event = self._waiting.popleft()
            await pace.wait()
            await publisher.send(event)
            self.repeated += 1


def _counted(events: Iterator[CloudEvent], progress: Progress) -> Iterator[CloudEvent]:
    for event in events:
        progress.advance(progress.task_ids[0])
        yield event


def _bar(what: str, *, total: int | None = None) -> Progress:
    """A progress bar on stderr, or nothing where that is no terminal; its one task is `task_ids[0]`."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    counter = TextColumn("{task.completed:,.0f} events") if total is None else TaskProgressColumn()
    progress = Progress(
        TextColumn(what), BarColumn(), counter, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    )
    progress.add_task(what, total=total)
    return progress


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"`{text}` is no day: write it as 2017-11-01") from None


def _moment(text: str | None) -> datetime | None:
    """`now`, a day (its last moment in UTC) or an instant with its offset."""
    from services.clock import utc_now

    if text is None:
        return None
    if text == "now":
        now = utc_now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--ending-at `{text}` is neither `now` nor a day nor a time: 2026-11-22") from None
    if len(text) == len("2026-11-22"):
        return datetime.combine(moment.date() + timedelta(days=1), time(), UTC) - timedelta(milliseconds=1)
    if moment.tzinfo is None:
        raise UsageError(f"--ending-at `{text}` lacks its offset: {text}Z")
    return moment
