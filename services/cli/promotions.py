"""`unisono promotions`: check promotion documents before anybody publishes them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from services.cli.errors import DOES_NOT_HOLD

promotions_app = typer.Typer(no_args_is_help=True, help="Check, explain and publish promotion documents.")

Paths = Annotated[list[Path], typer.Argument(help="Documents, or folders of them (.yaml, .yml, .json)")]

Language = Annotated[Literal["en", "it"], typer.Option("--language", help="The language of the words")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON value instead of text")]


@promotions_app.callback()
def promotions() -> None:
    """Check, explain and publish promotion documents."""


@promotions_app.command()
def check(
    paths: Paths,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail the check too")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text")] = False,
) -> None:
    """Read documents, judge them together and run their examples; everything is told as file:line:column.

    Ends with 1 if any mistake is found. Warnings are of what is hardly meant: no end, no limit, conditions that never
    hold; they fail the check with --strict only.
    """
    from services.cli.check import print_json, print_text
    from services.cli.documents import check_documents, check_programmes, read_documents
    from services.settings import Settings
    from services.terms import programme_terms

    settings = Settings()
    found = read_documents(paths)
    programmes = check_programmes(found.programmes)
    checked = check_documents(
        found.promotions, programme_terms(settings), found.programmes, secret_chosen=settings.secret_chosen
    )
    passed = all(programme.passed for programme in programmes) and all(document.passed for document in checked)
    passed = passed and not (strict and any(document.warnings for document in checked))
    if as_json:
        print_json(programmes, checked, passed=passed)
    else:
        print_text(programmes, checked)
    if not passed:
        raise typer.Exit(DOES_NOT_HOLD)


@promotions_app.command()
def explain(paths: Paths, *, language: Language = "en", as_json: AsJson = False) -> None:
    """Tell in plain words what documents say: who, when, what counts, what it gives and where it ends.

    Ends with 1 if a document has mistakes; they are told on stderr, as `check` tells them.
    """
    from services.cli.promotion_words import explain_paths

    if not explain_paths(paths, language, as_json=as_json):
        raise typer.Exit(DOES_NOT_HOLD)


@promotions_app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The document as it was")],
    new: Annotated[Path, typer.Argument(help="The document as it is now")],
    *,
    language: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Tell in plain words what changes from one version of a document to another; nothing where both say the same."""
    from services.cli.promotion_words import diff_files

    if not diff_files(old, new, language, as_json=as_json):
        raise typer.Exit(DOES_NOT_HOLD)


@promotions_app.command()
def publish(paths: Paths) -> None:
    """Check documents and put them in force, from now, on the cluster that the settings name; all of them or none."""
    import asyncio

    from services.cli.publish import publish_paths, told
    from services.settings import Settings

    for line in told(asyncio.run(publish_paths(Settings(), paths))):
        print(line)
