"""Adding entries to streams, many in one round trip, and none to a stream that is full."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from memos.errors import Overloaded
from memos.events.envelope import FIELD
from memos.events.streams import Stream

MOST_QUEUED = 10_000
MOST_TOGETHER = 500
MOST_BYTES_TOGETHER = 8_000_000

ADD = """
local waiting = redis.call('XLEN', KEYS[1]) + redis.call('ZCARD', KEYS[2])
local added = math.max(0, math.min(#ARGV - 2, tonumber(ARGV[1]) - waiting))
for place = 1, added do redis.call('XADD', KEYS[1], '*', ARGV[2], ARGV[place + 2]) end
return {added, waiting + added}
"""


class Addition(NamedTuple):
    """An entry to be added, and the future that is done once it is."""

    stream: Stream
    document: bytes
    added: asyncio.Future[None]


class Publisher:
    """Adds entries; those that come while others are under way go together after them.

    A stream takes no more than `most_queued`, those included that wait to be tried again.
    """

    def __init__(self, redis: Redis, most_queued: int = MOST_QUEUED) -> None:
        self._most_queued = most_queued
        self._script = redis.register_script(ADD)
        self._waiting: list[Addition] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, stream: Stream, document: bytes) -> None:
        """Return once the entry is on its stream.

        Raises `Overloaded` when the stream is full, and `RedisError` or `OSError` when the entry may not be there.
        """
        added = asyncio.get_running_loop().create_future()
        self._waiting.append(Addition(stream, document, added))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        await added

    async def _work(self) -> None:
        while self._waiting:
            together, self._waiting = self._waiting, []
            streams: defaultdict[str, list[Addition]] = defaultdict(list)
            for addition in together:
                streams[addition.stream.name].append(addition)
            await asyncio.gather(*map(self._add_in_order, streams.values()))

    async def _add_in_order(self, additions: Sequence[Addition]) -> None:
        for some in portions(additions):
            for addition, fault in zip(some, await self._add(some), strict=True):
                _resolve(addition.added, fault)

    async def _add(self, additions: Sequence[Addition]) -> Sequence[Exception | None]:
        """Add entries to their one stream; what is wrong, if anything, with each."""
        stream, number = additions[0].stream, len(additions)
        arguments: list[bytes | str | int] = [self._most_queued, FIELD]
        arguments += (addition.document for addition in additions)
        try:
            answer: Any = await self._script([stream.name, stream.delayed], arguments)
        except (RedisError, OSError) as error:
            return [error] * number
        added, waiting = answer
        return [None] * added + [_overloaded(stream, waiting) for _ in range(number - added)]


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


def _overloaded(stream: Stream, waiting: int) -> Overloaded:
    return Overloaded(
        f"{waiting} commands wait on {stream.name}, which is as many as it takes. "
        "Nothing was written: send the command again after a pause."
    )


def _resolve(added: asyncio.Future[None], fault: Exception | None) -> None:
    if added.done():
        return
    if fault:
        added.set_exception(fault)
    else:
        added.set_result(None)
