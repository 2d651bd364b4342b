"""The mover: puts delayed entries back on their stream when they are due."""

import logging
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from memos.broker.work import Work

log = logging.getLogger(__name__)

MOVE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local moved, bytes = 0, 0
while moved < tonumber(ARGV[1]) and bytes < tonumber(ARGV[2]) do
  local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 1)
  if #due == 0 then break end
  redis.call('XADD', KEYS[1], '*', unpack(cmsgpack.unpack(due[1])))
  redis.call('ZREM', KEYS[2], due[1])
  moved, bytes = moved + 1, bytes + #due[1]
end
return moved
"""
"""Several movers may run it at once: a script is atomic, so each entry is moved once."""

MOST_MOVED = 32
MOST_BYTES = 4_000_000
MOST_IN_HAND = 64


async def move_due(redis: Redis, works: Sequence[Work]) -> None:
    """Put back some of what is due for each stream; more than a worker has room for is left to wait."""
    pipeline = redis.pipeline(transaction=False)
    streams = [work.stream for work in works if work.stream.writes and work.retries < MOST_IN_HAND]
    for stream in streams:
        pipeline.eval(MOVE, 2, stream.name, stream.delayed, str(MOST_MOVED), str(MOST_BYTES))
    results: Sequence[Any] = await pipeline.execute(raise_on_error=False)
    for stream, result in zip(streams, results, strict=True):
        if isinstance(result, Exception):
            log.warning("Delayed entries of %s could not be moved: %s", stream.name, result)
