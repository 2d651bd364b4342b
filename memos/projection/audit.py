"""Looking for what nobody knows to be wrong, and mending it: a little at a time, for as long as a worker lives."""

import logging
from itertools import islice
from uuid import UUID

from memos.ports import Embedder, Projections, Vectors
from memos.projection.verify import Differences, engine_page, ledger_page, repair
from memos.records import RecordKey

log = logging.getLogger(__name__)


class Audit:
    """Goes round all records and then all points, page by page; `rounds` counts how often it has."""

    def __init__(self, *, vectors: Vectors, projections: Projections, embedder: Embedder) -> None:
        self._vectors = vectors
        self._projections = projections
        self._embedder = embedder
        self._record: RecordKey | None = None
        self._point: UUID | None = None
        self._among_points = False
        self.rounds = 0

    async def look_at_a_page(self) -> int:
        """Compare and mend up to 1,000 records or points; return how many differed. Raises `Unavailable`."""
        differences = await (self._points() if self._among_points else self._records())
        if differences:
            some = ", ".join(f"{key.memory_id} {kind}" for key, kind in islice(differences.items(), 5))
            log.warning("%d points differed from the ledger and are mended: %s …", len(differences), some)
            await repair(differences, vectors=self._vectors, projections=self._projections, embedder=self._embedder)
        return len(differences)

    async def _records(self) -> Differences:
        page = await ledger_page(self._record, vectors=self._vectors, projections=self._projections)
        self._record = page.last
        self._among_points = page.last is None
        return page.differences

    async def _points(self) -> Differences:
        page = await engine_page(self._point, vectors=self._vectors, projections=self._projections)
        self._point = page.last
        if page.last is None:
            self._among_points = False
            self.rounds += 1
        return page.differences
