"""Adding entries to streams, many in one round trip, and none to a stream that is full."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from memos.errors import Overloaded
from memos.events.envelope import FIELD
from memos.events.streams import Stream

log = logging.getLogger(__name__)

MOST_QUEUED = 10_000
MOST_QUEUED_BYTES = 256_000_000
MOST_TOGETHER = 500
MOST_BYTES_TOGETHER = 8_000_000

SAMPLES = 10_000
"""Nodes that Redis looks at to say how much memory a key takes: all, unless more large commands wait."""

ADD = """
local waiting = redis.call('XLEN', KEYS[1]) + redis.call('ZCARD', KEYS[2])
local room, most_bytes = tonumber(ARGV[1]) - waiting, tonumber(ARGV[2])
local added, bytes = {}, 0
if room > 0 and waiting > 0 then
  for _, key in ipairs(KEYS) do
    bytes = bytes + (redis.call('MEMORY', 'USAGE', key, 'SAMPLES', ARGV[3]) or 0)
  end
end
while #added < math.min(#ARGV - 4, room) and bytes < most_bytes do
  local document = ARGV[#added + 5]
  added[#added + 1] = redis.call('XADD', KEYS[1], '*', ARGV[4], document)
  bytes = bytes + #document
end
return {added, waiting + #added, bytes}
"""
"""Adds as many entries as there is room for; tells their ids, and how many and how large all now are.

A stream on which nothing waits takes any entry, however large.
"""


class Addition(NamedTuple):
    """An entry to be added, and the future of its id, which is done once it is."""

    stream: Stream
    document: bytes
    added: asyncio.Future[bytes]


class Publisher:
    """Adds entries; those that come while others are under way go together after them.

    A stream takes none while `most_queued` are on it, or while they take `most_bytes` of Redis's memory,
    those included that wait to be tried again.
    """

    def __init__(self, redis: Redis, most_queued: int = MOST_QUEUED, most_bytes: int = MOST_QUEUED_BYTES) -> None:
        self._most_queued = most_queued
        self._most_bytes = most_bytes
        self._script = redis.register_script(ADD)
        self._waiting: list[Addition] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, stream: Stream, document: bytes) -> bytes:
        """The id of the entry, once it is on its stream.

        Raises `Overloaded` when the stream is full, and `RedisError` or `OSError` when the entry may not be there.
        """
        added: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append(Addition(stream, document, added))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await added

    async def _work(self) -> None:
        while self._waiting:
            together, self._waiting = self._waiting, []
            streams: defaultdict[str, list[Addition]] = defaultdict(list)
            for addition in together:
                streams[addition.stream.name].append(addition)
            await asyncio.gather(*map(self._add_in_order, streams.values()))

    async def _add_in_order(self, additions: Sequence[Addition]) -> None:
        try:
            for some in portions(additions):
                for addition, outcome in zip(some, await self._add(some), strict=True):
                    _resolve(addition.added, outcome)
        except Exception as error:
            log.exception("Commands could not be added to %s", additions[0].stream.name)
            for addition in additions:
                _resolve(addition.added, error)
        finally:
            # Whatever happens, and be it a cancellation, nobody waits for ever.
            for addition in additions:
                addition.added.cancel()

    async def _add(self, additions: Sequence[Addition]) -> Sequence[bytes | Exception]:
        """Add entries to their one stream; the id of each, or what is wrong with it."""
        stream, number = additions[0].stream, len(additions)
        arguments: list[bytes | str | int] = [self._most_queued, self._most_bytes, SAMPLES, FIELD]
        arguments += (addition.document for addition in additions)
        try:
            answer: Any = await self._script([stream.name, stream.delayed], arguments)
        except (RedisError, OSError) as error:
            return [error] * number
        added, waiting, size = answer
        return [*added, *(self._overloaded(stream, waiting, size) for _ in range(number - len(added)))]

    def _overloaded(self, stream: Stream, waiting: int, size: int) -> Overloaded:
        if waiting >= self._most_queued:
            what = f"{waiting} commands wait on {stream.name}, which is as many as it takes"
        else:
            what = f"The {waiting} commands on {stream.name} take {size:,} bytes, which is as much as it holds"
        return Overloaded(f"{what}. Nothing was written: send the command again after a pause.")


def portions(additions: Iterable[Addition]) -> Iterator[list[Addition]]:
    """As many additions together as one script may make without holding Redis up."""
    portion: list[Addition] = []
    size = 0
    for addition in additions:
        size += len(addition.document)
        if portion and (len(portion) == MOST_TOGETHER or size > MOST_BYTES_TOGETHER):
            yield portion
            portion, size = [], len(addition.document)
        portion.append(addition)
    if portion:
        yield portion


def _resolve(added: asyncio.Future[bytes], outcome: bytes | Exception) -> None:
    if added.done():
        return
    if isinstance(outcome, Exception):
        added.set_exception(outcome)
    else:
        added.set_result(outcome)
