"""Whether the bus answers, and how much waits on it."""

import asyncio
import time
from typing import NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from memos.events.health import Depth, EngineHealth
from memos.events.streams import STREAMS

PATIENCE = 2.0


class Probed(NamedTuple):
    """How the bus is, and how much waits on each stream: on none while it does not answer."""

    health: EngineHealth
    queues: dict[str, Depth]


async def probe(redis: Redis) -> Probed:
    """Ask Redis how much waits; it is down when it does not answer within two seconds."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            queues = await depths(redis)
        status, detail = "up", None
    except TimeoutError:
        status, detail, queues = "down", f"No answer in {PATIENCE:.0f} seconds. See whether Redis runs.", {}
    except (RedisError, OSError) as error:
        status, detail, queues = "down", f"{str(error).rstrip('.')}. See that Redis runs.", {}
    took_ms = round((time.perf_counter() - started) * 1000, 3)
    return Probed(EngineHealth(status=status, took_ms=took_ms, detail=detail), queues)


async def depths(redis: Redis) -> dict[str, Depth]:
    """How many entries of each stream are queued, delayed and dead. Raises `RedisError` or `OSError`.

    A stream whose name is taken by something else in Redis has no depth.
    """
    pipeline = redis.pipeline(transaction=False)
    for stream in STREAMS:
        pipeline.xlen(stream.name)
        pipeline.zcard(stream.delayed)
        pipeline.xlen(stream.dead)
    counts = iter(await pipeline.execute(raise_on_error=False))
    found = {stream.name: (next(counts), next(counts), next(counts)) for stream in STREAMS}
    return {
        name: Depth(queued=places[0], delayed=places[1], dead=places[2])
        for name, places in found.items()
        if not any(isinstance(count, RedisError) for count in places)
    }
