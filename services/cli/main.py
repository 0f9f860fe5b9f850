"""The command `unisono`: a table of commands, each imported only when it is called.

So `unisono --help` is quick, and a package that cannot be imported somewhere costs only the command that needs it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group
from typing_extensions import override

from services.cli.errors import INTERRUPTED, WRONG_USAGE, sentence


class Entry(NamedTuple):
    """Where a command lives (`module:attribute`, a function or a Typer app) and its one line of help."""

    target: str
    help: str


COMMANDS: dict[str, Entry] = {
    "up": Entry("services.cli.up:up", "Run the whole stack on this machine, until Ctrl-C."),
    "demo": Entry("services.cli.demo:demo", "Show the main job on real purchases, with its figures."),
    "worker": Entry("services.cli.worker:worker", "Run a worker: events in, wallets out."),
    "gateway": Entry("services.cli.gateway:gateway", "Serve retail systems, tills and apps over HTTP."),
    "till": Entry("services.cli.till:till_app", "Run a store till with its own replica of the wallets."),
    "console": Entry("services.cli.console:console", "Serve the pages people look at."),
    "ops": Entry("services.cli.ops:ops", "Watch lag, outbox and touchpoints, for Prometheus."),
    "member": Entry("services.cli.member:member_app", "Show what a member holds."),
    "explain": Entry("services.cli.explain:explain", "Say why an event gave a member what it gave, or did not."),
    "lag": Entry("services.cli.lag:lag", "Show how far behind each consumer, till and page is."),
    "dead-letters": Entry("services.cli.dead_letters:dead_letters_app", "Show events that could not be applied."),
    "promotions": Entry("services.cli.promotions:promotions_app", "Check and publish promotion documents."),
    "simulate": Entry("services.cli.simulate:simulate", "Fold a file of events, with no server at all."),
    "contests": Entry("services.cli.contests:contests_app", "Hold prize contests, and check how they were held."),
    "events": Entry("services.cli.events:events_app", "Convert and send events."),
    "settings": Entry("services.cli.settings:settings", "List every setting with its default and meaning."),
    "setup": Entry("services.cli.setup:setup", "Create the topics and the database schema."),
    "schemas": Entry("services.cli.schemas:schemas_app", "Export or check the published schemas."),
}


class LazyCommand(TyperCommand):
    """Stands for a command in help texts; becomes it when it is called."""

    def __init__(self, name: str, entry: Entry) -> None:
        super().__init__(name, help=entry.help, add_help_option=False)
        self.target = entry.target

    @override
    def make_context(self, *args: Any, **options: Any) -> Any:
        """The context of the real command, imported now."""
        return load(str(self.name), self.target).make_context(*args, **options)


class Commands(TyperGroup):
    """The group of all commands in the table."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in COMMANDS.items():
            self.add_command(LazyCommand(name, entry))


def load(name: str, target: str) -> Any:
    """Import a command: a function becomes one, a Typer app a group."""
    module, attribute = target.split(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        found.rich_markup_mode = None
        return get_group(found)
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name)(found)
    return get_command(single)


# Plain help texts: importing rich alone would take longer than everything else that `unisono --help` does.
app = typer.Typer(
    name="unisono", cls=Commands, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"unisono {version('unisono')}")
        raise typer.Exit


@app.callback()
def unisono(
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Loyalty rewards, the same at the same moment in the app, on every store till and in the web account."""


def main() -> None:
    """Run the command line and exit: 0 done, 1 the thing asked for does not hold, 2 wrong usage or input."""
    try:
        app(prog_name="unisono")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        told = sentence(error)
        if told is None:
            raise
        print(f"unisono: {told}", file=sys.stderr)
        sys.exit(WRONG_USAGE)


if __name__ == "__main__":
    main()
