"""Tools for the beginning and the end of a task: its context, and what was learned."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from memos.events.context import ContextMemory, ContextTool, TaskContext
from memos.events.learning import MOST_LESSONS, LessonText
from memos.events.loadouts import LoadoutName
from memos.events.texts import QueryText
from memos.events.tools import ToolId
from memos.mcp_server.agent import Agent, Answer, SessionChoice
from memos.mcp_server.memories import MostTokens
from memos.records import LearningOutcome, Record

USUAL_CONTEXT_TOKENS = 6000
MOST_JUDGED = 64

TOLD = "It was handed over and is being learned; there is nothing more to do."

MemoryIds = Annotated[list[UUID], Field(max_length=MOST_JUDGED)]
ToolIds = Annotated[list[ToolId], Field(max_length=MOST_JUDGED)]


class AskContext(Record):
    """A task to begin."""

    task: QueryText = Field(description="What is to be done, in plain words.")
    loadout: LoadoutName | None = Field(default=None, description="The loadout that equips the agent, by its name.")
    session_id: SessionChoice = None
    max_tokens: MostTokens = Field(default=USUAL_CONTEXT_TOKENS, description="What everything may cost together.")


class Evidence(Record):
    """A memory or lesson of the context; its text is there under the same number."""

    number: int
    memory_id: UUID
    kind: str
    score: float


class UsableTool(Record):
    """A tool for the task, which call_tool calls with `arguments` that fit its schema."""

    tool_id: str
    description: str
    arguments: dict[str, Any]


class Gathered(Record):
    """All that there is for a task; `missing` is what could not be had, and why."""

    context: str
    system_prompt: str
    lessons: list[Evidence]
    memories: list[Evidence]
    tools: list[UsableTool]
    missing: list[str]
    warnings: list[str]
    tokens: int


class RecordLearned(Record):
    """How a task ended, and what was learned."""

    task: QueryText = Field(description="What was to be done, in plain words.")
    outcome: LearningOutcome = Field(description="How it ended.")
    lessons: Annotated[list[LessonText], Field(max_length=MOST_LESSONS)] = Field(
        default=[], description="What to do better, or again, in words that help whoever has a task like it next."
    )
    helpful_memories: MemoryIds = Field(default=[], description="Ids of memories and lessons that helped.")
    misleading_memories: MemoryIds = Field(default=[], description="Ids of those that were used and did not help.")
    helpful_tools: ToolIds = Field(
        default=[],
        description="Ids of tools that helped. What call_tool called may be named, and is not counted twice.",
    )
    useless_tools: ToolIds = Field(default=[], description="Ids of tools that were used and did not help.")


class LearningTold(Record):
    """What was told is on its way."""

    status: Literal["queued"] = "queued"
    command_id: str
    message: str


async def context(agent: Agent, given: AskContext) -> Answer:
    """All that memory has for a task."""
    found = await agent.client.context(
        given.task,
        agent_id=agent.agent_id,
        session_id=agent.session_for(given.session_id),
        loadout=given.loadout,
        format="mcp",
        max_tokens=given.max_tokens,
    )
    data = _gathered(found)
    return Answer("\n\n".join(_parts(data)) or "Memory has nothing for this task yet.", data)


async def record_learning(agent: Agent, given: RecordLearned) -> Answer:
    """Hand over how a task ended, without waiting until it is learned.

    Tools that `call_tool` called are named as reported: what became of each call was counted when it was made.
    """
    tools = _judged("tool_id", given.helpful_tools, given.useless_tools)
    command_id = await agent.client.learning.record_later(
        given.task,
        outcome=given.outcome,
        lessons=given.lessons,
        memories=_judged("memory_id", given.helpful_memories, given.misleading_memories),
        tools=[{**tool, "reported": tool["tool_id"] in agent.reported} for tool in tools],
        agent_id=agent.agent_id,
        session_id=agent.session,
    )
    return Answer(f"queued: {TOLD}", LearningTold(command_id=command_id, message=TOLD))


def _judged(name: str, helped: Sequence[Any], not_helped: Sequence[Any]) -> list[dict[str, Any]]:
    """Uses as the contract has them, which refuses what is said to be both; `name` is what it calls an id."""
    judged = [*((one, True) for one in helped), *((one, False) for one in not_helped)]
    return [{name: one, "helped": good} for one, good in judged]


def _gathered(found: TaskContext) -> Gathered:
    return Gathered(
        context=found.context,
        system_prompt=found.system_prompt,
        lessons=[_evidence(number, one) for number, one in enumerate(found.lessons, start=1)],
        memories=[_evidence(number, one) for number, one in enumerate(found.memories, start=1)],
        tools=[_usable(tool) for tool in found.tools],
        missing=[f"{one.section} ({one.reason}): {one.detail}" for one in found.missing],
        warnings=found.warnings,
        tokens=found.tokens.total,
    )


def _evidence(number: int, memory: ContextMemory) -> Evidence:
    return Evidence(number=number, memory_id=memory.memory_id, kind=memory.kind, score=memory.score)


def _usable(tool: ContextTool) -> UsableTool:
    return UsableTool(tool_id=tool.tool_id, description=tool.description, arguments=tool.spec["inputSchema"])


def _parts(data: Gathered) -> Iterator[str]:
    """What a model reads: what to be, what is known, what there is to call, and what is not there."""
    yield from filter(None, (data.system_prompt, data.context))
    if data.tools:
        yield "\n".join(["## Tools, for call_tool", *(f"- {one.tool_id}: {one.description}" for one in data.tools)])
    if named := [*_named("lesson", data.lessons), *_named("memory", data.memories)]:
        yield "\n".join(["## Ids, to tell by record_learning what helped", *named])
    if data.missing or data.warnings:
        yield "\n".join(["## Not there", *data.missing, *data.warnings])


def _named(what: str, evidence: list[Evidence]) -> Iterator[str]:
    return (f"{what} {one.number}: {one.memory_id}" for one in evidence)
