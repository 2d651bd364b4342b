"""Bringing a projection up to the ledger.

A worker may sleep between its commit and its write, and then write what the ledger has changed since.
Therefore the ledger is asked again after every write, and whatever moved on is written again.
"""

import logging
from collections.abc import Sequence

from memos.errors import MemosError
from memos.ports import Embedder, Projections, Vectors
from memos.projection.points import Making, points_made
from memos.records import Embedded, Embedding, Point, RecordKey, Vector, VersionKey

log = logging.getLogger(__name__)

MOST_ROUNDS = 10


async def project(points: Sequence[Point], *, vectors: Vectors, projections: Projections) -> None:
    """Write points and see that they are still what the ledger wants. Raises `Unavailable`."""
    if not points:
        return
    await vectors.upsert(points)
    moved = await projections.mark([point.key for point in points])
    await reproject(moved, vectors=vectors, projections=projections)


async def reproject(
    records: Sequence[RecordKey],
    *,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder | None = None,
) -> None:
    """Write records as the ledger has them now, until they stand still. Raises `Unavailable`.

    What the generation's model has not read yet is embedded, or left behind when no embedder is given;
    what moves on for many rounds is left behind as well.
    """
    for _ in range(MOST_ROUNDS):
        if not records:
            return
        live = await projections.embedded(records)
        kept = {RecordKey(one.tenant, one.memory.memory_id) for one in live}
        await withdraw([key for key in records if key not in kept], vectors=vectors, projections=projections)
        points = await points_made([_making(one, one.vector) for one in live if one.vector is not None])
        await vectors.upsert(points)
        records = await projections.mark([point.key for point in points])
        unread = [one for one in live if one.vector is None]
        if embedder and unread:
            records = [*records, *await _embed(unread, projections=projections, embedder=embedder)]


async def finish(
    records: Sequence[RecordKey], *, vectors: Vectors, projections: Projections, embedder: Embedder | None
) -> list[RecordKey]:
    """Reproject; what is refused is logged and returned, and holds up no other. Raises `Unavailable`."""
    if not records:
        return []
    try:
        await reproject(records, vectors=vectors, projections=projections, embedder=embedder)
    except MemosError as error:
        if error.transient:
            raise
        if len(records) == 1:
            log.warning("Memory %s cannot be made searchable: %s", records[0].memory_id, error)
            return list(records)
    else:
        return []
    half = len(records) // 2
    first = await finish(records[:half], vectors=vectors, projections=projections, embedder=embedder)
    return first + await finish(records[half:], vectors=vectors, projections=projections, embedder=embedder)


async def withdraw(records: Sequence[RecordKey], *, vectors: Vectors, projections: Projections) -> None:
    """Remove what the ledger has buried. Raises `Unavailable`."""
    if records:
        await vectors.delete(records)
        await projections.unmark(records)


def _making(one: Embedded, vector: Vector) -> Making:
    memory = one.memory
    return Making(VersionKey(one.tenant, memory.memory_id, memory.version), memory, vector)


async def _embed(unread: Sequence[Embedded], *, projections: Projections, embedder: Embedder) -> list[RecordKey]:
    """Have memories read by the model and keep their vectors in the ledger."""
    keys = [RecordKey(one.tenant, one.memory.memory_id) for one in unread]
    vectors = await embedder.embed([one.memory.content for one in unread])
    await projections.add_embeddings(
        [
            (key, one.memory.content_hash, Embedding(embedder.model, vector, computed=True))
            for key, one, vector in zip(keys, unread, vectors, strict=True)
        ]
    )
    return keys
