"""Finishing what was left undone: memories that were committed while the vector engine was away."""

import asyncio
import logging
from collections.abc import Sequence

from memos.errors import MemosError
from memos.ports import Memories, Projections, Vectors
from memos.projection.projector import reproject
from memos.records import RecordKey

log = logging.getLogger(__name__)

MOST_AT_ONCE = 256
PAUSE_SECONDS = 5.0


async def reconcile(*, vectors: Vectors, projections: Projections) -> int:
    """Write or remove up to 256 records that the projection lacks or has too many; return how many it did.

    A record that the engine refuses is logged and holds up no other. Raises `Unavailable`.
    """
    behind = await projections.some_behind(MOST_AT_ONCE)
    if await _done(behind, vectors=vectors, projections=projections):
        return len(behind)
    return sum([await _done([key], vectors=vectors, projections=projections) for key in behind])


async def _done(keys: Sequence[RecordKey], *, vectors: Vectors, projections: Projections) -> bool:
    try:
        await reproject(keys, vectors=vectors, projections=projections)
    except MemosError as error:
        if error.transient:
            raise
        log.warning("The vector engine refuses %d records, from %s on: %s", len(keys), keys[0], error)
        return False
    return True


async def refill_if_lost(*, vectors: Vectors, projections: Projections) -> None:
    """Have everything written again when the engine has nothing at all. Raises `Unavailable`."""
    if await vectors.count({}) == 0:
        await projections.forget()


async def keep_reconciling(
    stopping: asyncio.Event, *, memories: Memories, vectors: Vectors, projections: Projections
) -> None:
    """Bury what has expired and reconcile, until told to stop: at once while much is left, else with pauses."""
    while not stopping.is_set():
        try:
            await memories.bury_expired(MOST_AT_ONCE)
            done = await reconcile(vectors=vectors, projections=projections)
        except MemosError as error:
            log.warning("What the vector engine lacks cannot be written now: %s", error)
            done = 0
        if done < MOST_AT_ONCE:
            await _pause(stopping)


async def _pause(stopping: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), PAUSE_SECONDS)
    except TimeoutError:
        return
