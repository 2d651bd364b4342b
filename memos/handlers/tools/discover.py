"""Handler of the command that finds tools for a task."""

import time

from pydantic import JsonValue

from memos.discovery import Catalogs, Found, Query, Sought, query_of, search
from memos.events.tools import DiscoveredTool, DiscoverTools, ToolsFound
from memos.lexical import clauses
from memos.ports import Embedder
from memos.records import Origin
from memos.specs import call_name, spec_of


async def discover_tools(
    command: DiscoverTools, *, origin: Origin, catalogs: Catalogs, embedder: Embedder
) -> ToolsFound:
    """Find the tools for a task, or with capabilities, or both."""
    started = time.perf_counter()
    results = await discovered(origin.tenant, command, catalogs=catalogs, embedder=embedder)
    return ToolsFound.model_construct(
        query=command.query,
        count=len(results),
        results=results,
        took_ms=round((time.perf_counter() - started) * 1000, 3),
    )


async def discovered(
    tenant: str, command: DiscoverTools, *, catalogs: Catalogs, embedder: Embedder
) -> list[DiscoveredTool]:
    """The tools that a command finds, best first. Raises `Unavailable`."""
    queries = await _queries(command.query, embedder) if command.query else []
    sought = Sought(
        queries[0] if queries else None,
        queries[1:],
        capabilities=frozenset(command.capabilities),
        match=command.match,
        tags=frozenset(command.tags),
        agent_capabilities=None if command.agent_capabilities is None else frozenset(command.agent_capabilities),
        top_k=command.top_k,
    )
    found = search(await catalogs.of(tenant), sought)
    return [_discovered(one, rank, command) for rank, one in enumerate(found, start=1)]


async def _queries(query: str, embedder: Embedder) -> list[Query]:
    """A task and its clauses."""
    texts = [query, *clauses(query)]
    vectors = await embedder.embed(texts)
    return [query_of(text, vector) for text, vector in zip(texts, vectors, strict=True)]


def _discovered(found: Found, rank: int, command: DiscoverTools) -> DiscoveredTool:
    tool = found.entry.tool
    return DiscoveredTool.model_construct(
        **{**dict(tool), "statistics": found.entry.statistics},
        score=found.score,
        reasons=list(found.reasons),
        need=found.need,
        call_name=call_name(tool.tool_id),
        spec=spec_of(tool, command.format) if command.format else None,
        explanation=_explanation(found, rank) if command.explain else None,
    )


def _explanation(found: Found, rank: int) -> dict[str, JsonValue]:
    factors: dict[str, JsonValue] = {
        name: {"value": round(factor.value, 6), "contribution": round(factor.contribution, 6)}
        for name, factor in found.factors.items()
    }
    return {"rank": rank, "factors": factors}
