"""The consumer of one stream: it reads as much as it has room for, and a bad entry holds up no other."""

import asyncio
import logging
from collections.abc import Sequence
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis.typing import KeyT, StreamIdT

from memos.broker.claims import Claims
from memos.broker.entries import Entry
from memos.broker.failures import gone
from memos.broker.turns import Turns
from memos.broker.work import Work
from memos.events.streams import GROUP
from memos.telemetry import Telemetry
from memos.waiting import told

log = logging.getLogger(__name__)

BLOCK_MS = 1000
FIRST_BATCH = 16
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0


class StreamConsumer:
    """Reads the entries of a stream into work, a batch together where its handler takes one.

    `in_parts` says that the handler tells when the first part of a batch, its embedding, is done.
    """

    def __init__(
        self, redis: Redis, name: str, work: Work, claims: Claims, *, in_parts: bool, telemetry: Telemetry
    ) -> None:
        self._redis = redis
        self._name = name
        self._work = work
        self._claims = claims
        self._stream = work.stream.name
        self._in_parts = in_parts
        self._telemetry = telemetry
        self._turns = Turns()
        self._replaying = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until told to stop; whatever goes wrong with Redis is waited out."""
        rest = FIRST_PAUSE
        await self._open_group(stopping)
        while not stopping.is_set():
            try:
                await self._take_next()
                rest = FIRST_PAUSE
            except (RedisError, OSError) as error:
                log.warning("Reading %s failed: %s; trying again in %.1f s", self._stream, error, rest)
                self._telemetry.failures.labels("redis").inc()
                self.replay()
                await told(stopping, rest)
                rest = min(rest * 2, LONGEST_PAUSE)
                if gone(error):
                    await self._open_group(stopping)

    def replay(self) -> None:
        """Look among this consumer's own pending entries next: an answer that carried some was lost."""
        self._replaying = True

    async def _open_group(self, stopping: asyncio.Event) -> None:
        rest = FIRST_PAUSE
        while not stopping.is_set():
            try:
                await self._redis.xgroup_create(self._stream, GROUP, id="0", mkstream=True)
            except (RedisError, OSError) as error:
                if "BUSYGROUP" in str(error):
                    return
                log.warning("%s cannot be opened: %s; trying again in %.1f s", self._stream, error, rest)
                await told(stopping, rest)
                rest = min(rest * 2, LONGEST_PAUSE)
            else:
                return

    async def _take_next(self) -> None:
        """Read as much as there is room for, a batch not before the one before has been embedded."""
        room = await self._work.room()
        if self._replaying:
            self._work.accept(await self._claims.reread())
            self._replaying = False
        elif self._work.batch == 1:
            self._work.accept(await self._read(room))
        else:
            await self._take_batch()

    async def _take_batch(self) -> None:
        turn = await self._turns.take()
        taken = False
        try:
            taken = bool(self._work.accept(await self._batch_of_new(), turn))
        finally:
            if not taken:
                turn.end()

    async def _batch_of_new(self) -> list[Entry]:
        """What is there; a read that was waited for ends with the first entry of many added at once.

        Of a handler with two parts not all is taken while little is under way: one large batch would
        leave the engines of its other part idle, two in turn keep all busy.
        """
        batch = self._work.batch
        most = min(batch, max(FIRST_BATCH, 2 * len(self._work.held))) if self._in_parts else batch
        entries = await self._read(most)
        if 0 < len(entries) < most:
            entries += await self._read(most - len(entries), wait=False)
        return entries

    async def _read(self, count: int, *, wait: bool = True) -> list[Entry]:
        block = BLOCK_MS if wait else None
        streams = cast("dict[KeyT, StreamIdT]", {self._stream: ">"})
        found = await self._redis.xreadgroup(GROUP, self._name, streams, count=count, block=block)
        answer = cast("Sequence[tuple[bytes, Sequence[tuple[bytes, dict[bytes, bytes]]]]]", found or ())
        return [Entry(entry, fields or {}) for _, entries in answer for entry, fields in entries]
