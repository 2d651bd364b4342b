"""What is derived from memories, as deletions reach it."""

from collections.abc import Sequence

from memos.ports import Projections, Vectors
from memos.projection.others import Others
from memos.projection.projector import withdraw
from memos.records import RecordKey


class DerivedVectors:
    """The vector projection of memories, in every generation that is not dropped; fulfils the port `Derived`.

    Without `others` there is the generation in use alone. A record counts once, however many generations have it.
    """

    name = "vectors"

    def __init__(self, vectors: Vectors, projections: Projections, others: Others | None = None) -> None:
        self._vectors = vectors
        self._projections = projections
        self._others = others

    async def count(self, records: Sequence[RecordKey]) -> int:
        """How many of these records have points. Raises `Unavailable`."""
        found = set(await self._vectors.present(records))
        return len(found | await self._others.having(records) if self._others else found)

    async def forget(self, records: Sequence[RecordKey]) -> int:
        """Remove the points of these buried records; return how many had any. Raises `Unavailable`."""
        removed = set(await self._vectors.present(records))
        await withdraw(records, vectors=self._vectors, projections=self._projections)
        return len(removed | await self._others.withdraw(records) if self._others else removed)
