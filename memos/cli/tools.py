"""`memos tools`: what agents can call."""

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console

from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.reaching import reach
from memos.cli.tools_discover import discover
from memos.cli.tools_import import import_cli, seed
from memos.cli.tools_options import Capability, Form, Matching, Tag, ToolArgument
from memos.cli.tools_register import register
from memos.cli.tools_shown import show_line, show_tool
from memos.client.tools import PAGE
from memos.events.commands import DEFAULT_AGENT
from memos.events.tools import DeregisterOutcome, OutcomeRecorded, ToolFound, ToolsListed

Succeeded = Annotated[bool, typer.Option("--ok/--failed", help="Whether the call did what it was for.")]


def tools_cli() -> typer.Typer:
    """The commands under `memos tools`."""
    cli = typer.Typer(
        help="The tools that agents can call.\n\nRegister them, find the right one for a task, tell how it went.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command in (register, show, discover, report, remove, seed):
        cli.command()(command)
    cli.command("list")(list_tools)
    cli.add_typer(import_cli(), name="import")
    return cli


def show(tool_id: ToolArgument, form: Form = None, url: Url = None, *, as_json: AsJson = False) -> None:
    """Print a tool.

    Example: memos tools show weather.forecast --format openai
    """
    with reported(as_json=as_json):
        tool = asyncio.run(_get(tool_id, form, address(url)))
    if as_json:
        print_json(tool)
    elif form:
        print_json(tool.spec)
    else:
        show_tool(Console(highlight=False), tool)


def list_tools(
    *,
    capability: Capability = None,
    match: Matching = "any",
    tag: Tag = None,
    contains: Annotated[str | None, typer.Option(help="Text in the id, name or description.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many tools to print.")] = 1000,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Print the tools in the order of their ids.

    Those that meet every condition are meant.

    Example: memos tools list --tag planning --contains calendar
    """
    wanted = {"capabilities": capability or [], "match": match, "tags": tag or [], "contains": contains}
    with reported(as_json=as_json):
        found = asyncio.run(_list(wanted, limit, address(url)))
    if as_json:
        print_json(found)
        return
    console = Console(highlight=False)
    for tool in found.results:
        show_line(console, tool)
    if not found.results:
        console.print("No tool meets the conditions." if capability or tag or contains else "There are no tools.")
    elif found.next:
        console.print(f"There are more; raise --limit above {limit}.")


def report(
    tool_id: ToolArgument,
    *,
    success: Succeeded,
    task: Annotated[str | None, typer.Option(help="What it was called for, in plain words.")] = None,
    agent: Annotated[str, typer.Option(help="The agent that called it.")] = DEFAULT_AGENT,
    latency_ms: Annotated[float | None, typer.Option(help="How long it took, in milliseconds.")] = None,
    error: Annotated[str | None, typer.Option(help="Why it failed.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Tell what became of a call of a tool.

    Discovery learns from it for which tasks the tool is right.

    Example: memos tools report todo.add --ok --task "remind me to call the plumber"
    """
    outcome = {"success": success, "task": task, "agent_id": agent, "latency_ms": latency_ms, "error": error}
    with reported(as_json=as_json):
        recorded = asyncio.run(_report(tool_id, outcome, address(url)))
    if as_json:
        print_json(recorded)
    else:
        typer.echo(recorded.message)


def remove(
    tool_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The tools' ids.")],
    url: Url = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Remove tools, with all that was reported of them.

    Example: memos tools remove todo.add weather.forecast
    """
    with reported(as_json=as_json):
        removed = asyncio.run(_remove(tool_ids, address(url)))
    if as_json:
        print_json(removed)
        return
    for one in removed:
        typer.echo(f"{one.tool_id}: {one.message}")


async def _get(tool_id: str, form: Any, url: str) -> ToolFound:
    async with reach(url) as client:
        return await client.tools.get(tool_id, format=form)


async def _list(wanted: Any, limit: int, url: str) -> ToolsListed:
    """The first of the tools that are meant, however many pages those are."""
    async with reach(url) as client:
        found = await client.tools.list(limit=min(limit, PAGE), **wanted)
        while found.next and found.count < limit:
            room = min(limit - found.count, PAGE)
            page = await client.tools.list(after=found.next, limit=room, **wanted)
            results = [*found.results, *page.results]
            found = ToolsListed(count=len(results), results=results, next=page.next)
    return found


async def _report(tool_id: str, outcome: Any, url: str) -> OutcomeRecorded:
    async with reach(url) as client:
        return await client.tools.report(tool_id, **outcome)


async def _remove(tool_ids: list[str], url: str) -> list[DeregisterOutcome]:
    async with reach(url) as client:
        return [await client.tools.deregister(tool_id) for tool_id in tool_ids]
