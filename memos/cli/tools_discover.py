"""`memos tools discover`: the tools for a task."""

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console

from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.reaching import reach
from memos.cli.tools_options import AgentCapability, Capability, Form, Matching, Tag
from memos.cli.tools_shown import show_found
from memos.events.tools import ToolsFound

NOTHING = "No tool is registered yet. Try: memos tools register FILE"
NOTHING_MEETS = "No tool meets the conditions."


def discover(
    text: Annotated[
        str | None, typer.Argument(help="The task, in plain words; without one give conditions.")
    ] = None,
    *,
    top_k: Annotated[int, typer.Option("--top-k", "-k", help="How many results, 1 to 100.")] = 5,
    capability: Capability = None,
    match: Matching = "any",
    tag: Tag = None,
    agent_capability: AgentCapability = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show what each score is made up of.")] = False,
    form: Form = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Print the tools for a task, best first, and why.

    A task that needs several tools gets one for each need.

    Example: memos tools discover "put milk on the shopping list" -k 3 --explain

    Example: memos tools discover "what is the weather?" --agent-capability web --format openai
    """
    asked = {
        "top_k": top_k,
        "capabilities": capability or [],
        "match": match,
        "tags": tag or [],
        "agent_capabilities": agent_capability or None,
        "explain": explain,
        "format": form,
    }
    with reported(as_json=as_json):
        found = asyncio.run(_discover(text, asked, address(url)))
    if as_json:
        print_json(found)
    elif form:
        print_json([tool.spec for tool in found.results])
    else:
        _show(found, conditions=bool(capability or tag or agent_capability))


async def _discover(text: str | None, asked: dict[str, Any], url: str) -> ToolsFound:
    async with reach(url) as client:
        return await client.tools.discover(text, **asked)


def _show(found: ToolsFound, *, conditions: bool) -> None:
    console = Console(highlight=False)
    if not found.results:
        console.print(NOTHING_MEETS if conditions else NOTHING)
    for rank, tool in enumerate(found.results, start=1):
        show_found(console, rank, tool)
