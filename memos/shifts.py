"""A worker's shifts: each on one generation of the memories, the next begun before the one before it ends."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

from memos.discovery import Catalogs
from memos.errors import MemosError
from memos.ports import (
    Derived,
    Embedder,
    Facts,
    Generations,
    Learnings,
    Loadouts,
    Memories,
    Projections,
    Reranker,
    Tools,
    Vectors,
)
from memos.ports.deletions import Deletions
from memos.ports.links import Links
from memos.projection.others import Others
from memos.projection.reconciler import Reconciler
from memos.tier1 import Tier1
from memos.waiting import Stragglers, ended, set_in_the_end, told

log = logging.getLogger(__name__)

T = TypeVar("T")

POLL_SECONDS = 1.0
"""How often a worker asks which generation is current."""

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds between two attempts to begin on a generation that cannot be used; they double from the first."""

CATCHING_UP_SECONDS = 5.0
"""Longest time that a worker brings a new generation up to date before it works on it."""


class Ports(Tier1):
    """Every port, under the name by which handlers ask for it."""

    catalogs: Catalogs
    deletions: Deletions
    derived: Sequence[Derived]
    embedder: Embedder
    facts: Facts
    generations: Generations
    learnings: Learnings
    links: Links
    loadouts: Loadouts
    memories: Memories
    others: Others
    projections: Projections
    reranker: Reranker | None
    stragglers: Stragglers
    tools: Tools
    vectors: Vectors


OpenPorts = Callable[[], AbstractAsyncContextManager[Ports]]
"""Opens every port on the generation that is current."""

Duty = Coroutine[Any, Any, None]


@dataclass(frozen=True, slots=True)
class Shift:
    """A worker's time on one generation: its ports, what closes them, and whether it is over."""

    ports: Ports
    closing: AsyncExitStack
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self, consuming: Duty, beside: Sequence[Duty], *, stop_seconds: float) -> None:
        """Consume until the shift is over, which `consuming` ends by itself, and do other duties beside it.

        Those have the rest of `stop_seconds` then, and are cancelled. The ports are closed in the end.
        """
        async with self.closing, asyncio.TaskGroup() as tasks:
            lane = tasks.create_task(consuming)
            others = [tasks.create_task(duty) for duty in beside]
            with set_in_the_end(self.over):
                await self.over.wait()
            deadline = asyncio.get_running_loop().time() + stop_seconds
            await asyncio.wait([lane])
            await ended(others, deadline - asyncio.get_running_loop().time())


async def shifts(open_ports: OpenPorts, stopping: asyncio.Event) -> AsyncIterator[Shift]:
    """A shift on the current generation, and a further one each time that another has become current.

    A shift is over once the next is taken up, and the last when told to stop. Raises what opening the first
    raises.
    """
    former, shift = None, await unless_told(stopping, open_shift(open_ports))
    while shift:
        yield shift
        if former:
            former.over.set()
        former, shift = shift, await _following(shift, open_ports, stopping)
    if former:
        former.over.set()


async def open_shift(open_ports: OpenPorts) -> Shift:
    """A shift on the current generation that has yet to begin."""
    async with AsyncExitStack() as opening:
        ports = await opening.enter_async_context(open_ports())
        return Shift(ports, opening.pop_all())


async def next_shift(open_ports: OpenPorts) -> Shift | None:
    """A shift on the generation that has become current, brought up to date; none when that cannot be used yet."""
    try:
        async with AsyncExitStack() as opening:
            ports = await opening.enter_async_context(open_ports())
            await ports["embedder"].embed(["ready"])
            await reconciler_of(ports).catch_up(CATCHING_UP_SECONDS)
            log.info("Work goes on with generation %d of the memories", ports["projections"].generation)
            return Shift(ports, opening.pop_all())
    except MemosError as error:
        log.warning("The new generation cannot be used yet; work goes on with the former one: %s", error)
    except Exception:
        # The former shift is healthy: whatever a model or an engine raises must not end it.
        log.exception("The new generation fails in a way that was not foreseen; work goes on with the former one")
    return None


def reconciler_of(ports: Ports) -> Reconciler:
    """What brings the generation of the ports up to date."""
    return Reconciler(vectors=ports["vectors"], projections=ports["projections"], embedder=ports["embedder"])


async def switched(ports: Ports, stopping: asyncio.Event) -> bool:
    """Wait until another generation than that of the ports is current, or, which is false, until told to stop."""
    while not await told(stopping, POLL_SECONDS):
        if await unless_told(stopping, _is_former(ports)):
            return True
    return False


async def unless_told(stopping: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What work results in; none when told to stop before that, and then it is cancelled."""
    doing, waiting = asyncio.create_task(work), asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({doing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        await ended({doing}, 0)
    return None if doing.cancelled() else doing.result()


async def _following(shift: Shift, open_ports: OpenPorts, stopping: asyncio.Event) -> Shift | None:
    """The shift after this one; none when told to stop before there is one."""
    pause = FIRST_PAUSE
    while await switched(shift.ports, stopping):
        if following := await unless_told(stopping, next_shift(open_ports)):
            return following
        await told(stopping, pause)
        pause = min(2 * pause, LONGEST_PAUSE)
    return None


async def _is_former(ports: Ports) -> bool:
    try:
        current = await ports["generations"].current()
    except MemosError as error:
        log.debug("Which generation is current cannot be asked now: %s", error)
        return False
    return current is not None and current.number != ports["projections"].generation
