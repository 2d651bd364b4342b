"""Lanes with handlers of a test's own, and commands written to their streams by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, fields, replace
from itertools import count
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from running import until

from memos.broker.lane import Lane
from memos.broker.leases import LEASE_PREFIX
from memos.broker.policy import Policy
from memos.client.redis import open_redis
from memos.devstack.binaries import valkey_server
from memos.events.commands import Command
from memos.events.envelope import FIELD, Envelope, decode
from memos.events.streams import GROUP, STREAM_OF, Stream
from memos.handlers import Handler
from memos.telemetry import Telemetry


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

    async def renewed(self) -> None:
        """Return after the next renewal of a lease."""
        async with self.redis.monitor() as monitor, asyncio.timeout(20):
            async for command in monitor.listen():
                if command["command"].startswith(f"SET {LEASE_PREFIX}") and "PX" in command["command"]:
                    return

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


POLICY = Policy(
    lease_seconds=6.0,
    stalled_seconds=600.0,
    stop_seconds=15.0,
    reply_ttl=60.0,
    retry_attempts=12,
    retry_first=0.02,
    retry_longest=0.2,
    dead_letters_limit=10_000,
)
"""How patient the lanes of tests are, but for what a test says; it does not wait long for a retry."""

NAMES = {field.name for field in fields(Policy)}


def new_lane(redis: Redis, url: str, *handlers: Handler, telemetry: Telemetry | None = None, **given: Any) -> Lane:
    """A lane on a Redis: `given` are ports, and what differs from `POLICY`."""
    policy = replace(POLICY, **{name: value for name, value in given.items() if name in NAMES})
    ports = {name: value for name, value in given.items() if name not in NAMES}
    return Lane(redis, url, handlers, ports, policy=policy, telemetry=telemetry or Telemetry())


OpenLane = Callable[..., AbstractAsyncContextManager[asyncio.Task[None]]]


def opener(url: str) -> OpenLane:
    """What opens lanes on a Redis: given what `new_lane` takes, it yields the task that runs one."""

    @asynccontextmanager
    async def opened(*handlers: Handler, **given: Any) -> AsyncIterator[asyncio.Task[None]]:
        stopping = asyncio.Event()
        async with open_redis(url, retries=0) as redis:
            running = asyncio.create_task(new_lane(redis, url, *handlers, **given).run(stopping))
            try:
                yield running
            finally:
                stopping.set()
                await asyncio.wait_for(running, 20)

    return opened


@asynccontextmanager
async def own_redis(folder: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A Redis of a test's own, that it may stop and kill: its URL and its process."""
    socket = folder / "own.sock"
    words = ("--unixsocket", str(socket), "--port", "0", "--save", "", "--dir", str(folder))
    process = await asyncio.create_subprocess_exec(valkey_server(), *words, stdout=asyncio.subprocess.DEVNULL)
    try:
        await until(lambda: asyncio.to_thread(socket.exists))
        yield f"unix://{socket}", process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
