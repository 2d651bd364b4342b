"""Tools on a real ledger: registered, reported of, and found, as the handlers do it."""

from dataclasses import dataclass, field
from typing import Any

from builders import WordsEmbedder, origin
from noted import NotedAnswers

from memos.discovery import Catalogs
from memos.errors import MemosError
from memos.events.tools import (
    DeregisterTool,
    DiscoveredTool,
    DiscoverTools,
    OutcomeRecorded,
    RegisterOutcome,
    RegisterTool,
    ToolOutcome,
)
from memos.handlers.tools.discover import discovered
from memos.handlers.tools.outcomes import record_outcome
from memos.handlers.tools.registry import deregister_tool, register_tool
from memos.stores.memories import PostgresMemories
from memos.stores.postgres import Pool
from memos.stores.tools import PostgresTools

MOST_BYTES = 256_000_000


@dataclass
class Toolbox:
    """The tools of a ledger, as one worker serves them."""

    pool: Pool
    embedder: WordsEmbedder = field(default_factory=WordsEmbedder)
    most_bytes: int = MOST_BYTES
    answers: NotedAnswers = field(default_factory=NotedAnswers)

    def __post_init__(self) -> None:
        self.tools = PostgresTools(self.pool)
        self.memories = PostgresMemories(self.pool)
        self.catalogs = Catalogs(self.tools, self.embedder, self.most_bytes)

    @property
    def registering(self) -> dict[str, Any]:
        """The ports of a handler that registers."""
        return {**self.writing, "answers": self.answers}

    @property
    def writing(self) -> dict[str, Any]:
        """The ports of a handler that records outcomes."""
        return {
            "memories": self.memories,
            "tools": self.tools,
            "embedder": self.embedder,
            "ready": lambda: None,
        }

    async def register(self, *definitions: RegisterTool, tenant: str = "default") -> list[str]:
        """Register tools; return what became of each."""
        senders = [origin(tenant=tenant) for _ in definitions]
        outcomes = await register_tool(definitions, origins=senders, **self.registering)
        return [one.status for one in outcomes if isinstance(one, RegisterOutcome)]

    async def deregister(self, tool_id: str, *, tenant: str = "default") -> None:
        """Remove a tool."""
        command = DeregisterTool(tool_id=tool_id)
        ports: dict[str, Any] = {"tools": self.tools, "answers": self.answers}
        await deregister_tool(command, origin=origin(tenant=tenant), **ports)

    async def report(self, *outcomes: ToolOutcome, tenant: str = "default") -> list[OutcomeRecorded | MemosError]:
        """Tell what became of calls."""
        senders = [origin(tenant=tenant) for _ in outcomes]
        return await record_outcome(outcomes, origins=senders, catalogs=self.catalogs, **self.writing)

    async def discover(
        self, query: str | None = None, *, tenant: str = "default", **fields: Any
    ) -> list[DiscoveredTool]:
        """The tools that are found."""
        command = DiscoverTools(query=query, **fields)
        return await discovered(tenant, command, catalogs=self.catalogs, embedder=self.embedder)

    async def found(self, query: str | None = None, **fields: Any) -> list[str]:
        """The ids of the tools that are found, best first."""
        return [tool.tool_id for tool in await self.discover(query, **fields)]


def tool(tool_id: str, description: str = "Does something", **fields: Any) -> RegisterTool:
    """A definition, complete unless told otherwise."""
    told = {"name": tool_id, "endpoint_url": "http://tools.test/call", **fields}
    return RegisterTool(tool_id=tool_id, description=description, **told)


def solved(tool_id: str, task: str, agent_id: str = "ann", **fields: Any) -> ToolOutcome:
    """A call that went well."""
    return ToolOutcome(tool_id=tool_id, task=task, agent_id=agent_id, success=True, **fields)


def failed(tool_id: str, task: str | None, agent_id: str = "ann", **fields: Any) -> ToolOutcome:
    """A call that did not."""
    return ToolOutcome(tool_id=tool_id, task=task, agent_id=agent_id, success=False, **fields)
