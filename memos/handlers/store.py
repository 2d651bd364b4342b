"""Handlers of the commands that store memories."""

from collections.abc import Sequence
from itertools import islice

from memos.errors import Conflict, MemosError
from memos.events.memories import IngestBatch, IngestItem, StoreMemories, StoreMemory, StoreOutcomes
from memos.events.problems import problem_of
from memos.handlers.digests import digest_of, digest_of_batch
from memos.handlers.embed import Wish
from memos.handlers.remember import Outcome, remember
from memos.ports import Embedder, Memories, Projections, Ready, Vectors
from memos.records import CommandKey, Origin


async def store_memory(
    commands: Sequence[StoreMemory],
    *,
    origins: Sequence[Origin],
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
    ready: Ready,
) -> list[Outcome]:
    """Remember texts that came one by one."""
    wishes = [_wish(origin, command) for origin, command in zip(origins, commands, strict=True)]
    return await remember(
        wishes,
        memories=memories,
        vectors=vectors,
        projections=projections,
        embedder=embedder,
        ready=ready,
    )


async def store_memories(
    commands: Sequence[StoreMemories],
    *,
    origins: Sequence[Origin],
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
    ready: Ready,
) -> list[StoreOutcomes | MemosError]:
    """Remember texts that came in batches; one whose id was used for another batch is a conflict as a whole."""
    batches = [
        [_wish(origin.item(index), memory) for index, memory in enumerate(command.memories)]
        for origin, command in zip(origins, commands, strict=True)
    ]
    conflicts = await _conflicts(origins, batches, memories=memories)
    taken = [[] if index in conflicts else batch for index, batch in enumerate(batches)]
    outcomes = await remember(
        [wish for batch in taken for wish in batch],
        memories=memories,
        vectors=vectors,
        projections=projections,
        embedder=embedder,
        ready=ready,
    )
    stored = _regroup(taken, outcomes)
    return [conflicts.get(index, results) for index, results in enumerate(stored)]


async def ingest_batch(
    commands: Sequence[IngestBatch],
    *,
    origins: Sequence[Origin],
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
    ready: Ready,
) -> list[StoreOutcomes | MemosError]:
    """Remember passages of documents, shared by all agents of their tenant."""
    batches = [
        StoreMemories.model_construct(memories=[passage(item, command.agent_id) for item in command.items])
        for command in commands
    ]
    return await store_memories(
        batches,
        origins=origins,
        memories=memories,
        vectors=vectors,
        projections=projections,
        embedder=embedder,
        ready=ready,
    )


def passage(item: IngestItem, agent_id: str) -> StoreMemory:
    """A passage of a document as the memory to be stored."""
    return StoreMemory.model_construct(
        content=item.content,
        agent_id=agent_id,
        visibility="shared",
        kind=item.kind,
        source=item.source,
        sequence=item.sequence,
        metadata=item.metadata,
        tags=item.tags,
    )


def _wish(origin: Origin, command: StoreMemory) -> Wish:
    return Wish(origin, command, digest_of(command))


async def _conflicts(
    origins: Sequence[Origin], batches: Sequence[Sequence[Wish]], *, memories: Memories
) -> dict[int, Conflict]:
    """Those of the batches, by their places, whose ids were used before for other items, or more, or fewer."""
    digests = [digest_of_batch([wish.digest for wish in batch]) for batch in batches]
    firsts: dict[CommandKey, bytes] = {}
    for origin, digest in zip(origins, digests, strict=True):
        firsts.setdefault(origin.key, digest)
    taken = await memories.claim(firsts)
    return {
        index: Conflict(
            f"The command id {origin.command_id!r} was used before with another body, or for another number of "
            "items; nothing of this batch is stored. Send a new command with an id of its own."
        )
        for index, (origin, digest) in enumerate(zip(origins, digests, strict=True))
        if taken[origin.key] != digest
    }


def _regroup(batches: Sequence[Sequence[Wish]], outcomes: Sequence[Outcome]) -> list[StoreOutcomes]:
    results = iter(
        problem_of(outcome, wish.origin.command_id) if isinstance(outcome, MemosError) else outcome
        for wish, outcome in zip((wish for batch in batches for wish in batch), outcomes, strict=True)
    )
    return [StoreOutcomes.model_construct(results=list(islice(results, len(batch)))) for batch in batches]
