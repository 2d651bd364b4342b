"""Signs of life: a worker keeps a lease, and the entries of one whose lease is gone are claimed."""

import os
import socket
import time
from collections.abc import AsyncIterator

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from memos.broker.deliveries import Entry
from memos.events.streams import GROUP, Stream

LEASE_PREFIX = "memos:lease:"
MOST_CLAIMED = 100
SETTLED_MS = 1000
"""Claiming resets an entry's idle time, so of two claimers only the first finds it idle this long."""

REMOVE_IDLE = """
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  if consumer[2] == ARGV[2] and consumer[4] == 0 then
    return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
  end
end
return 0
"""


def consumer_name() -> str:
    """A name that no other consumer has or had: host, process and start time."""
    return f"{socket.gethostname()}-{os.getpid()}-{time.time_ns()}"


class Lease:
    """A consumer's sign of life in Redis; it ends by itself when it is not renewed."""

    def __init__(self, redis: Redis, consumer: str, seconds: float) -> None:
        self._redis = redis
        self._key = LEASE_PREFIX + consumer
        self._milliseconds = round(seconds * 1000)
        self.consumer = consumer

    async def renew(self) -> None:
        """Live on for the lease's time."""
        await self._redis.set(self._key, b"1", px=self._milliseconds)

    async def give_up(self) -> None:
        """Let others claim at once whatever is left."""
        await self._redis.delete(self._key)

    async def orphans(self, stream: Stream) -> AsyncIterator[list[Entry]]:
        """Entries that consumers without a lease left behind, now this consumer's own."""
        for consumer in await self._lost(stream):
            while entries := await self._claim(stream, consumer):
                yield entries
            await self._redis.eval(REMOVE_IDLE, 1, stream.name, GROUP, consumer)

    async def _lost(self, stream: Stream) -> list[bytes]:
        try:
            consumers = await self._redis.xinfo_consumers(stream.name, GROUP)
        except ResponseError:  # neither stream nor group, so nothing was left
            return []
        others = [row["name"] for row in consumers if row["name"] != self.consumer.encode()]
        return [name for name in others if not await self._redis.exists(LEASE_PREFIX.encode() + name)]

    async def _claim(self, stream: Stream, consumer: bytes) -> list[Entry]:
        pending = await self._redis.xpending_range(
            stream.name, GROUP, min="-", max="+", count=MOST_CLAIMED, consumername=consumer, idle=SETTLED_MS
        )
        if not pending:
            return []
        claimed = await self._redis.xclaim(
            stream.name, GROUP, self.consumer, SETTLED_MS, [row["message_id"] for row in pending]
        )
        return [Entry(*entry) for entry in claimed]
