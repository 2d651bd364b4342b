"""Bringing a projection up to the ledger.

A worker may sleep between its commit and its write, and then write what the ledger has changed since.
Therefore the ledger is asked again after every write, and whatever moved on is written again.
"""

from collections.abc import Sequence

from memos.ports import Projections, Vectors
from memos.projection.points import point_of
from memos.records import Embedded, Point, RecordKey, VersionKey

MOST_ROUNDS = 10


async def project(points: Sequence[Point], *, vectors: Vectors, projections: Projections) -> None:
    """Write points and see that they are still what the ledger wants. Raises `Unavailable`."""
    if not points:
        return
    await vectors.upsert(points)
    moved = await projections.mark([point.key for point in points])
    await reproject(moved, vectors=vectors, projections=projections)


async def reproject(records: Sequence[RecordKey], *, vectors: Vectors, projections: Projections) -> None:
    """Write records as the ledger has them now, until they stand still. Raises `Unavailable`.

    What moves on for many rounds is left to be found behind.
    """
    for _ in range(MOST_ROUNDS):
        if not records:
            return
        live = await projections.embedded(records)
        points = [_present_point(one) for one in live]
        kept = {point.key.record for point in points}
        await withdraw([key for key in records if key not in kept], vectors=vectors, projections=projections)
        await vectors.upsert(points)
        records = await projections.mark([point.key for point in points])


def _present_point(one: Embedded) -> Point:
    memory = one.memory
    return point_of(VersionKey(one.tenant, memory.memory_id, memory.version), memory, one.vector)


async def withdraw(records: Sequence[RecordKey], *, vectors: Vectors, projections: Projections) -> None:
    """Remove what the ledger has buried. Raises `Unavailable`."""
    if records:
        await vectors.delete(records)
        await projections.unmark(records)
