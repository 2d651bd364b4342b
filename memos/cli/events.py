"""`memos events`: what has happened, and what happens."""

import asyncio
from contextlib import suppress
from typing import Annotated

import typer
from pydantic_core import to_json

from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.reaching import reach
from memos.events.facts import FactsRead
from memos.records import Fact

After = Annotated[int | None, typer.Option(help="The position after which to begin; from now on without it.")]
FromStart = Annotated[int, typer.Option(help="The position after which to begin.")]
Limit = Annotated[int, typer.Option(help="How many facts, 1 to 1000.")]
Types = Annotated[list[str] | None, typer.Option("--type", help="Only facts of this type; repeat it for several.")]
AsLines = Annotated[bool, typer.Option("--json", help="Print each fact as a line of JSON.")]


def events_cli() -> typer.Typer:
    """The command with its subcommands."""
    cli = typer.Typer(help="What has happened to memories, in order.", no_args_is_help=True, rich_markup_mode=None)
    cli.command("follow")(follow)
    cli.command("list")(list_facts)
    return cli


def follow(after: After = None, types: Types = None, url: Url = None, *, as_json: AsLines = False) -> None:
    """Print facts as they happen, until Ctrl-C.

    It goes on by itself after a restart of memOS.

    Example: memos events follow --after 0 --type memos.memory.deleted.v1
    """
    with reported(as_json=as_json), suppress(KeyboardInterrupt):
        asyncio.run(_follow(after, types or [], address(url), as_json=as_json))


def list_facts(
    after: FromStart = 0, limit: Limit = 100, types: Types = None, url: Url = None, *, as_json: AsJson = False
) -> None:
    """Print the facts after a position, oldest first.

    Example: memos events list --after 1000 --limit 20
    """
    with reported(as_json=as_json):
        read = asyncio.run(_read(after, limit, types or [], address(url)))
    if as_json:
        print_json(read)
        return
    for fact in read.facts:
        typer.echo(_line(fact))
    if read.more:
        typer.echo(f"There is more after position {read.position}.", err=True)


async def _follow(after: int | None, types: list[str], url: str, *, as_json: bool) -> None:
    async with reach(url) as client:
        async for fact in client.follow(after=after, types=types):
            typer.echo(to_json(fact) if as_json else _line(fact))


async def _read(after: int, limit: int, types: list[str], url: str) -> FactsRead:
    async with reach(url) as client:
        return await client.facts(after=after, limit=limit, types=types)


def _line(fact: Fact) -> str:
    moment = f"{fact.occurred_at:%Y-%m-%d %H:%M:%S}"
    return f"{fact.position:>8}  {moment}  {fact.type}  {fact.record_id} v{fact.version}"
