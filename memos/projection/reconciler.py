"""Keeping a projection true to its ledger, for as long as a worker lives."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from memos.errors import CollectionMissing, MemosError
from memos.ports import Embedder, Generations, Memories, Projections, Vectors
from memos.projection.audit import Audit
from memos.projection.projector import finish
from memos.projection.retirement import OpenGeneration, drop_retired
from memos.records import RecordKey
from memos.telemetry import Telemetry

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_AT_ONCE = 256
PAUSE_SECONDS = 5.0
BREATH_SECONDS = 0.02
"""Between the pages of the first audit, so that queries have their turn."""


class Reconciler:
    """Finishes what was left undone: memories that were committed while the vector engine was away.

    It goes round: what is refused is tried again when everything else had its turn.
    """

    def __init__(self, *, vectors: Vectors, projections: Projections, embedder: Embedder | None = None) -> None:
        self._vectors = vectors
        self._projections = projections
        self._embedder = embedder
        self._after: RecordKey | None = None

    @property
    def amid(self) -> bool:
        """Whether there was more to be done than fitted into the last page."""
        return self._after is not None

    async def reconcile(self) -> int:
        """Write or remove up to 256 of the records that are behind; return how many were done, not refused.

        Raises `Unavailable`.
        """
        behind = await self._projections.some_behind(MOST_AT_ONCE, self._after)
        self._after = behind[-1] if len(behind) == MOST_AT_ONCE else None
        refused = await finish(
            behind, vectors=self._vectors, projections=self._projections, embedder=self._embedder
        )
        return len(behind) - len(refused)

    async def catch_up(self, seconds: float) -> None:
        """Go round once, or until the time is over. Raises `Unavailable`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        await self.reconcile()
        while self.amid and loop.time() < deadline:
            await self.reconcile()


async def refill_if_lost(*, vectors: Vectors, projections: Projections) -> None:
    """Have everything written again when the engine has nothing at all. Raises `Unavailable`."""
    try:
        lost = await vectors.count({}) == 0
    except CollectionMissing:
        await vectors.recreate()
        lost = True
    if lost:
        await projections.forget()


async def keep_reconciling(
    stopping: asyncio.Event,
    *,
    memories: Memories,
    generations: Generations,
    vectors: Vectors,
    projections: Projections,
    embedder: Embedder,
    open_generation: OpenGeneration,
    retired_seconds: float,
    telemetry: Telemetry | None = None,
) -> None:
    """Bury what has expired, reconcile, audit and drop retired generations, until told to stop.

    While much is left to be done it goes on at once, else with pauses of a few seconds.
    """
    reconciler = Reconciler(vectors=vectors, projections=projections, embedder=embedder)
    audit = Audit(vectors=vectors, projections=projections, embedder=embedder)
    await _attempt("Announcing the generation", _announce(generations, vectors, projections))
    while not stopping.is_set():
        await _attempt("Burying what has expired", memories.bury_expired(MOST_AT_ONCE))
        await _attempt("Looking whether all is lost", _refill(generations, vectors, projections))
        if await _attempt("Writing what is behind", reconciler.reconcile()) and reconciler.amid:
            continue
        audited = await _attempt("Auditing", _audit(audit, stopping))
        await _attempt(
            "Dropping what has retired",
            drop_retired(
                retired_seconds,
                in_use=projections.generation,
                generations=generations,
                open_generation=open_generation,
            ),
        )
        if telemetry:
            await _attempt("Counting what is behind", _tell(telemetry, projections))
        if audit.rounds or not audited:
            await _pause(stopping, PAUSE_SECONDS)


async def _attempt(doing: str, work: Awaitable[T]) -> T | None:
    """What work results in; a failure is logged, and the work tried again when all comes round."""
    try:
        return await work
    except MemosError as error:
        log.warning("%s is put off: %s", doing, error)
        return None


async def _announce(generations: Generations, vectors: Vectors, projections: Projections) -> None:
    if await _is_current(generations, projections):
        await vectors.announce()


async def _refill(generations: Generations, vectors: Vectors, projections: Projections) -> None:
    """Refill what was lost, but for a generation that is to be dropped, which must not come back."""
    if await _is_current(generations, projections):
        await refill_if_lost(vectors=vectors, projections=projections)


async def _is_current(generations: Generations, projections: Projections) -> bool:
    current = await generations.current()
    return current is not None and current.number == projections.generation


async def _audit(audit: Audit, stopping: asyncio.Event) -> bool:
    """Look at a page, which is true; in the first round, at one after the other for a few seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PAUSE_SECONDS
    await audit.look_at_a_page()
    while not (audit.rounds or stopping.is_set()) and loop.time() < deadline:
        await _pause(stopping, BREATH_SECONDS)
        await audit.look_at_a_page()
    return True


async def _tell(telemetry: Telemetry, projections: Projections) -> None:
    telemetry.behind.labels(projections.name).set(await projections.behind())


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
