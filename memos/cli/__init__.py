"""The `memos` command."""

import logging

import typer

from memos.cli.ingest import ingest
from memos.cli.query import query
from memos.cli.run import api, migrate, up, worker


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
    for command in (up, ingest, query, worker, api, migrate):
        cli.command()(command)
    return cli


def main() -> None:
    """Run the command of the process's arguments; only those that begin logging print what is logged."""
    logging.getLogger("memos").addHandler(logging.NullHandler())
    create_cli()()
