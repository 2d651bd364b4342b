"""`memos loadout equip`: everything that an agent needs for a task."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from memos.cli.indented import print_section
from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.reaching import reach
from memos.cli.tools_options import AgentCapability
from memos.events.commands import DEFAULT_AGENT
from memos.events.equipment import Equipment
from memos.records import SpecFormat

Form = Annotated[
    SpecFormat | None,
    typer.Option("--format", help="In whose form the tools are given; by default what the loadout says."),
]
MaxTokens = Annotated[
    int | None, typer.Option(help="What everything may cost together; by default what the loadout says.")
]

Session = Annotated[
    str | None, typer.Option(help="The session that gets the loadout's working values which it has not yet.")
]


def equip(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The loadout's name.")],
    *,
    task: Annotated[str, typer.Option(help="What the agent is to do, in plain words.")],
    agent: Annotated[str, typer.Option(help="The agent that is equipped.")] = DEFAULT_AGENT,
    agent_capability: AgentCapability = None,
    form: Form = None,
    max_tokens: MaxTokens = None,
    session: Session = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Print everything that a loadout equips an agent with for a task.

    With --json also what a model is given of each tool, and where each memory comes from.

    Example: memos loadout equip researcher --agent cortex --task "What is new in PostgreSQL 18?" --max-tokens 4000
    """
    options = {
        "agent_id": agent,
        "agent_capabilities": agent_capability or None,
        "format": form,
        "max_tokens": max_tokens,
        "session_id": session,
    }
    with reported(as_json=as_json):
        equipment = asyncio.run(_equip(name, task, options, address(url)))
    if as_json:
        print_json(equipment)
    else:
        _show(equipment)


async def _equip(name: str, task: str, options: Any, url: str) -> Equipment:
    async with reach(url) as client:
        return await client.loadouts.equip(name, task=task, **options)


def _show(equipment: Equipment) -> None:
    console, tokens = Console(highlight=False), equipment.tokens
    parts = (
        ("System prompt", tokens.system_prompt, equipment.system_prompt),
        ("Tools", tokens.tools, "\n".join(_tools(equipment))),
        ("Context", tokens.context, equipment.context),
    )
    for title, cost, text in parts:
        print_section(console, title, cost, text)
    limit = f" of {tokens.budget}" if tokens.budget else ""
    console.print(f"Tokens: {tokens.total}{limit}")
    if equipment.session_id:
        set_now = ", ".join(equipment.seeded) or "nothing; it had all of it"
        console.print(Text(f"Set in session {equipment.session_id}: {set_now}"), soft_wrap=True)
    for warning in equipment.warnings:
        console.print(Text(f"Warning: {warning}", style="yellow"), soft_wrap=True)


def _tools(equipment: Equipment) -> Iterator[str]:
    for tool in equipment.tools:
        why = f": {'; '.join(tool.reasons)}" if tool.reasons else ""
        named = tool.call_name if tool.call_name == tool.tool_id else f"{tool.call_name}  {tool.tool_id}"
        yield f"{named}, by {tool.chosen_by}{why}"
