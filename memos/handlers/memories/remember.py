"""Storing: one embedding batch, one ledger transaction and one upsert for all that came together."""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from memos.bisect import bisected, onwards
from memos.errors import Fault, InvalidCommand, MemosError, Unavailable
from memos.events.memories import StoreMemory, StoreOutcome
from memos.handlers.batching import Wish
from memos.handlers.embed import embeddings_of
from memos.ports import Embedder, Memories, Projections, Ready, Vectors
from memos.projection.points import Making, points_made
from memos.projection.projector import project, reproject
from memos.records import CommandKey, Draft, Embedding, Point, RecordKey, Stored, VersionKey, memory_id_for

log = logging.getLogger(__name__)

Outcome = StoreOutcome | MemosError

MESSAGES: Mapping[str, str] = {
    "stored": "The memory is committed and searchable.",
    "accepted": "The memory is committed; it is searchable as soon as the vector engine is back.",
    "duplicate": "This memory was known already; it was counted again.",
}

CLOCKS_APART = timedelta(minutes=1)
"""How far the clock of a sender may be ahead of this one."""


async def remember(
    wishes: Sequence[Wish[StoreMemory]],
    *,
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
    ready: Ready,
    sameness: Mapping[CommandKey, bytes] | None = None,
) -> list[Outcome]:
    """Store what is wished; one outcome each, in order. Raises `Unavailable`, and then nothing is lost.

    `sameness` is what makes the memory of a command the same as others, if not who says what, where.
    """
    handled = await memories.handled([wish.origin.key for wish in wishes])
    new = [wish for wish in wishes if wish.origin.key not in handled]
    embeddings = iter(await embeddings_of(new, memories=memories, embedder=embedder))
    ready()
    same = sameness or {}
    drafts = [
        _draft(wish, None if wish.origin.key in handled else next(embeddings), same.get(wish.origin.key))
        for wish in wishes
    ]
    stored = await onwards(drafts, memories.store)
    behind = await _search(drafts, stored, vectors=vectors, projections=projections)
    return [_outcome(wish.origin.tenant, result, behind) for wish, result in zip(wishes, stored, strict=True)]


def _draft(
    wish: Wish[StoreMemory], embedding: Embedding | MemosError | None, sameness: bytes | None
) -> Draft | MemosError:
    origin, command, digest = wish
    if isinstance(embedding, MemosError):
        return embedding
    if embedding and _supersedes_too_early(command):
        return InvalidCommand(
            f"The memory supersedes others as of its occurred_at, {command.occurred_at}, which is yet to come. "
            "Leave occurred_at out to supersede them now, or send this when it has come about.",
            faults=[Fault("occurred_at", "must not lie in the future when supersedes is given")],
        )
    return Draft(
        origin=origin,
        digest=digest,
        memory_id=command.id or memory_id_for(origin.key),
        agent_id=command.agent_id,
        visibility=command.visibility,
        kind=command.kind,
        content=command.content,
        metadata=command.metadata,
        tags=command.tags,
        importance=command.importance,
        source=command.source,
        session_id=command.session_id,
        sequence=command.sequence,
        occurred_at=command.occurred_at,
        expires_at=command.expires_at,
        embedding=embedding,
        supersedes=command.supersedes,
        sameness=sameness,
    )


def _supersedes_too_early(command: StoreMemory) -> bool:
    """Whether what it supersedes would still hold, though queries leave it out from now on."""
    ahead = command.occurred_at is not None and command.occurred_at > datetime.now(UTC) + CLOCKS_APART
    return ahead and bool(command.supersedes)


async def _search(
    drafts: Sequence[Draft | MemosError],
    stored: Sequence[Stored | MemosError],
    *,
    vectors: Vectors,
    projections: Projections,
) -> set[RecordKey]:
    """Make what was stored searchable; return the records that are not, yet. What is committed never fails."""

    async def write(some: Sequence[Point]) -> Sequence[RecordKey]:
        await project(some, vectors=vectors, projections=projections)
        return [point.key.record for point in some]

    async def rewrite(some: Sequence[RecordKey]) -> Sequence[RecordKey]:
        await reproject(some, vectors=vectors, projections=projections)
        return some

    makings, known = _to_search(drafts, stored)
    points = await points_made(makings)
    written = [point.key.record for point in points]
    try:
        late = _refused(written, await bisected(points, write))
        behind = sorted(await projections.behind_among(known))
        return late | _refused(behind, await bisected(behind, rewrite))
    except Unavailable as error:
        log.warning("Memories are committed, but not searchable yet: %s", error)
        return {*known, *written}


def _to_search(
    drafts: Sequence[Draft | MemosError], stored: Sequence[Stored | MemosError]
) -> tuple[list[Making], list[RecordKey]]:
    """What the points of new memories are made of, and the records there were: the same, and the superseded."""
    makings: list[Making] = []
    known: list[RecordKey] = []
    for draft, result in zip(drafts, stored, strict=True):
        if isinstance(draft, MemosError) or isinstance(result, MemosError):
            continue
        key = VersionKey(draft.origin.tenant, result.memory_id, result.version)
        known.extend(RecordKey(key.tenant, one) for one in draft.supersedes)
        if result.duplicate or result.replayed or draft.embedding is None:
            known.append(key.record)
        else:
            makings.append(Making(key, draft, draft.embedding.vector, result))
    return makings, known


def _refused(records: Sequence[RecordKey], results: Sequence[RecordKey | MemosError]) -> set[RecordKey]:
    refused = set()
    for record, result in zip(records, results, strict=True):
        if isinstance(result, MemosError):
            log.error("Memory %s is committed, but the vector engine refuses it: %s", record.memory_id, result)
            refused.add(record)
    return refused


def _outcome(tenant: str, result: Stored | MemosError, behind: set[RecordKey]) -> Outcome:
    if isinstance(result, MemosError):
        return result
    late = RecordKey(tenant, result.memory_id) in behind
    status = "accepted" if late else "duplicate" if result.duplicate else "stored"
    return StoreOutcome(memory_id=result.memory_id, status=status, message=MESSAGES[status])
