"""Handlers of the commands that read memories."""

import time

from memos.discovery import Catalogs
from memos.events.memories import (
    GetHistory,
    GetMemory,
    MemoriesFound,
    MemoryFound,
    MemoryHistory,
    MemoryResults,
    QueryMemory,
)
from memos.events.tools import MOST_TOOLS_FOUND, DiscoveredTool, DiscoverTools, ToolResults
from memos.handlers.memories.recall import Recall
from memos.handlers.tools.discover import discovered
from memos.ports import Embedder, Memories, Projections, Reranker, Vectors
from memos.records import Origin


async def query_memory(
    command: QueryMemory,
    *,
    origin: Origin,
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
    reranker: Reranker | None,
    catalogs: Catalogs,
) -> MemoriesFound:
    """Find the memories that answer a text best, and the tools for it where they are asked for."""
    started = time.perf_counter()
    recall = Recall(origin.tenant, command, memories, vectors, projections, embedder, reranker)
    results = await recall.results()
    tools = await _tools(command, origin, catalogs=catalogs, embedder=embedder) if command.include_tools else []
    return MemoriesFound(
        query=command.query,
        memories=MemoryResults.model_construct(count=len(results), results=results),
        tools=ToolResults.model_construct(count=len(tools), results=tools),
        took_ms=round((time.perf_counter() - started) * 1000, 3),
    )


async def get_memory(command: GetMemory, *, origin: Origin, memories: Memories) -> MemoryFound:
    """Read one memory."""
    memory = await memories.get(origin.tenant, command.agent_id, command.memory_id)
    links = await memories.links(origin.tenant, command.agent_id, command.memory_id)
    return MemoryFound.model_construct(**dict(memory), links=links)


async def get_history(command: GetHistory, *, origin: Origin, memories: Memories) -> MemoryHistory:
    """Read every version of one memory."""
    versions = await memories.history(origin.tenant, command.agent_id, command.memory_id)
    return MemoryHistory.model_construct(memory_id=command.memory_id, versions=versions)


async def _tools(
    command: QueryMemory, origin: Origin, *, catalogs: Catalogs, embedder: Embedder
) -> list[DiscoveredTool]:
    """The tools for what a query asks."""
    sought = DiscoverTools(
        query=command.query,
        agent_capabilities=command.agent_capabilities,
        top_k=min(command.top_k, MOST_TOOLS_FOUND),
        explain=command.explain,
    )
    return await discovered(origin.tenant, sought, catalogs=catalogs, embedder=embedder)
