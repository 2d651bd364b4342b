"""`memos learning`: what agents learn of their tasks."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from memos.cli.learning_shown import show_learning, show_recorded
from memos.cli.objects import object_in
from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.reaching import reach
from memos.errors import InvalidCommand
from memos.events.commands import DEFAULT_AGENT
from memos.events.learning import LearningRecorded, LearningsListed
from memos.events.problems import Problem
from memos.records import LearningOutcome

HELPED: Mapping[str, bool] = {"helped": True, "hindered": False}
NOTHING = "Nothing was told of any task yet. Try: memos learning record TASK --outcome success"
NOTHING_MEETS = "Nothing that was told meets the conditions."

Outcome = Annotated[LearningOutcome, typer.Option(help="How it ended.")]
Lessons = Annotated[list[str] | None, typer.Option("--lesson", help="What was learned; repeat it for several.")]
Memories = Annotated[
    list[str] | None,
    typer.Option(
        "--memory", metavar="ID[=helped|hindered]", help="A memory or lesson that was used; repeat it for several."
    ),
]
Tools = Annotated[
    list[str] | None,
    typer.Option("--tool", metavar="ID[=helped|hindered]", help="A tool that was called; repeat it for several."),
]
TaskName = Annotated[str | None, typer.Option("--task-id", help="What the task is called by whoever gave it.")]
Session = Annotated[str | None, typer.Option(help="The session in which it was done.")]
Tokens = Annotated[int | None, typer.Option(help="Tokens that models took for it.")]
Private = Annotated[bool, typer.Option("--private", help="Lessons for this agent alone.")]
MetadataJson = Annotated[
    str | None, typer.Option("--metadata", metavar="JSON", help="What else the lessons are to say of themselves.")
]
CommandId = Annotated[
    str | None, typer.Option(help="The command's id; sent again with the same id it teaches nothing twice.")
]


def learning_cli() -> typer.Typer:
    """The commands under `memos learning`."""
    cli = typer.Typer(
        help="What agents learn of their tasks.\n\nTell how a task ended and what helped, and see what was told.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    cli.command()(record)
    cli.command("list")(list_learnings)
    return cli


def record(
    task: Annotated[str, typer.Argument(metavar="TASK", help="What was to be done, in plain words.")],
    *,
    outcome: Outcome,
    lesson: Lessons = None,
    memory: Memories = None,
    tool: Tools = None,
    agent: Annotated[str, typer.Option(help="The agent that did it.")] = DEFAULT_AGENT,
    task_id: TaskName = None,
    session: Session = None,
    cost: Annotated[float | None, typer.Option(help="What it cost, in your currency.")] = None,
    tokens: Tokens = None,
    seconds: Annotated[float | None, typer.Option(help="How long it took.")] = None,
    private: Private = False,
    metadata: MetadataJson = None,
    command_id: CommandId = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Tell how a task ended, what was learned, and what helped.

    Of memories and tools that are named alone it is taken from the outcome whether they helped.

    Example: memos learning record "book a table for six" --outcome success --lesson "The Lantern wants a call."
    """
    with reported(as_json=as_json):
        told = {
            "outcome": outcome,
            "lessons": lesson or [],
            "memories": [_use("memory_id", one) for one in memory or []],
            "tools": [_use("tool_id", one) for one in tool or []],
            "agent_id": agent,
            "task_id": task_id,
            "session_id": session,
            "cost": cost,
            "tokens": tokens,
            "seconds": seconds,
            "visibility": "private" if private else "shared",
            "metadata": object_in(metadata, option="--metadata", example='{"team": "web"}') or {},
            "command_id": command_id,
        }
        recorded = asyncio.run(_record(task, told, address(url)))
    if as_json:
        print_json(recorded)
    else:
        show_recorded(Console(highlight=False), recorded)
    if any(isinstance(one, Problem) for one in (*recorded.lessons, *recorded.memories, *recorded.tools)):
        raise typer.Exit(1)


def list_learnings(
    *,
    agent: Annotated[str | None, typer.Option(help="Of this agent alone.")] = None,
    task_id: Annotated[str | None, typer.Option("--task-id", help="Of this task alone.")] = None,
    outcome: Annotated[LearningOutcome | None, typer.Option(help="With this outcome alone.")] = None,
    before: Annotated[str | None, typer.Option(help="The learning after which to go on, back in time.")] = None,
    limit: Annotated[int, typer.Option(help="How many to print, 1 to 1000.")] = 100,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Print what agents told of their tasks, newest first.

    Example: memos learning list --agent concierge --outcome failure --limit 20
    """
    selection = {"agent_id": agent, "task_id": task_id, "outcome": outcome, "before": before, "limit": limit}
    with reported(as_json=as_json):
        found = asyncio.run(_list(selection, address(url)))
    if as_json:
        print_json(found)
        return
    console = Console(highlight=False)
    for learning in found.results:
        show_learning(console, learning)
    if not found.results:
        console.print(NOTHING_MEETS if agent or task_id or outcome or before else NOTHING)
    elif found.next:
        console.print(f"There are more: --before {found.next}")


def _use(name: str, text: str) -> dict[str, Any]:
    """What was used, by its id, and whether it helped where the text says so after a `=`.

    Raises `InvalidCommand` for another word there. An id may end in one too: it has to say whether it helped, then.
    """
    one, _, said = text.rpartition("=")
    if one and said.isalpha() and said not in HELPED:
        raise InvalidCommand(f"{text!r} says neither helped nor hindered. Write {one}=helped or {one}=hindered.")
    return {name: one, "helped": HELPED[said]} if one and said in HELPED else {name: text}


async def _record(task: str, told: dict[str, Any], url: str) -> LearningRecorded:
    async with reach(url) as client:
        return await client.learning.record(task, **told)


async def _list(selection: dict[str, Any], url: str) -> LearningsListed:
    async with reach(url) as client:
        return await client.learning.list(**selection)
