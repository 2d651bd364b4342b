"""`memos working increment|append`: numbers that are counted up, and lists that grow."""

import asyncio
from typing import Annotated, Any

import typer

from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.reaching import reach
from memos.cli.working_options import AS_LONG, Agent, IsText, KeyName, SessionName, Ttl, json_of, until
from memos.errors import InvalidCommand
from memos.events.commands import DEFAULT_AGENT
from memos.events.working import WorkingAppended, WorkingIncremented

By = Annotated[str, typer.Argument(metavar="NUMBER", help="What to add.")]
Items = Annotated[list[str], typer.Argument(metavar="ITEM...", help="The items, each as JSON.")]


def increment(
    session: SessionName,
    key: KeyName,
    by: By = "1",
    *,
    ttl: Ttl = None,
    agent: Agent = DEFAULT_AGENT,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Add to a number.

    A key that is not there counts as 0.

    Example: memos working increment trip steps -2
    """
    with reported(as_json=as_json):
        options = {"ttl": ttl, "agent_id": agent}
        done = asyncio.run(_increment(session, key, _number(by), options, address(url)))
    if as_json:
        print_json(done)
    else:
        kept = until(done.expires_at, AS_LONG)
        typer.echo(f"{done.key} is {done.value}, at version {done.version}, {kept}.")


def append(
    session: SessionName,
    key: KeyName,
    items: Items,
    *,
    text: IsText = False,
    ttl: Ttl = None,
    agent: Agent = DEFAULT_AGENT,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Append items to a list.

    A key that is not there counts as an empty one.

    Example: memos working append trip seen Alfama Chiado --text
    """
    with reported(as_json=as_json):
        given = items if text else [json_of(item) for item in items]
        options = {"ttl": ttl, "agent_id": agent}
        done = asyncio.run(_append(session, key, given, options, address(url)))
    if as_json:
        print_json(done)
    else:
        kept = until(done.expires_at, AS_LONG)
        typer.echo(f"{done.key} has {done.length} items, at version {done.version}, {kept}.")


def _number(text: str) -> int | float:
    try:
        return float(text) if set(text) & set(".eE") else int(text)
    except ValueError as error:
        raise InvalidCommand(f"NUMBER is {text!r}. Give a number, such as 2 or -0.5.") from error


async def _increment(session: str, key: str, by: Any, options: Any, url: str) -> WorkingIncremented:
    async with reach(url) as client:
        return await client.working.increment(session, key, by, **options)


async def _append(session: str, key: str, items: list[Any], options: Any, url: str) -> WorkingAppended:
    async with reach(url) as client:
        return await client.working.append(session, key, *items, **options)
