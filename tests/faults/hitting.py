"""Carrying out faults, one after the other or together, and measuring how long what they hit needs."""

import asyncio
import logging
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from faults.journal import Journal
from faults.plan import BACKEND, WORKERS, Fault, seeded
from faults.recovery import AFTERMATH, Recovery
from faults.system import Part, System
from memos.devstack.processes import Child

log = logging.getLogger(__name__)

PATIENCE = (1.5, 4.5)
"""Seconds after which the next fault comes although its share of the work is not done."""

LEAST_GAP = 0.3
POLL_SECONDS = 0.02
UP_WITHIN = 60.0
BACKENDS_AGAIN = 1.0
"""Seconds that PostgreSQL takes at most to be back after it lost a backend."""


class Faults:
    """Carries out a schedule while producers work, evenly over what they have to do."""

    def __init__(self, system: System, journal: Journal, recovery: Recovery, redis: Redis, seed: int) -> None:
        self._system = system
        self._journal = journal
        self._recovery = recovery
        self._redis = redis
        self._numbers: random.Random = seeded(seed, "faults")
        self._hit = {name: asyncio.Lock() for name in system.parts}
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, faults: Sequence[Fault], progress: Callable[[], float]) -> None:
        """Carry out all faults and return when what was stopped goes on."""
        try:
            for index, fault in enumerate(faults):
                if not fault.together:
                    await self._turn(index / len(faults), progress)
                if fault.alone:
                    await self._all_done()
                    await asyncio.sleep(AFTERMATH)
                self._begin(fault)
                if fault.alone:
                    await self._all_done()
        finally:
            await self._all_done()

    async def _turn(self, share: float, progress: Callable[[], float]) -> None:
        """Wait until a share of the work is done, or for as long as patience lasts."""
        await asyncio.sleep(LEAST_GAP)
        deadline = time.monotonic() + self._numbers.uniform(*PATIENCE)
        while progress() < share and time.monotonic() < deadline:  # noqa: ASYNC110 - a rate, not an event
            await asyncio.sleep(POLL_SECONDS)

    def _begin(self, fault: Fault) -> None:
        task = asyncio.create_task(self._carry_out(fault))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _all_done(self) -> None:
        while self._running:
            await asyncio.gather(*self._running)

    async def _carry_out(self, fault: Fault) -> None:
        part = self._system.part_of(fault.target)
        async with self._hit[part.name]:
            try:
                await asyncio.wait_for(_serving(part), UP_WITHIN)
            except TimeoutError:
                self._journal.surprise(f"{part.name} was not up again within {UP_WITHIN:.0f} seconds")
                return
            self._journal.tally.faults[fault.name] += 1
            child = part.child
            log.info("%s, process %d, for %.1f s", fault.name, child.pid, fault.seconds)
            await self._hit_by(fault, part, child)
        if fault.kind == "kill" and part.name in WORKERS:
            await self._recovery.killed(part.name, child.pid)

    async def _hit_by(self, fault: Fault, part: Part, child: Child) -> None:
        if fault.kind == "kill" and part.name in WORKERS:
            part.send(signal.SIGKILL, [child.pid])
            await child.wait()
            return
        with self._recovery.hit(part.name):
            await self._disturb(fault, part, child)

    async def _disturb(self, fault: Fault, part: Part, child: Child) -> None:
        """Return when what was hit serves again."""
        match fault.kind:
            case "kill" if fault.target == BACKEND:
                await self._kill_backend(part)
            case "kill":
                part.send(signal.SIGKILL, [child.pid])
                await _replaced(part, child)
            case "stop":
                await _stopped(part, fault.seconds)
            case "restart":
                child.send(child.program.stop)
                await _replaced(part, child)
            case "disconnect":
                await self._disconnect()
            case "flush":
                await self._flush()

    async def _kill_backend(self, part: Part) -> None:
        """Kill one of PostgreSQL's processes; it ends all the others then, and recovers."""
        if backends := self._system.backends():
            part.send(signal.SIGKILL, [self._numbers.choice(backends)])
        await asyncio.sleep(BACKENDS_AGAIN)

    async def _disconnect(self) -> None:
        with suppress(RedisError, OSError):
            await self._redis.client_kill_filter(_type="normal", skipme=True)

    async def _flush(self) -> None:
        """Empty Redis, and have producers send again what was on it only."""
        self._journal.epoch += 1
        await self._redis.flushall()
        self._journal.epoch += 1


async def _serving(part: Part) -> None:
    """Return while the part serves."""
    while not part.up.is_set() or part.child.exited:  # noqa: ASYNC110 - the event may be set too early
        await asyncio.sleep(POLL_SECONDS)


async def _replaced(part: Part, child: Child) -> None:
    """Return when the process has ended and another serves in its place."""
    await child.wait()
    while not part.up.is_set() or part.child is child:  # noqa: ASYNC110 - it may be set still
        await asyncio.sleep(POLL_SECONDS)


async def _stopped(part: Part, seconds: float) -> None:
    pids = part.pids()
    try:
        part.send(signal.SIGSTOP, pids)
        await asyncio.sleep(seconds)
    finally:
        part.send(signal.SIGCONT, pids)
