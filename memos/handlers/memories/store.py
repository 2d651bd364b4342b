"""Handlers of the commands that store memories."""

from collections.abc import Sequence
from functools import partial

from memos.errors import MemosError
from memos.events.memories import IngestBatch, IngestItem, StoreMemories, StoreMemory, StoreOutcomes
from memos.handlers.answers.stale import forget_superseded
from memos.handlers.batching import Wish, in_batches, items_of, wishes_of
from memos.handlers.memories.remember import Outcome, remember
from memos.ports import Answers, Embedder, Memories, Projections, Ready, Vectors
from memos.records import Origin


async def store_memory(
    commands: Sequence[StoreMemory],
    *,
    origins: Sequence[Origin],
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
    answers: Answers,
    ready: Ready,
) -> list[Outcome]:
    """Remember texts that came one by one."""
    return await _remember(
        wishes_of(origins, commands),
        memories=memories,
        vectors=vectors,
        projections=projections,
        embedder=embedder,
        answers=answers,
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
    answers: Answers,
    ready: Ready,
) -> list[StoreOutcomes | MemosError]:
    """Remember texts that came in batches; one whose id was used for another batch is a conflict as a whole."""
    batches = [items_of(origin, command.memories) for origin, command in zip(origins, commands, strict=True)]
    run = partial(
        _remember,
        memories=memories,
        vectors=vectors,
        projections=projections,
        embedder=embedder,
        answers=answers,
        ready=ready,
    )
    replies = await in_batches(origins, batches, run, memories=memories)
    return [
        reply if isinstance(reply, MemosError) else StoreOutcomes.model_construct(results=reply)
        for reply in replies
    ]


async def ingest_batch(
    commands: Sequence[IngestBatch],
    *,
    origins: Sequence[Origin],
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
    answers: Answers,
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
        answers=answers,
        ready=ready,
    )


async def _remember(
    wishes: Sequence[Wish[StoreMemory]],
    *,
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
    answers: Answers,
    ready: Ready,
) -> list[Outcome]:
    """Remember, and forget the answers that were made from what is superseded thereby."""
    outcomes = await remember(
        wishes, memories=memories, vectors=vectors, projections=projections, embedder=embedder, ready=ready
    )
    await forget_superseded(wishes, outcomes, answers=answers)
    return outcomes


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
