"""Tools that find registered tools, and call them."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from memos.client.tool_answers import ToolAnswer
from memos.errors import ToolFailed
from memos.events.texts import QueryText
from memos.events.tools import DiscoveredTool, ToolId
from memos.mcp_server.agent import Agent, Answer
from memos.records import Record

MOST_FOUND = 20
USUAL_SECONDS = 30.0
MOST_SECONDS = 600.0

MOST_CHARACTERS = 100_000
"""What of a tool's answer is passed on: about 25,000 tokens."""


Arguments = Annotated[dict[str, Any] | str, WithJsonSchema({"type": "object", "additionalProperties": True})]
"""An object, which some clients send as JSON in a text."""


class Discover(Record):
    """A task to find tools for."""

    task: QueryText = Field(description="What is to be done, in plain words.")
    top_k: Annotated[int, Field(ge=1, le=MOST_FOUND)] = Field(default=5, description="Most tools to get.")


class ToolShown(Record):
    """A tool for a task; `arguments` is the JSON schema of what it is given, `reasons` speak for it."""

    tool_id: str
    name: str
    description: str
    arguments: dict[str, Any]
    score: float
    reasons: list[str]


class Discovered(Record):
    """Tools, best first."""

    count: int
    tools: list[ToolShown]


class Call(Record):
    """A registered tool to call."""

    tool_id: ToolId = Field(description="The id of the tool, as discover_tools gives it.")
    arguments: Arguments = Field(default={}, description="What the tool is given, as its schema has it.")
    task: QueryText | None = Field(
        default=None, description="What it is called for: so that it is found for tasks like it, if it helps."
    )
    timeout_seconds: Annotated[float, Field(gt=0, le=MOST_SECONDS)] = Field(
        default=USUAL_SECONDS, description="Seconds to wait for its answer."
    )


class Called(Record):
    """What a tool answered; of an answer that is `truncated`, `content` is the beginning as text."""

    tool_id: str
    content: Any
    latency_ms: float
    truncated: bool


async def discover_tools(agent: Agent, given: Discover) -> Answer:
    """The registered tools for a task."""
    found = await agent.client.tools.discover(given.task, top_k=given.top_k, format="mcp")
    tools = [_shown(tool) for tool in found.results]
    text = "\n".join(f"{place}. {_told(one)}" for place, one in enumerate(tools, start=1))
    nothing = "No tool is registered that fits this task."
    return Answer(text or nothing, Discovered(count=len(tools), tools=tools))


async def call_tool(agent: Agent, given: Call) -> Answer:
    """Call a registered tool and report what became of it, so that discovery learns."""
    try:
        answer = await agent.client.tools.call(
            given.tool_id,
            given.arguments,
            agent_id=agent.agent_id,
            task=given.task,
            timeout=given.timeout_seconds,
        )
    except ToolFailed:
        agent.reported.add(given.tool_id)
        raise
    agent.reported.add(given.tool_id)
    return _answered(answer)


def _shown(tool: DiscoveredTool) -> ToolShown:
    return ToolShown(
        tool_id=tool.tool_id,
        name=tool.name,
        description=tool.description,
        arguments=(tool.spec or {})["inputSchema"],
        score=tool.score,
        reasons=tool.reasons,
    )


def _told(tool: ToolShown) -> str:
    named = ", ".join(tool.arguments.get("properties", {})) or "none"
    return f"{tool.tool_id}: {tool.description} Arguments: {named}."


def _answered(answer: ToolAnswer) -> Answer:
    text = answer.text
    truncated = len(text) > MOST_CHARACTERS
    shown = text[:MOST_CHARACTERS]
    data = Called(
        tool_id=answer.tool_id,
        content=shown if truncated else answer.content,
        latency_ms=answer.latency_ms,
        truncated=truncated,
    )
    cut = f"{shown}\n[The first {MOST_CHARACTERS:,} of {len(text):,} characters.]"
    return Answer(cut if truncated else shown or "(nothing)", data)
