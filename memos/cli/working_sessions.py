"""`memos working say|messages|sessions|configure|promote|end`: sessions and what is said in them."""

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from memos.cli.indented import print_indented
from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.reaching import reach
from memos.cli.working_options import Agent, SessionName, until
from memos.events.commands import DEFAULT_AGENT
from memos.events.sessions import (
    LAST,
    MessagesAppended,
    Role,
    SessionConfigured,
    SessionEndOutcome,
    SessionFound,
    SessionInfo,
    SessionMessage,
    SessionPromoted,
)
from memos.records import Promotion

Said = Annotated[str, typer.Argument(metavar="TEXT", help="What is said.")]
Speaker = Annotated[str | None, typer.Option(help="Who says it.")]
Last = Annotated[int, typer.Option(help="How many messages to print at most, the newest.")]
First = Annotated[int | None, typer.Option(help="How many messages to print at most, the oldest instead.")]
After = Annotated[int, typer.Option(help="The number of the message after which to begin.")]
MaxTokens = Annotated[int | None, typer.Option(help="The most tokens that they may cost together.")]
Key = Annotated[list[str] | None, typer.Option("--key", help="Make a memory of this key; repeat it for several.")]
Through = Annotated[int | None, typer.Option(help="The number of the last message to make a memory of.")]
Shared = Annotated[bool, typer.Option("--shared", help="Memories that all agents see.")]
Promoted = Annotated[
    bool | None,
    typer.Option("--promote/--no-promote", help="Whether its messages become memories; by default as it is set."),
]


def say(
    session: SessionName,
    text: Said,
    *,
    role: Annotated[Role, typer.Option(help="In which role it is said.")] = "user",
    name: Speaker = None,
    agent: Agent = DEFAULT_AGENT,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Append a message to a session.

    The session begins by it.

    Example: memos working say trip "Is there a night train?" --name ada
    """
    options = {"role": role, "name": name, "agent_id": agent}
    with reported(as_json=as_json):
        done = asyncio.run(_say(session, text, options, address(url)))
    if as_json:
        print_json(done)
    else:
        typer.echo(f"It is message {done.sequences[0]} of {session}, {until(done.expires_at)}.")


def messages(
    session: SessionName,
    *,
    last: Last = LAST,
    first: First = None,
    after: After = 0,
    max_tokens: MaxTokens = None,
    agent: Agent = DEFAULT_AGENT,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Print a session's newest messages.

    Oldest first, after the running summary of those before them, if there is one. With --first the oldest ones,
    to read a long log on from --after.

    Example: memos working messages trip --last 10
    """
    options = {"last": last, "first": first, "after": after, "max_tokens": max_tokens, "agent_id": agent}
    with reported(as_json=as_json):
        found = asyncio.run(_read(session, options, address(url)))
    if as_json:
        print_json(found)
        return
    console = Console(highlight=False)
    if found.summary:
        console.print(Text(f"Summary of messages up to {found.summary.through}", style="bold"), soft_wrap=True)
        print_indented(console, Text(found.summary.text))
    for message in found.messages:
        _show(console, message)
    if not found.messages:
        console.print("There are no messages to print.")


def sessions(*, agent: Agent = DEFAULT_AGENT, url: Url = None, as_json: AsJson = False) -> None:
    """Print an agent's sessions in the order of their ids.

    Example: memos working sessions --agent cortex
    """
    with reported(as_json=as_json):
        found = asyncio.run(_sessions(agent, address(url)))
    if as_json:
        print_json(found)
        return
    console = Console(highlight=False)
    for one in found:
        told = f"  keys: {one.keys}, messages: {one.messages}, bytes: {one.bytes}, {until(one.expires_at)}"
        console.print(Text.assemble((one.session_id, "bold"), (told, "dim")), soft_wrap=True)
    if not found:
        console.print(f"Agent {agent} has no sessions.", markup=False)


def configure(
    session: SessionName,
    *,
    ttl: Annotated[int | None, typer.Option(help="Seconds that it is kept after its last write.")] = None,
    lasting: Annotated[
        bool | None, typer.Option("--lasting/--no-lasting", help="Keep it until it is ended.")
    ] = None,
    window_messages: Annotated[int | None, typer.Option(help="The most messages that its log keeps.")] = None,
    window_tokens: Annotated[int | None, typer.Option(help="The most tokens that these may be together.")] = None,
    promote: Annotated[Promotion | None, typer.Option(help="When its messages become memories.")] = None,
    agent: Agent = DEFAULT_AGENT,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say how a session is kept.

    What is not said stays as it is. The session begins by it.

    Example: memos working configure trip --ttl 604800 --window-messages 20 --promote window
    """
    options = {"ttl": ttl, "lasting": lasting, "window_messages": window_messages, "window_tokens": window_tokens}
    with reported(as_json=as_json):
        given = {**options, "promote": promote, "agent_id": agent}
        done = asyncio.run(_configure(session, given, address(url)))
    if as_json:
        print_json(done)
        return
    one = done.session
    typer.echo(
        f"{one.session_id} keeps {one.window_messages} messages of {one.window_tokens} tokens, "
        f"{until(one.expires_at)}; promote is {one.promote}."
    )


def promote(
    session: SessionName,
    *,
    key: Key = None,
    through: Through = None,
    shared: Shared = False,
    agent: Agent = DEFAULT_AGENT,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Make memories of a session.

    Of its messages, in their order, or of some keys. What was made before is not made again.

    Example: memos working promote trip --through 12
    """
    options = {"keys": key, "through": through, "visibility": "shared" if shared else "private", "agent_id": agent}
    with reported(as_json=as_json):
        done = asyncio.run(_promote(session, options, address(url)))
    if as_json:
        print_json(done)
    else:
        typer.echo(f"Memories made: {done.count}. Messages up to {done.promoted_through} are memories.")


def end(
    session: SessionName,
    *,
    promote: Promoted = None,
    agent: Agent = DEFAULT_AGENT,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """End a session.

    From now on it has nothing in it.

    Example: memos working end trip --promote
    """
    with reported(as_json=as_json):
        done = asyncio.run(_end(session, {"promote": promote, "agent_id": agent}, address(url)))
    if as_json:
        print_json(done)
    else:
        typer.echo(done.message)


def _show(console: Console, message: SessionMessage) -> None:
    who = f"{message.role} {message.name}" if message.name else message.role
    when = f", {message.occurred_at.astimezone():%Y-%m-%d %H:%M}"
    console.print(Text.assemble(f"{message.sequence}. ", (who, "bold"), (when, "dim")), soft_wrap=True)
    print_indented(console, Text(message.content))


async def _say(session: str, text: str, options: Any, url: str) -> MessagesAppended:
    async with reach(url) as client:
        return await client.working.say(session, text, **options)


async def _read(session: str, options: Any, url: str) -> SessionFound:
    async with reach(url) as client:
        return await client.working.read(session, **options)


async def _sessions(agent: str, url: str) -> list[SessionInfo]:
    async with reach(url) as client:
        return [one async for one in client.working.every_session(agent_id=agent)]


async def _configure(session: str, options: Any, url: str) -> SessionConfigured:
    async with reach(url) as client:
        return await client.working.configure(session, **options)


async def _promote(session: str, options: Any, url: str) -> SessionPromoted:
    async with reach(url) as client:
        return await client.working.promote(session, **options)


async def _end(session: str, options: Any, url: str) -> SessionEndOutcome:
    async with reach(url) as client:
        return await client.working.end(session, **options)
