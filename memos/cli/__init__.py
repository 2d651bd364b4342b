"""The `memos` command."""

import logging

import typer

from memos.cli.dead_letters import dead_letters_cli
from memos.cli.delete import delete
from memos.cli.events import events_cli
from memos.cli.history import history
from memos.cli.ingest import ingest
from memos.cli.purge import purge
from memos.cli.query import query
from memos.cli.rebuild import rebuild
from memos.cli.run import api, migrate, up, worker
from memos.cli.verify import verify


def create_cli() -> typer.Typer:
    """The command with all its subcommands."""
    cli = typer.Typer(
        name="memos",
        help="The memory of a society of agents.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for command in (up, ingest, query, history, delete, purge, verify, rebuild, worker, api, migrate):
        cli.command()(command)
    cli.add_typer(events_cli(), name="events")
    cli.add_typer(dead_letters_cli(), name="dead-letters")
    return cli


def main() -> None:
    """Run the command of the process's arguments; only those that begin logging print what is logged."""
    logging.getLogger("memos").addHandler(logging.NullHandler())
    create_cli()()
