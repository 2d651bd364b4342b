"""Lanes with handlers of a test's own, and commands written to their streams by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from running import until

from memos.broker.lane import Lane
from memos.client.redis import open_redis
from memos.events.envelope import FIELD, Envelope, decode
from memos.events.memories import Command
from memos.events.streams import GROUP, STREAM_OF, Stream
from memos.handlers import Handler


@dataclass(frozen=True)
class Wire:
    """Streams as any program sees them that speaks to Redis.

    The client answers in bytes, which redis-py's types leave open.
    """

    redis: Any
    inbox: str = "memos:reply:wire"

    async def put(self, stream: Stream, document: Mapping[str, Any] | bytes) -> bytes:
        """Add one entry; return its id."""
        raw = document if isinstance(document, bytes) else json.dumps(document).encode()
        entry: bytes = await self.redis.xadd(stream.name, {FIELD: raw})
        return entry

    async def replies(self, number: int = 1) -> list[Envelope]:
        """As many replies as are expected, in the order in which they came."""
        found: list[Envelope] = []
        async with asyncio.timeout(20):
            while len(found) < number:
                if answer := await self.redis.blpop([self.inbox], timeout=1):
                    found.append(decode(answer[1]))
        return found

    async def reply(self) -> Envelope:
        """The next reply."""
        return (await self.replies())[0]

    async def dead(self, stream: Stream, number: int = 1) -> list[dict[str, bytes]]:
        """The dead letters of a stream, as many as are expected."""

        async def all_there() -> bool:
            return bool(await self.redis.xlen(stream.dead) >= number)

        await until(all_there)
        return [{name.decode(): value for name, value in fields.items()} for _, fields in await self._dead(stream)]

    async def _dead(self, stream: Stream) -> Sequence[tuple[bytes, dict[bytes, bytes]]]:
        entries: Sequence[tuple[bytes, dict[bytes, bytes]]] = await self.redis.xrange(stream.dead)
        return entries

    async def nothing_left(self, stream: Stream) -> None:
        """Return when every entry of a stream is acknowledged and deleted."""

        async def empty() -> bool:
            if await self.redis.xlen(stream.name):
                return False
            return bool((await self.redis.xpending(stream.name, GROUP))["pending"] == 0)

        await until(empty)

    async def consumers(self, stream: Stream) -> list[bytes]:
        """The names of those that read a stream."""
        return [row["name"] for row in await self.redis.xinfo_consumers(stream.name, GROUP)]


numbers = count(1)


def event(command: type[Command], data: Any, **attributes: Any) -> dict[str, Any]:
    """A CloudEvents document with a fresh id."""
    document = {
        "specversion": "1.0",
        "id": f"command-{next(numbers)}",
        "source": "wire",
        "type": STREAM_OF[command].event_type,
        "data": data,
        "replyto": Wire.inbox,
        **attributes,
    }
    return {name: value for name, value in document.items() if value is not None}


OpenLane = Callable[..., AbstractAsyncContextManager[asyncio.Task[None]]]


def opener(url: str) -> OpenLane:
    """What opens lanes on a Redis: given handlers and ports, it yields the task that runs them."""

    @asynccontextmanager
    async def opened(
        *handlers: Handler, lease_seconds: float = 6.0, reply_ttl: float = 60.0, **ports: object
    ) -> AsyncIterator[asyncio.Task[None]]:
        stopping = asyncio.Event()
        async with open_redis(url, retries=0) as redis:
            lane = Lane(redis, url, handlers, ports, lease_seconds=lease_seconds, reply_ttl=reply_ttl)
            running = asyncio.create_task(lane.run(stopping))
            try:
                yield running
            finally:
                stopping.set()
                await asyncio.wait_for(running, 20)

    return opened
