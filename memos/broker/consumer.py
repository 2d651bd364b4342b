"""The consumer of one stream: it reads as much as it has room for, and a bad entry holds up no other."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis.typing import KeyT, StreamIdT

from memos.broker.bindings import Verdict
from memos.broker.deliveries import Entry
from memos.broker.settling import Settler
from memos.broker.turns import CURRENT_TURN, Turn, Turns
from memos.events.streams import GROUP, Stream

log = logging.getLogger(__name__)

BLOCK_MS = 1000
SLOTS_FOR_BATCHES = 2
SLOTS_FOR_SINGLES = 32
FIRST_BATCH = 16
MOST_PENDING = 1000
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0

Process = Callable[[Sequence[Entry]], Awaitable[Sequence[Verdict]]]


class StreamConsumer:
    """Feeds the entries of a stream to `process`, up to `batch` together, and settles the verdicts.

    Two batches are under way at once, so that one is written while the next is embedded.
    """

    def __init__(
        self,
        redis: Redis,
        name: str,
        stream: Stream,
        *,
        batch: int,
        in_parts: bool,
        process: Process,
        settler: Settler,
    ) -> None:
        self._redis = redis
        self._name = name
        self.stream = stream
        self._batch = batch
        self._in_parts = in_parts
        self._process = process
        self._settler = settler
        self._slots = SLOTS_FOR_BATCHES if batch > 1 else SLOTS_FOR_SINGLES
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: set[bytes] = set()
        self._turns = Turns()
        self._replaying = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until told to stop; whatever goes wrong with Redis is waited out."""
        pause = FIRST_PAUSE
        await self._open_group(stopping)
        while not stopping.is_set():
            try:
                await self._take_next()
                pause = FIRST_PAUSE
            except (RedisError, OSError) as error:
                log.warning("Reading %s failed: %s; trying again in %.1f s", self.stream.name, error, pause)
                self.replay()
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                if "NOGROUP" in str(error):
                    await self._open_group(stopping)

    def replay(self) -> None:
        """Look among this consumer's own pending entries next: an answer that carried some was lost."""
        self._replaying = True

    def accept(self, entries: Sequence[Entry], turn: Turn | None = None) -> bool:
        """Take entries into work, together as far as the handler takes them so; say if there were any."""
        new = [entry for entry in entries if entry.id not in self._held]
        self._held.update(entry.id for entry in new)
        for start in range(0, len(new), self._batch):
            task = asyncio.create_task(self._handle(new[start : start + self._batch], turn))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return bool(new)

    async def finish(self) -> None:
        """Return when all work under way is done."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _open_group(self, stopping: asyncio.Event) -> None:
        pause = FIRST_PAUSE
        while not stopping.is_set():
            try:
                await self._redis.xgroup_create(self.stream.name, GROUP, id="0", mkstream=True)
            except (RedisError, OSError) as error:
                if "BUSYGROUP" in str(error):
                    return
                log.warning("%s cannot be opened: %s; trying again in %.1f s", self.stream.name, error, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return

    async def _take_next(self) -> None:
        """Read as much as there is room for, a batch not before the one before has been embedded."""
        while len(self._tasks) >= self._slots:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        if self._replaying:
            self.accept(await self._pending())
        elif self._batch == 1:
            self.accept(await self._read(">", self._slots - len(self._tasks)))
        else:
            await self._take_batch()

    async def _take_batch(self) -> None:
        turn = await self._turns.take()
        taken = False
        try:
            taken = self.accept(await self._batch_of_new(), turn)
        finally:
            if not taken:
                turn.end()

    async def _batch_of_new(self) -> list[Entry]:
        """What is there; a read that was waited for ends with the first entry of many added at once.

        Of a handler with two parts not all is taken while little is under way: one large batch would
        leave the engines of its other part idle, two in turn keep all busy.
        """
        most = min(self._batch, max(FIRST_BATCH, 2 * len(self._held))) if self._in_parts else self._batch
        entries = await self._read(">", most)
        if 0 < len(entries) < most:
            entries += await self._read(">", most - len(entries), wait=False)
        return entries

    async def _pending(self) -> list[Entry]:
        entries = await self._read("0", MOST_PENDING)
        self._replaying = False
        return entries

    async def _read(self, after: str, count: int, *, wait: bool = True) -> list[Entry]:
        block = BLOCK_MS if wait else None
        streams = cast("dict[KeyT, StreamIdT]", {self.stream.name: after})
        found = await self._redis.xreadgroup(GROUP, self._name, streams, count=count, block=block)
        answer = cast("Sequence[tuple[bytes, Sequence[tuple[bytes, dict[bytes, bytes]]]]]", found or ())
        return [Entry(entry, fields or {}) for _, entries in answer for entry, fields in entries]

    async def _handle(self, entries: Sequence[Entry], turn: Turn | None) -> None:
        try:
            if turn:
                CURRENT_TURN.set(turn)
            await self._settler.settle(self.stream, await self._process(entries))
        except Exception:
            # The entries stay pending, so nothing is lost; the consumer must go on.
            log.exception("Entries of %s could not be settled", self.stream.name)
        finally:
            self._held.difference_update(entry.id for entry in entries)
            if turn:
                turn.end()
