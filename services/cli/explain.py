"""`unisono explain`: why one event gave a member what it gave, promotion by promotion, and what the books say to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from services.cli.errors import DOES_NOT_HOLD, UsageError
from services.cli.onlooker import open_books
from services.ops.wording import printable

if TYPE_CHECKING:
    from services.cli.hindsight import Hindsight
    from services.store.letters import StoredDeadLetter
    from services.store.presence import FoundEvent, PresenceBooks

Spoken = Literal["en", "it"]


def explain(
    event_id: Annotated[str | None, typer.Argument(metavar="EVENT_ID", help='The event\'s id, or "source id".')] = None,
    *,
    source: Annotated[str | None, typer.Option(help="Its source, where several have an event of this id.")] = None,
    member: Annotated[str | None, typer.Option(help="With --at: whose moment it is.")] = None,
    at: Annotated[
        str | None, typer.Option(help="Instead of an event: a moment at which time alone decided, e.g. a birthday.")
    ] = None,
    promotion: Annotated[str | None, typer.Option(help="Only this promotion, by its id.")] = None,
    language: Annotated[Spoken, typer.Option(help="Of the explanation.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say why an event gave, or did not give, what each promotion promises.

    The member's history is decided once more, under the versions that were in force, and compared with the books:
    nothing is written. Exit code 1 for an event that is not in the books, or where they differ.
    """
    if (event_id is None) == (member is None) or (member is None) != (at is None):
        raise UsageError("name an event by its id, or a moment with --member and --at")
    if member is not None and at is not None:
        told = asyncio.run(_moment(member, at))
    else:
        told = asyncio.run(_event(event_id or "", source))
    if promotion is not None:
        told.only(promotion)
    if as_json:
        import orjson

        typer.echo(orjson.dumps(told.document(language)))
    else:
        for line in told.lines(language):
            typer.echo(line)
    if not told.looked.books.agrees:
        raise typer.Exit(DOES_NOT_HOLD)


async def _event(event_id: str, source: str | None) -> Hindsight:
    from services.cli.hindsight import Hindsight

    async with open_books() as books:
        found = await _find(books, event_id, source)
        letters = await books.letters_naming(found.id if found is not None else event_id)
        if found is None:
            raise _unknown(event_id, letters)
        past, published = await books.past(found.member_id)
    conflicts = [letter.dead_letter_id for letter in letters if letter.letter.reason == "id_conflict"]
    recorded = past.find((found.source, found.id))
    assert recorded is not None  # nothing leaves the inbox
    return Hindsight.of(past, published, recorded.event.cause, recorded, conflicts)


async def _moment(member_id: str, written: str) -> Hindsight:
    from schemas.envelope import EnvelopeError, parse_time
    from services.cli.hindsight import Hindsight
    from services.engine.calendar.moments import micros, moment_of

    try:
        at = moment_of(micros(parse_time(written)))
    except EnvelopeError as error:
        raise UsageError(f"--at {printable(written)}: a moment is written 2026-05-16T22:00:00Z") from error
    async with open_books() as books:
        past, published = await books.past(member_id)
    if not past.history:
        typer.echo(f"The books know no event of member {printable(member_id)}.", err=True)
        raise typer.Exit(DOES_NOT_HOLD)
    told = Hindsight.of(past, published, f"time {at.isoformat()}", None, ())
    if not (told.looked.decisions or told.looked.entries or told.looked.books.surplus):
        typer.echo(
            "At that moment time alone decided nothing for this member: `unisono member show` lists the moments.",
            err=True,
        )
        raise typer.Exit(DOES_NOT_HOLD)
    return told


async def _find(books: PresenceBooks, event_id: str, source: str | None) -> FoundEvent | None:
    found = await books.events_named(event_id, source)
    if not found and source is None and " " in event_id:
        source, _, event_id = event_id.partition(" ")
        found = await books.events_named(event_id, source)
    if len(found) > 1:
        each = "\n".join(
            f"  --source {printable(event.source)}   member {printable(event.member_id)}" for event in found
        )
        raise UsageError(f"several sources have an event {printable(event_id)}, name one of them:\n{each}")
    return found[0] if found else None


def _unknown(event_id: str, letters: list[StoredDeadLetter]) -> typer.Exit:
    """Says on stderr what is known of an event that is not in the books."""
    typer.echo(f"There is no event {printable(event_id)} in the books.", err=True)
    for stored in letters:
        typer.echo(
            f"A record with this id was refused ({stored.letter.reason}: {printable(stored.letter.message)}): "
            f"`unisono dead-letters show {stored.dead_letter_id}`.",
            err=True,
        )
    if not letters:
        typer.echo("It may still be on its way: `unisono lag` tells whether everything was applied.", err=True)
    return typer.Exit(DOES_NOT_HOLD)
