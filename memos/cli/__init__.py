"""The `memos` command."""

import logging

import typer

from memos.cli.context import context
from memos.cli.dead_letters import dead_letters_cli
from memos.cli.delete import delete
from memos.cli.events import events_cli
from memos.cli.history import history
from memos.cli.ingest import ingest
from memos.cli.learning import learning_cli
from memos.cli.llm import llm_cli
from memos.cli.loadouts import loadout_cli
from memos.cli.mcp import mcp
from memos.cli.purge import purge
from memos.cli.query import query
from memos.cli.rebuild import rebuild
from memos.cli.run import api, migrate, up, worker
from memos.cli.tools import tools_cli
from memos.cli.verify import verify
from memos.cli.working import working_cli


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
    for command in (up, ingest, query, context, history, delete, purge, verify, rebuild, worker, api, mcp, migrate):
        cli.command()(command)
    cli.add_typer(events_cli(), name="events")
    cli.add_typer(dead_letters_cli(), name="dead-letters")
    cli.add_typer(tools_cli(), name="tools")
    cli.add_typer(loadout_cli(), name="loadout")
    cli.add_typer(learning_cli(), name="learning")
    cli.add_typer(working_cli(), name="working")
    cli.add_typer(llm_cli(), name="llm")
    return cli


def main() -> None:
    """Run the command of the process's arguments; only those that begin logging print what is logged."""
    logging.getLogger("memos").addHandler(logging.NullHandler())
    create_cli()()
