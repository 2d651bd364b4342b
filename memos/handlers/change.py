"""Handlers of the commands that change and delete memories."""

import logging
from collections.abc import Mapping
from typing import Any

from memos.errors import MemosError
from memos.events.memories import DeleteMemory, DeleteOutcome, MemoryFound, UpdateMemory
from memos.handlers.digests import digest_of
from memos.handlers.embed import text_key, vectors_of
from memos.ports import Embedder, Memories, Projections, Vectors
from memos.projection.projector import reproject, withdraw
from memos.records import Change, Embedding, Origin, RecordKey

log = logging.getLogger(__name__)

MESSAGES: Mapping[str, str] = {
    "deleted": "The memory is deleted: no answer and no projection has it any more.",
    "accepted": "The memory is deleted; the vector engine drops its point as soon as it is back.",
    "absent": "There was no such memory; a store of this id that comes later is refused.",
}


async def update_memory(
    command: UpdateMemory,
    *,
    origin: Origin,
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
) -> MemoryFound:
    """Change a memory; a new text is embedded anew."""
    values = command.changes.model_dump(exclude_unset=True)
    embedding = await _embedding(origin.tenant, values, memories=memories, embedder=embedder)
    memory = await memories.update(
        Change(
            origin=origin,
            digest=digest_of(command),
            memory_id=command.memory_id,
            agent_id=command.agent_id,
            values=values,
            expected_version=command.expected_version,
            embedding=embedding,
        )
    )
    try:
        key = RecordKey(origin.tenant, memory.memory_id)
        await reproject([key], vectors=vectors, projections=projections)
    except MemosError as error:
        log.warning("Memory %s is changed, but found by its former version yet: %s", memory.memory_id, error)
    return MemoryFound.model_construct(**dict(memory))


async def delete_memory(
    command: DeleteMemory,
    *,
    origin: Origin,
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
) -> DeleteOutcome:
    """Forget a memory, even one whose store has not arrived yet."""
    deleted = await memories.delete(origin, digest_of(command), command.agent_id, command.memory_id)
    status = "deleted" if deleted.found else "absent"
    try:
        key = RecordKey(origin.tenant, command.memory_id)
        await withdraw([key], vectors=vectors, projections=projections)
    except MemosError as error:
        log.warning("Memory %s is deleted, but its point remains yet: %s", command.memory_id, error)
        status = "accepted"
    return DeleteOutcome(memory_id=command.memory_id, status=status, message=MESSAGES[status])


async def _embedding(
    tenant: str, values: Mapping[str, Any], *, memories: Memories, embedder: Embedder
) -> Embedding | None:
    if "content" not in values:
        return None
    key = text_key(tenant, values["content"])
    vector = (await vectors_of({key: values["content"]}, memories=memories, embedder=embedder))[key]
    if isinstance(vector, MemosError):
        raise vector
    return Embedding(embedder.model, vector, computed=True)
