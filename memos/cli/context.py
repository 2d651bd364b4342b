"""`memos context`: all that memory has for a task."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from memos.cli.filters import FilterJson, filter_in
from memos.cli.indented import print_section
from memos.cli.output import AsJson, Url, address, print_json, reported
from memos.cli.reaching import reach
from memos.cli.tools_options import AgentCapability
from memos.events.commands import DEFAULT_AGENT
from memos.events.context import ContextLesson, TaskContext
from memos.records import SpecFormat

Session = Annotated[
    str | None, typer.Option(help="The agent's session of working memory whose values and messages belong to it.")
]
Equipping = Annotated[str | None, typer.Option(help="The loadout that equips the agent.")]
Lessons = Annotated[int, typer.Option(help="Most lessons of earlier tasks, 0 to 100.")]
Memories = Annotated[int, typer.Option(help="Most memories that are no lessons, 0 to 100.")]
MostTools = Annotated[int, typer.Option("--tools", help="Most tools that are discovered for the task, 0 to 100.")]
Messages = Annotated[int, typer.Option(help="Most of the session's newest messages, 0 to 100.")]
Form = Annotated[
    SpecFormat | None,
    typer.Option(
        "--format", help="In whose form --json gives the tools; by default what the loadout says, or openai."
    ),
]
MaxTokens = Annotated[
    int | None, typer.Option(help="What everything may cost together; what does not fit is left out.")
]
Deadline = Annotated[
    int, typer.Option("--deadline-ms", help="Milliseconds after which what is late is left out, and named.")
]


def context(
    task: Annotated[str, typer.Argument(metavar="TASK", help="What is to be done, in plain words.")],
    *,
    agent: Annotated[str, typer.Option(help="The agent that is to do it.")] = DEFAULT_AGENT,
    agent_capability: AgentCapability = None,
    session: Session = None,
    loadout: Equipping = None,
    lessons: Lessons = 5,
    memories: Memories = 5,
    tools: MostTools = 5,
    messages: Messages = 10,
    wanted: FilterJson = None,
    form: Form = None,
    max_tokens: MaxTokens = None,
    deadline_ms: Deadline = 2000,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Print all that memory has for a task.

    Lessons of earlier tasks, memories, tools, and what a session keeps at hand.

    Example: memos context "book a table for six on Friday" --agent concierge --max-tokens 2000
    """
    with reported(as_json=as_json):
        asked = {
            "agent_id": agent,
            "agent_capabilities": agent_capability or None,
            "session_id": session,
            "loadout": loadout,
            "lessons": lessons,
            "memories": memories,
            "tools": tools,
            "messages": messages,
            "filter": filter_in(wanted),
            "format": form,
            "max_tokens": max_tokens,
            "deadline_ms": deadline_ms,
        }
        found = asyncio.run(_context(task, asked, address(url)))
    if as_json:
        print_json(found)
    else:
        _show(Console(highlight=False), found)


async def _context(task: str, asked: dict[str, Any], url: str) -> TaskContext:
    async with reach(url) as client:
        return await client.context(task, **asked)


def _show(console: Console, found: TaskContext) -> None:
    tokens = found.tokens
    if found.system_prompt:
        print_section(console, "System prompt", tokens.system_prompt, found.system_prompt)
    shown = tokens.lessons + tokens.memories + tokens.working
    print_section(console, "Context", shown, found.context)
    print_section(console, "Tools", tokens.tools, "\n".join(_tools(found)))
    if found.lessons or found.memories:
        print_section(console, "Where it comes from", None, "\n".join(_origins(found)))
    console.print(f"Tokens: {tokens.total}{f' of {tokens.budget}' if tokens.budget else ''}")
    for style, line in _remarks(found):
        console.print(Text(line, style=style), soft_wrap=True)


def _tools(found: TaskContext) -> Iterator[str]:
    for tool in found.tools:
        named = tool.call_name if tool.call_name == tool.tool_id else f"{tool.call_name}  {tool.tool_id}"
        score = "" if tool.score is None else f"{tool.score:.3f}  "
        why = f": {'; '.join(tool.reasons)}" if tool.reasons else ""
        yield f"{score}{named}, by {tool.chosen_by}{why}"


def _origins(found: TaskContext) -> Iterator[str]:
    """The lessons and memories by the ids under which it can be told whether they helped."""
    for number, lesson in enumerate(found.lessons, start=1):
        yield f"lesson {number}: {lesson.score:.3f}  {lesson.memory_id}  of {lesson.agent_id}, {_known(lesson)}"
    for number, memory in enumerate(found.memories, start=1):
        told = f"{memory.kind} of {memory.agent_id}, {memory.when:%Y-%m-%d %H:%M}"
        yield f"memory {number}: {memory.score:.3f}  {memory.memory_id}  {told}"


def _known(lesson: ContextLesson) -> str:
    """How often a lesson was learned, and which others say otherwise."""
    often = "once" if lesson.times == 1 else f"{lesson.times} times"
    against = f", against {', '.join(map(str, lesson.contradicts))}" if lesson.contradicts else ""
    return f"learned {often}{against}"


def _remarks(found: TaskContext) -> Iterator[tuple[str, str]]:
    """What is not there, and why; each with its style."""
    for section in found.missing:
        yield "red", f"Missing: {section.section} ({section.reason.replace('_', ' ')}): {section.detail}"
    if left := ", ".join(f"{number} {section}" for section, number in found.omitted.items() if number):
        yield "dim", f"Left out, for it would cost too much: {left}"
    for warning in found.warnings:
        yield "yellow", f"Warning: {warning}"
