"""Handlers of the commands that change and delete memories."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from memos.errors import MemosError
from memos.events.memories import DeleteMemory, DeleteOutcome, MemoryFound, UpdateMemory
from memos.handlers.answers.stale import forget_stale
from memos.handlers.digests import digest_of
from memos.handlers.embed import text_key, vectors_of
from memos.handlers.memories.forget import forget_everywhere, receipts
from memos.ports import Answers, Derived, Embedder, Memories, Projections, Vectors
from memos.ports.deletions import LEDGER, Reach
from memos.projection.projector import reproject
from memos.records import Change, Embedding, Origin, RecordKey

log = logging.getLogger(__name__)

MESSAGES: Mapping[str, str] = {
    "deleted": "The memory is deleted: no answer and no store has it any more.",
    "accepted": "The memory is deleted; what was made from it is dropped as soon as its store is back.",
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
    answers: Answers,
) -> MemoryFound:
    """Change a memory; a new text is embedded anew, and answers that were made from the former are forgotten."""
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
    key = RecordKey(origin.tenant, memory.memory_id)
    await forget_stale("memory", [key], answers=answers)
    try:
        await reproject([key], vectors=vectors, projections=projections)
    except MemosError as error:
        log.warning("Memory %s is changed, but found by its former version yet: %s", memory.memory_id, error)
    links = await memories.links(origin.tenant, command.agent_id, memory.memory_id)
    return MemoryFound.model_construct(**dict(memory), links=links)


async def delete_memory(
    command: DeleteMemory,
    *,
    origin: Origin,
    memories: Memories,
    derived: Sequence[Derived],
) -> DeleteOutcome:
    """Forget a memory, even one whose store has not arrived yet."""
    deleted = await memories.delete(origin, digest_of(command), command.agent_id, command.memory_id)
    found = await forget_everywhere([RecordKey(origin.tenant, command.memory_id)], derived)
    reached = [one._replace(removed=max(one.removed, deleted.reached.get(one.store, 0))) for one in found]
    counts = {one.store: one.removed for one in reached if one.removed}
    if counts != deleted.reached:
        await memories.note_reach(origin, deleted._replace(reached=counts))
    pending = any(reach.pending for reach in reached)
    status = "accepted" if pending else "deleted" if deleted.found else "absent"
    stores = [Reach(LEDGER, int(deleted.found), 0), *reached]
    return DeleteOutcome(
        memory_id=command.memory_id, status=status, message=MESSAGES[status], stores=receipts(stores)
    )


async def _embedding(
    tenant: str, values: Mapping[str, Any], *, memories: Memories, embedder: Embedder
) -> Embedding | None:
    if "content" not in values:
        return None
    key = text_key(tenant, values["content"])
    vector = (await vectors_of({key: values["content"]}, known=memories.known_vectors, embedder=embedder))[key]
    if isinstance(vector, MemosError):
        raise vector
    return Embedding(embedder.model, vector, computed=True)
