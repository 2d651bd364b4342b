"""Handlers of the commands that read memories."""

import time

from pydantic import JsonValue

from memos.events.memories import (
    GetHistory,
    GetMemory,
    MemoriesFound,
    MemoryFound,
    MemoryHistory,
    MemoryResults,
    QueryMemory,
    RecalledMemory,
)
from memos.handlers.filters import filter_of
from memos.ports import Embedder, Filter, Memories, Vectors
from memos.ranking import within_budget
from memos.records import Hit, Memory, Origin, Vector

SPARE = 8
MOST_FETCHED = 10_000


async def query_memory(
    command: QueryMemory, *, origin: Origin, memories: Memories, vectors: Vectors, embedder: Embedder
) -> MemoriesFound:
    """Find the memories closest in meaning to a text."""
    started = time.perf_counter()
    [vector] = await embedder.embed([command.query])
    matching = filter_of(origin.tenant, command.agent_id, command.filter)
    recalled = await _recall(command, origin.tenant, vector, matching, memories=memories, vectors=vectors)
    results = list(within_budget(recalled, command.max_tokens))
    return MemoriesFound(
        query=command.query,
        memories=MemoryResults.model_construct(count=len(results), results=results),
        took_ms=round((time.perf_counter() - started) * 1000, 3),
    )


async def get_memory(command: GetMemory, *, origin: Origin, memories: Memories) -> MemoryFound:
    """Read one memory."""
    memory = await memories.get(origin.tenant, command.agent_id, command.memory_id)
    return MemoryFound.model_construct(**dict(memory))


async def get_history(command: GetHistory, *, origin: Origin, memories: Memories) -> MemoryHistory:
    """Read every version of one memory."""
    versions = await memories.history(origin.tenant, command.agent_id, command.memory_id)
    return MemoryHistory.model_construct(memory_id=command.memory_id, versions=versions)


async def _recall(
    command: QueryMemory, tenant: str, vector: Vector, matching: Filter, *, memories: Memories, vectors: Vectors
) -> list[RecalledMemory]:
    """The best `top_k` that the ledger still shows; more are fetched when the projection is behind."""
    limit = command.top_k + SPARE
    while True:
        hits = await vectors.search(vector, matching=matching, limit=limit)
        shown = await memories.visible(tenant, command.agent_id, [hit.memory_id for hit in hits])
        if len(shown) >= command.top_k or len(hits) < limit or limit >= MOST_FETCHED:
            break
        limit = min(limit * 4, MOST_FETCHED)
    live = [hit for hit in hits if hit.memory_id in shown][: command.top_k]
    return [
        _recalled(shown[hit.memory_id], hit, rank, explain=command.explain)
        for rank, hit in enumerate(live, start=1)
    ]


def _recalled(memory: Memory, hit: Hit, rank: int, *, explain: bool) -> RecalledMemory:
    explanation: dict[str, JsonValue] | None = {"rank": rank, "similarity": hit.score} if explain else None
    return RecalledMemory.model_construct(**dict(memory), score=hit.score, explanation=explanation)
