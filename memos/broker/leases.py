"""Signs of life: the entries of a worker whose lease is gone are claimed by others."""

import os
import socket
import time

from redis.asyncio import Redis

LEASE_PREFIX = "memos:lease:"


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
