"""The entries of one stream that a worker has in hand."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from redis.exceptions import RedisError

from memos.broker.batches import batches
from memos.broker.bindings import EXPIRED, VANISHED, Verdict
from memos.broker.entries import Entry
from memos.broker.failures import may_pass
from memos.broker.pauses import PAUSE_AFTER_ERROR
from memos.broker.settling import Settler
from memos.broker.turns import CURRENT_TURN, Turn
from memos.events.streams import Stream
from memos.telemetry import Telemetry
from memos.waiting import ended

log = logging.getLogger(__name__)

SLOTS_FOR_BATCHES = 2
SLOTS_FOR_SINGLES = 32
SLOTS_FOR_RETRIES = 8

Process = Callable[[Sequence[Entry]], Awaitable[Sequence[Verdict]]]
Fetch = Callable[[Sequence[bytes]], Awaitable[Sequence[Entry]]]


class Work:
    """Handles entries, each batch in a task of its own, and has the verdicts carried out.

    Two batches of fresh entries are under way at once, so that one is written while the next is
    embedded. Retries have slots of their own and hold up nothing that is fresh. However many of them are
    read, those that wait for a slot are in hand by their ids alone: `fetch` reads them again.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        batch: int,
        process: Process,
        fetch: Fetch,
        settler: Settler,
        telemetry: Telemetry,
    ) -> None:
        self.stream = stream
        self.batch = batch
        self._process = process
        self._fetch = fetch
        self._settler = settler
        self._telemetry = telemetry
        self._seconds = telemetry.seconds.labels(stream.name)
        self._slots = SLOTS_FOR_BATCHES if batch > 1 else SLOTS_FOR_SINGLES
        self._retrying = asyncio.Semaphore(SLOTS_FOR_RETRIES)
        self._fresh: set[asyncio.Task[None]] = set()
        self._retries: set[asyncio.Task[None]] = set()
        self._held: set[bytes] = set()
        self._closed = False

    @property
    def held(self) -> frozenset[bytes]:
        """The ids of the entries in hand."""
        return frozenset(self._held)

    @property
    def closed(self) -> bool:
        """Whether nothing more is taken into work."""
        return self._closed

    @property
    def retries(self) -> int:
        """How many batches of retries are in hand."""
        return len(self._retries)

    def close(self) -> None:
        """Take nothing more into work."""
        self._closed = True

    async def room(self) -> int:
        """How many batches more may be taken; wait until it is one."""
        while len(self._fresh) >= self._slots:
            await asyncio.wait(self._fresh, return_when=asyncio.FIRST_COMPLETED)
        return self._slots - len(self._fresh)

    def accept(self, entries: Iterable[Entry], turn: Turn | None = None) -> list[asyncio.Task[None]]:
        """Take entries into work, unless they are or all is closed; return the tasks that handle them."""
        if self._closed:
            return []
        new = [entry for entry in entries if entry.id not in self._held]
        self._held.update(entry.id for entry in new)
        tasks = []
        for batch in batches(new, self.batch):
            tasks.append(self._begin(batch, turn))
            turn = None
        return tasks

    async def finish(self, seconds: float) -> None:
        """Give what is under way some seconds, then cancel it: its entries stay pending, for other workers."""
        if late := await ended(self._fresh | self._retries, seconds):
            log.warning("%d batches of %s were not finished in %g s", late, self.stream.name, seconds)

    def _begin(self, batch: Sequence[Entry], turn: Turn | None) -> asyncio.Task[None]:
        retried = batch[0].attempts > 0
        tasks = self._retries if retried else self._fresh
        task = asyncio.create_task(self._retry(batch, turn) if retried else self._handle(batch, turn))
        tasks.add(task)
        task.add_done_callback(partial(self._let_go, tasks, [entry.id for entry in batch]))
        return task

    def _let_go(self, tasks: set[asyncio.Task[None]], ids: Sequence[bytes], task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        self._held.difference_update(ids)

    async def _retry(self, entries: Sequence[Entry], turn: Turn | None) -> None:
        if turn:
            turn.end()
        if waits := self._retrying.locked():
            entries = [entry._replace(fields={}) for entry in entries]
        async with self._retrying:
            if waits:
                entries = await self._fetched(entries)
            if entries:
                await self._handle(entries)

    async def _fetched(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those of some entries that are still in hand, with their fields, however long Redis is away."""
        redelivered = {entry.id: entry.redelivered for entry in entries}
        while True:
            try:
                found = await self._fetch(list(redelivered))
            except (RedisError, OSError) as error:
                log.warning("Retries of %s cannot be read: %s", self.stream.name, error)
                if not may_pass(error):
                    return []
                await asyncio.sleep(PAUSE_AFTER_ERROR)
            else:
                return [entry._replace(redelivered=redelivered[entry.id]) for entry in found]

    async def _handle(self, entries: Sequence[Entry], turn: Turn | None = None) -> None:
        started = time.perf_counter()
        try:
            if turn:
                CURRENT_TURN.set(turn)
            verdicts = await self._process(entries)
            self._count(verdicts, time.perf_counter() - started)
            await self._settler.settle(self.stream, verdicts)
        except Exception:
            # The entries stay pending, so nothing is lost; the consumer must go on.
            log.exception("Entries of %s could not be settled", self.stream.name)
        finally:
            if turn:
                turn.end()

    def _count(self, verdicts: Sequence[Verdict], seconds: float) -> None:
        outcomes = Counter(verdict.outcome for verdict in verdicts)
        self._telemetry.expired.labels(self.stream.name).inc(outcomes.pop(EXPIRED, 0))
        outcomes.pop(VANISHED, None)
        for outcome, number in outcomes.items():
            self._telemetry.handled.labels(self.stream.name, outcome).inc(number)
        for _ in range(outcomes.total()):
            self._seconds.observe(seconds)
