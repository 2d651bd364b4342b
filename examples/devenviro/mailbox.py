"""A stream each of whose messages goes to one of the processes that read it, and to another if that one dies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from devenviro.messages import MESSAGE
from memos.waiting import ended, heeding

GROUP = "devenviro"
RENEWALS = 3
"""How often a lease is renewed before it would end."""


class Letter(NamedTuple):
    """A message as it lies in the stream; `deliveries` counts how often it was handed to a process."""

    entry: str
    message: bytes
    deliveries: int


class Mailbox:
    """Reads a stream as `consumer`, one message at a time.

    A message that its reader neither finishes nor keeps for `lease` seconds is given to whoever asks next.
    """

    def __init__(self, redis: Redis, stream: str, consumer: str, lease: float) -> None:
        self._redis = redis
        self._stream = stream
        self._consumer = consumer
        self._lease = lease

    async def open(self) -> None:
        """Make the stream and its group unless they are there; messages from before are read, too."""
        try:
            await self._redis.xgroup_create(self._stream, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def next(self, block: float = 1.0) -> Letter | None:
        """What a dead reader left, else a new message, else nothing after `block` seconds."""
        try:
            return await heeding(self._left()) or await heeding(self._new(block))
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            await self.open()
            return None

    @asynccontextmanager
    async def keeping(self, letter: Letter) -> AsyncIterator[None]:
        """Keep a message from being given to others meanwhile."""
        renewing = asyncio.create_task(self._renew(letter))
        try:
            yield
        finally:
            await ended([renewing], 0)

    async def finish(self, letter: Letter) -> None:
        """Acknowledge a message and take it out of the stream."""
        await withdraw(self._redis, self._stream, letter.entry)

    async def bury(self, letter: Letter, reason: str) -> None:
        """Put a message that cannot be read aside, under `<stream>:dead`."""
        await self._redis.xadd(f"{self._stream}:dead", {MESSAGE: letter.message, "reason": reason})
        await self.finish(letter)

    async def _left(self) -> Letter | None:
        idle = int(self._lease * 1000)
        answer: Any = await self._redis.xautoclaim(self._stream, GROUP, self._consumer, idle, count=1)
        if not answer[1]:
            return None
        entry, fields = answer[1][0]
        pending: Any = await self._redis.xpending_range(self._stream, GROUP, entry, entry, 1)
        return _letter(entry, fields, pending[0]["times_delivered"] if pending else 1)

    async def _new(self, block: float) -> Letter | None:
        wait = max(1, int(block * 1000))
        answer: Any = await self._redis.xreadgroup(GROUP, self._consumer, {self._stream: ">"}, count=1, block=wait)
        if not answer:
            return None
        entry, fields = answer[0][1][0]
        return _letter(entry, fields, 1)

    async def _renew(self, letter: Letter) -> None:
        """Say now and then that a message is being worked on; a Redis that is away is asked again."""
        while True:
            await asyncio.sleep(self._lease / RENEWALS)
            with suppress(RedisError, OSError):
                renewed: Any = self._redis.xclaim(
                    self._stream, GROUP, self._consumer, 0, [letter.entry], justid=True
                )
                await heeding(renewed)


async def send(redis: Redis, stream: str, message: str) -> str:
    """Put a message into a stream; return the entry's id."""
    adding: Any = redis.xadd(stream, {MESSAGE: message})
    entry = await heeding(adding)
    return str(entry.decode())


async def withdraw(redis: Redis, stream: str, entry: str) -> None:
    """Take a message out of a stream, whether it was read or not."""
    async with redis.pipeline(transaction=True) as pipeline:
        pipeline.xack(stream, GROUP, entry)
        pipeline.xdel(stream, entry)
        await heeding(pipeline.execute())


def _letter(entry: bytes, fields: dict[bytes, bytes], deliveries: int) -> Letter:
    return Letter(entry.decode(), fields.get(MESSAGE.encode(), b""), deliveries)
