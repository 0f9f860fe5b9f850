"""`unisono dead-letters`: what could not be applied, why, and the original bytes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.errors import UsageError
from services.cli.onlooker import open_books
from services.ops.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from services.store.letters import StoredDeadLetter

dead_letters_app = typer.Typer(help="Show events that could not be applied, with the reason and the original bytes.")

INDENT = 8
LETTERS_MAX = 100_000


@dead_letters_app.command("list")
def list_letters(
    reason: Annotated[str | None, typer.Option(help="Only those with this reason, e.g. not_json.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LETTERS_MAX, help="At most this many, the newest.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List dead letters, the newest first."""
    from schemas.dead_letters import REASONS

    if reason is not None and reason not in REASONS:
        raise UsageError(f"{reason} is no reason of a dead letter: choose one of {', '.join(sorted(REASONS))}")
    letters, by_reason = asyncio.run(_read(reason, limit))
    if as_json:
        _print_json(letters)
        return
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    if not letters:
        console.print("No dead letters." if reason is None else f"No dead letters with reason {reason}.")
        return
    for stored in letters:
        console.print(*_brief(stored, console.width), sep="\n")
    shown = {reason: by_reason.get(reason, 0)} if reason else by_reason
    console.print(f"\n{len(letters):,} of {sum(shown.values()):,} shown: {_tally(by_reason)}", style="dim")


@dead_letters_app.command("show")
def show_letter(
    letter_id: Annotated[int, typer.Argument(metavar="ID", help="Number of the letter, from `dead-letters list`.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show one dead letter with its original key, headers and bytes."""
    stored = asyncio.run(_read_one(letter_id))
    if stored is None:
        raise UsageError(f"there is no dead letter {letter_id}")
    if as_json:
        _print_json([stored])
        return
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    for line in _whole(stored):
        console.print(line, soft_wrap=True)


async def _read(reason: str | None, limit: int) -> tuple[list[StoredDeadLetter], dict[str, int]]:
    async with open_books() as books:
        letters = await books.dead_letters(letters_max=limit, reason=reason)
        return letters, await books.dead_letters_by_reason()


async def _read_one(letter_id: int) -> StoredDeadLetter | None:
    async with open_books() as books:
        return await books.dead_letter(letter_id)


def _brief(stored: StoredDeadLetter, width: int) -> Iterator[RenderableType]:
    """Three lines a letter: what and where, why, and how its value begins."""
    from rich.padding import Padding
    from rich.text import Text

    from services.ops.wording import short_topic

    letter = stored.letter
    line = Text(f"{stored.dead_letter_id:>6}  ", style="bold")
    line.append(letter.reason, style="bold yellow")
    place = f"{short_topic(letter.topic)}/{letter.partition} @{letter.offset}"
    line.append(f"  {letter.recorded_at:%Y-%m-%d %H:%M:%S}  {place}  key {preview(stored.key, 40)}", style="dim")
    yield line
    yield Padding(Text(printable(letter.message)), (0, 0, 0, INDENT))
    yield Padding(Text(preview(stored.value, max(20, width - INDENT - 20)), style="dim"), (0, 0, 0, INDENT))


def _tally(by_reason: dict[str, int]) -> str:
    return ", ".join(
        f"{reason} {number:,}" for reason, number in sorted(by_reason.items(), key=lambda i: (-i[1], i[0]))
    )


def _whole(stored: StoredDeadLetter) -> list[str]:
    from schemas.values import rfc3339

    letter = stored.letter
    lines = [
        f"dead letter {stored.dead_letter_id}",
        f"  reason     {letter.reason}",
        f"  message    {printable(letter.message)}",
        f"  from       {letter.topic}, partition {letter.partition}, offset {letter.offset}",
        f"  recorded   {rfc3339(letter.recorded_at)}",
        f"  key        {preview(stored.key, 1000)}",
        "  headers" if stored.headers else "  headers    none",
    ]
    lines += [f"    {printable(name)}: {as_text(content)}" for name, content in stored.headers]
    size = "none (a tombstone)" if stored.value is None else f"{len(stored.value):,} bytes"
    return [*lines, f"  value      {size}", "", *(as_text(line) for line in (stored.value or b"").split(b"\n"))]


def preview(content: bytes | None, characters: int) -> str:
    """The beginning of some bytes on one line, safe to print; what was left out is said."""
    if content is None:
        return "none"
    text = as_text(content[: characters * 4])
    if len(text) <= characters and len(content) <= characters * 4:
        return text
    return f"{text[:characters]}… ({len(content):,} bytes)"


def as_text(content: bytes) -> str:
    """Bytes as text that is safe to print; bytes that are no UTF-8 are escaped too."""
    return printable(content.decode("utf-8", errors="backslashreplace"))


def _print_json(letters: list[StoredDeadLetter]) -> None:
    import orjson

    for stored in letters:
        typer.echo(orjson.dumps(_document(stored)))


def _document(stored: StoredDeadLetter) -> dict[str, Any]:
    return {
        "dead_letter_id": stored.dead_letter_id,
        **stored.letter.model_dump(mode="json"),
        "key": _bytes(stored.key),
        "headers": [{"name": name, **(_bytes(content) or {})} for name, content in stored.headers],
        "value": _bytes(stored.value),
    }


def _bytes(content: bytes | None) -> dict[str, str] | None:
    """Bytes as `{"text": …}` where they are UTF-8, else as `{"base64": …}`: nothing is lost either way."""
    if content is None:
        return None
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        from base64 import b64encode

        return {"base64": b64encode(content).decode()}
