"""What is derived from memories, as deletions reach it."""

from collections.abc import Sequence

from memos.ports import Projections, Vectors
from memos.projection.projector import withdraw
from memos.records import RecordKey


class DerivedVectors:
    """The vector projection of memories; fulfils the port `Derived`."""

    name = "vectors"

    def __init__(self, vectors: Vectors, projections: Projections) -> None:
        self._vectors = vectors
        self._projections = projections

    async def count(self, records: Sequence[RecordKey]) -> int:
        """How many points there are of these records. Raises `Unavailable`."""
        return len(await self._vectors.present(records))

    async def forget(self, records: Sequence[RecordKey]) -> int:
        """Remove the points of these buried records; return how many there were. Raises `Unavailable`."""
        removed = await self.count(records)
        await withdraw(records, vectors=self._vectors, projections=self._projections)
        return removed
