"""Keeping a projection true to its ledger, for as long as a worker lives."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from memos.errors import CollectionMissing, MemosError
from memos.ports import Derived, Embedder, Generations, Memories, Projections, Vectors
from memos.projection.audit import Audit
from memos.projection.others import Others
from memos.projection.projector import finish
from memos.projection.retirement import drop_retired
from memos.records import RecordKey
from memos.telemetry import Telemetry
from memos.waiting import told

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
        await projections.empty()


async def keep_reconciling(
    stopping: asyncio.Event,
    *,
    memories: Memories,
    vectors: Vectors,
    projections: Projections,
    others: Others,
    answers: Derived,
    embedder: Embedder,
    retired_seconds: float,
    telemetry: Telemetry | None = None,
) -> None:
    """Bury what has expired, reconcile, audit and drop retired generations, until told to stop.

    While much is left to be done it goes on at once, else with pauses of a few seconds.
    """
    attempt = Attempts(stopping)
    reconciler = Reconciler(vectors=vectors, projections=projections, embedder=embedder)
    audit = Audit(vectors=vectors, projections=projections, embedder=embedder)
    ask = (others.generations, vectors, projections)
    await attempt.one("Announcing the generation", partial(_announce, *ask))
    while not stopping.is_set():
        await attempt.one("Burying what has expired", partial(_bury_expired, memories, answers))
        await attempt.one("Looking whether all is lost", partial(_refill, *ask))
        if await attempt.one("Writing what is behind", reconciler.reconcile) and reconciler.amid:
            continue
        await attempt.one("Removing what is deleted from others", partial(others.withdraw_behind, MOST_AT_ONCE))
        audited = await attempt.one("Auditing", partial(_audit, audit, stopping))
        await attempt.one("Dropping what has retired", partial(drop_retired, retired_seconds, others))
        if telemetry:
            await attempt.one("Counting what is behind", partial(_tell, telemetry, projections))
        if audit.rounds or not audited:
            await told(stopping, PAUSE_SECONDS)


async def _bury_expired(memories: Memories, answers: Derived) -> None:
    """Leave tombstones, and forget the answers made from these; one that stays is not given any more."""
    if expired := await memories.bury_expired(MOST_AT_ONCE):
        await answers.forget(expired)


class Attempts:
    """Work that is put off when it fails, and is no longer begun once told to stop."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping

    async def one(self, doing: str, work: Callable[[], Awaitable[T]]) -> T | None:
        """What work results in; a failure is logged, and the work tried again when all comes round."""
        if self._stopping.is_set():
            return None
        try:
            return await work()
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
        await told(stopping, BREATH_SECONDS)
        await audit.look_at_a_page()
    return True


async def _tell(telemetry: Telemetry, projections: Projections) -> None:
    telemetry.behind.labels(projections.name).set(await projections.behind())
