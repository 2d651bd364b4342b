"""Handler of the command that gathers the context of a task."""

import asyncio
import time

from memos.discovery import Catalogs
from memos.events.context import RequestContext, TaskContext
from memos.handlers.bounded import ReadOnce
from memos.handlers.context.gathering import Gathering
from memos.handlers.context.reply import context_of
from memos.handlers.context.sections import Sources
from memos.ports import Embedder, Learnings, Loadouts, Memories, Projections, Reranker, Tools, Vectors, Working
from memos.records import Origin
from memos.waiting import Stragglers


async def request_context(
    command: RequestContext,
    *,
    origin: Origin,
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
    reranker: Reranker | None,
    learnings: Learnings,
    working: Working,
    loadouts: Loadouts,
    tools: Tools,
    catalogs: Catalogs,
    stragglers: Stragglers,
) -> TaskContext:
    """Gather what there is for a task, as far as it is there in time and fits.

    Raises `InvalidCommand` when the system prompt of the loadout alone costs more than everything may.
    """
    started = time.perf_counter()
    deadline = asyncio.get_running_loop().time() + command.deadline_ms / 1000
    async with ReadOnce(embedder, stragglers) as reading:
        sources = Sources(
            origin=origin,
            command=command,
            memories=memories,
            vectors=vectors,
            projections=projections,
            embedder=reading,
            reranker=reranker,
            learnings=learnings,
            working=working,
            loadouts=loadouts,
            tools=tools,
            catalogs=catalogs,
        )
        found = await Gathering(sources, deadline, stragglers).gathered()
    return context_of(command, found, started)
