"""`memos working`: what agents keep at hand."""

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from memos.cli.indented import print_indented
from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.reaching import reach
from memos.cli.recalled import excerpt
from memos.cli.working_growth import append, increment
from memos.cli.working_options import (
    AS_LONG,
    NEGATIVE,
    Agent,
    IsText,
    KeyName,
    SessionName,
    Ttl,
    json_of,
    until,
)
from memos.cli.working_sessions import configure, end, messages, promote, say, sessions
from memos.events.commands import DEFAULT_AGENT
from memos.events.working import MOST_LISTED, ValueSet, WorkingDeleted, WorkingListed, WorkingValue

Value = Annotated[str, typer.Argument(metavar="VALUE", help="The value, as JSON.")]
IfVersion = Annotated[int | None, typer.Option(help="Do it only if the key is at this version.")]
Guard = Annotated[int | None, typer.Option(help="Do it only if the key is at this version; 0 is for none.")]
Prefix = Annotated[str, typer.Option(help="With what the keys begin.")]
Limit = Annotated[int, typer.Option(min=1, help="How many keys to print.")]


def working_cli() -> typer.Typer:
    """The commands under `memos working`."""
    cli = typer.Typer(
        help="What agents keep at hand.\n\nValues under keys, and messages, in sessions that expire.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    cli.command("set", context_settings=dict(NEGATIVE))(set_value)
    cli.command("get")(get_value)
    cli.command("list")(list_values)
    cli.command("delete")(delete_values)
    cli.command("increment", context_settings=dict(NEGATIVE))(increment)
    cli.command("append", context_settings=dict(NEGATIVE))(append)
    for command in (say, messages, sessions, configure, promote, end):
        cli.command()(command)
    return cli


def set_value(
    session: SessionName,
    key: KeyName,
    value: Value,
    *,
    text: IsText = False,
    ttl: Ttl = None,
    if_version: Guard = None,
    agent: Agent = DEFAULT_AGENT,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Keep a value under a key.

    The session begins by it.

    Example: memos working set trip plan '{"city": "Lisbon", "days": 3}' --ttl 3600
    """
    with reported(as_json=as_json):
        given = value if text else json_of(value)
        options = {"ttl": ttl, "if_version": if_version, "agent_id": agent}
        done = asyncio.run(_set(session, key, given, options, address(url)))
    if as_json:
        print_json(done)
    else:
        typer.echo(f"{done.key} is at version {done.version}, {until(done.expires_at, AS_LONG)}.")


def get_value(
    session: SessionName, key: KeyName, *, agent: Agent = DEFAULT_AGENT, url: Url = None, as_json: AsJson = False
) -> None:
    """Print the value of a key, as JSON.

    With --json its version and its times are printed, too.

    Example: memos working get trip plan
    """
    with reported(as_json=as_json):
        found = asyncio.run(_get(session, key, agent, address(url)))
    print_json(found if as_json else found.value)


def list_values(
    session: SessionName,
    *,
    prefix: Prefix = "",
    limit: Limit = 1000,
    agent: Agent = DEFAULT_AGENT,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Print keys with their values, in order.

    Example: memos working list trip --prefix plan
    """
    with reported(as_json=as_json):
        found = asyncio.run(_list(session, prefix, limit, agent, address(url)))
    if as_json:
        print_json(found)
        return
    console = Console(highlight=False)
    for one in found.results:
        told = f"  version {one.version}, {until(one.expires_at, AS_LONG)}"
        console.print(Text.assemble((one.key, "bold"), (told, "dim")), soft_wrap=True)
        print_indented(console, Text(excerpt(json.dumps(one.value, ensure_ascii=False))))
    if not found.results:
        said = "no key that begins so" if prefix else "no keys"
        console.print(
            Text(f"Session {session} of agent {agent} has {said}, or there is no such session."), soft_wrap=True
        )
    elif found.next:
        console.print(f"There are more; raise --limit above {limit}.")


def delete_values(
    session: SessionName,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="The keys.")],
    *,
    if_version: IfVersion = None,
    agent: Agent = DEFAULT_AGENT,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Delete keys.

    Example: memos working delete trip plan tickets
    """
    with reported(as_json=as_json):
        done = asyncio.run(_delete(session, keys, {"if_version": if_version, "agent_id": agent}, address(url)))
    if as_json:
        print_json(done)
        return
    for key in keys:
        typer.echo(f"{key}: {'It is deleted.' if key in done.deleted else 'There was no such key.'}")


async def _set(session: str, key: str, value: Any, options: Any, url: str) -> ValueSet:
    async with reach(url) as client:
        return await client.working.set(session, key, value, **options)


async def _get(session: str, key: str, agent: str, url: str) -> WorkingValue:
    async with reach(url) as client:
        return await client.working.get(session, key, agent_id=agent)


async def _list(session: str, prefix: str, limit: int, agent: str, url: str) -> WorkingListed:
    """The first of the keys that are meant, however many pages those are."""
    async with reach(url) as client:
        wanted: dict[str, Any] = {"agent_id": agent, "prefix": prefix}
        found = await client.working.list(session, limit=min(limit, MOST_LISTED), **wanted)
        while found.next and found.count < limit:
            room = min(limit - found.count, MOST_LISTED)
            page = await client.working.list(session, after=found.next, limit=room, **wanted)
            results = [*found.results, *page.results]
            found = found.model_copy(update={"count": len(results), "results": results, "next": page.next})
    return found


async def _delete(session: str, keys: list[str], options: Any, url: str) -> WorkingDeleted:
    async with reach(url) as client:
        return await client.working.delete(session, *keys, **options)
