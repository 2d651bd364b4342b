"""Tools: what an agent may call, how it is called, and what became of the calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid5

from memos.records.invocations import PLACEHOLDER, HttpInvocation, Invocation
from memos.records.memories import MEMORY_NAMESPACE, SEPARATOR, Origin, Record, Vector, content_hash

Match = Literal["any", "all"]

SpecFormat = Literal["openai", "anthropic", "mcp"]
"""Whose form a tool is given in: OpenAI's function specs, Anthropic's tools, or MCP's."""


class ToolDefinition(Record):
    """What a tool is: `required_capabilities` is what an agent must have to use it, `examples` are tasks for it.

    The schemas are JSON Schema, that of the request of an object whose properties are the arguments.
    """

    tool_id: str
    name: str
    description: str
    endpoint_url: str | None = None
    request_schema: dict[str, Any] | None = None
    response_schema: dict[str, Any] | None = None
    required_capabilities: list[str] = []
    tags: list[str] = []
    examples: list[str] = []
    invocation: Invocation = HttpInvocation()

    @property
    def placeholders(self) -> Mapping[str, str]:
        """The argument that takes the place of each placeholder of the URL, of a tool that is called by HTTP.

        A placeholder that no parameter is declared for is the argument of its name.
        """
        if not isinstance(self.invocation, HttpInvocation):
            return {}
        declared = {one.wire_name: one.argument for one in self.invocation.parameters if one.place == "path"}
        return {name: declared.get(name, name) for name in PLACEHOLDER.findall(self.endpoint_url or "")}


class ToolStatistics(Record):
    """What agents report of a tool's calls.

    `success_rate` is the mean of a Beta distribution, which begins at 0.8 with the weight of five calls; what one
    agent reports counts as ten calls at most. `latency_ms` is the mean of the agents' means, in milliseconds.
    """

    outcomes: int = 0
    successes: int = 0
    success_rate: float = 0.8
    latency_ms: float | None = None
    last_error: str | None = None
    last_outcome_at: datetime | None = None


class Tool(ToolDefinition):
    """A tool as the ledger has it now."""

    version: int
    created_at: datetime
    updated_at: datetime
    statistics: ToolStatistics = ToolStatistics()


class ToolKey(NamedTuple):
    """What makes a tool unique."""

    tenant: str
    tool_id: str

    @property
    def record_id(self) -> UUID:
        """The id under which facts tell of the tool: UUIDv5."""
        return uuid5(MEMORY_NAMESPACE, SEPARATOR.join(("tool", *self)))


@dataclass(frozen=True, slots=True)
class TextVector:
    """A text that discovery compares, and its vector."""

    text: str
    vector: Vector

    @property
    def content_hash(self) -> bytes:
        """SHA-256 of the text (32 bytes)."""
        return content_hash(self.text)


@dataclass(frozen=True, slots=True)
class ToolDraft:
    """A tool to be registered. `said` is what it says it is for, then its examples, each with its vector.

    Without vectors it repeats a command that was handled before, and is never written.
    """

    origin: Origin
    digest: bytes
    definition: ToolDefinition
    model: str
    said: Sequence[TextVector]

    @property
    def key(self) -> ToolKey:
        """What makes the tool unique."""
        return ToolKey(self.origin.tenant, self.definition.tool_id)


class Registered(NamedTuple):
    """What the ledger made of a draft."""

    tool_id: str
    version: int
    status: Literal["registered", "updated", "unchanged"]


class Deregistered(NamedTuple):
    """What a deregistration did; `found` is false when there was no such tool."""

    tool_id: str
    found: bool


class ToolSelection(NamedTuple):
    """Which tools are meant: those that need any, or all, of the capabilities, have all tags, and the text.

    `contains` is looked for in ids, names and descriptions, whatever the case; what is empty asks for nothing.
    """

    capabilities: Sequence[str] = ()
    match: Match = "any"
    tags: Sequence[str] = ()
    contains: str | None = None


class ToolPage(NamedTuple):
    """Some of the tools that are meant, in the order of their ids, and whether more follow."""

    tools: Sequence[Tool]
    more: bool


@dataclass(frozen=True, slots=True)
class OutcomeDraft:
    """What became of a call. `plausible` says whether discovery, untaught, would have thought of the tool for it.

    Without a vector a draft with a task repeats a command that was handled before.
    """

    origin: Origin
    digest: bytes
    tool_id: str
    agent_id: str
    success: bool
    latency_ms: float | None
    error: str | None
    task: TextVector | None
    model: str
    plausible: bool | None


class OutcomeKept(NamedTuple):
    """An outcome that the ledger has, of the tool that it is of."""

    tool_id: str


class CatalogTool(NamedTuple):
    """A tool as discovery sees it; `tool` is none of one that was deregistered."""

    tool_id: str
    tool: Tool | None


class Evidence(NamedTuple):
    """How often a tool solved a task, or failed at it, as an agent says; a task is known by its hash (32 bytes)."""

    tool_id: str
    agent_id: str
    task_hash: bytes
    successes: int
    failures: int


class Report(NamedTuple):
    """All that an agent reports of a tool: calls, and how many of those with a task were plausible.

    `latency_ms` is the sum of as many latencies as `latencies` says, in milliseconds.
    """

    tool_id: str
    agent_id: str
    successes: int
    failures: int
    judged: int
    plausible: int
    latencies: int
    latency_ms: float
    last_error: str | None
    last_error_at: datetime | None
    last_outcome_at: datetime


@dataclass(frozen=True, slots=True)
class CatalogChanges:
    """What of a tenant's tools has changed up to a revision; each row as it is now."""

    revision: int
    tools: Sequence[CatalogTool] = ()
    evidence: Sequence[Evidence] = ()
    reports: Sequence[Report] = ()


class TextKey(NamedTuple):
    """A text that discovery compares: never the same across tenants."""

    tenant: str
    content_hash: bytes


def said_by(tool: ToolDefinition) -> list[str]:
    """The texts by which discovery compares a tool: what it says it is for, then its examples."""
    return [f"{tool.name}: {tool.description}", *tool.examples]
