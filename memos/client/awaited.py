"""Commands whose replies are awaited, and the look for those that Redis has lost.

A worker puts the reply into the inbox before it takes the command off its stream. So a command that is no longer
there, and whose reply is not in the inbox either, was lost with what Redis held, or its reply was lost on the way:
nothing but sending it again helps. One that is still there only waits for its turn, and is left alone however long
that takes: a crowd that sent again by the clock would double the load just when there is too much of it.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from memos.errors import MemosError
from memos.events.envelope import Envelope
from memos.events.streams import Stream

log = logging.getLogger(__name__)

FIRST_LOOK = 1.0
LONGEST_LOOK = 5.0
"""Seconds until the first look for a command, and the most between two; they double."""

MOST_TOGETHER = 500

GONE = """
if redis.call('ZCARD', KEYS[2]) > 0 then return {} end
local gone = {}
for _, id in ipairs(ARGV) do
  if #redis.call('XRANGE', KEYS[1], id, id) == 0 then gone[#gone + 1] = id end
end
return gone
"""
"""Which of some entries are not on their stream. None while anything waits to be tried again: it has no id then."""

Drain = Callable[[], Awaitable[None]]
"""Delivers all replies that are in the inbox."""


class Awaited:
    """A command whose reply is awaited; `entry` is its id on the stream while it is believed to be there."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.entry: bytes | None = None
        self.look_at = 0.0
        self._pause = FIRST_LOOK
        self._reply: Envelope | None = None
        self._fault: MemosError | None = None
        self._news = asyncio.Event()

    async def news(self) -> Envelope | None:
        """The reply, or none once the command is known to be lost. Raises what ended the waiting."""
        await self._news.wait()
        self._news.clear()
        if self._fault and not self._reply:
            raise self._fault
        return self._reply

    def sent(self, entry: bytes, now: float) -> None:
        """Note under which id it is on its stream, and look for it there after a while."""
        self.entry = entry
        self.put_off(now)

    def put_off(self, now: float) -> None:
        """Look for it later, and less and less often."""
        self.look_at = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_LOOK)

    def answer(self, reply: Envelope) -> None:
        """The first reply is the one that counts."""
        self._reply = self._reply or reply
        self._news.set()

    def lose(self) -> None:
        """It is to be sent again, unless it has been answered."""
        self.entry = None
        self._news.set()

    def fail(self, fault: MemosError) -> None:
        """End the waiting."""
        self._fault = fault
        self._news.set()


class Lookout:
    """Finds those among the commands awaited that Redis has lost."""

    def __init__(self, redis: Redis, waiting: Mapping[str, Awaited], drain: Drain) -> None:
        self._script = redis.register_script(GONE)
        self._waiting = waiting
        self._drain = drain
        self._next = 0.0

    def hurry(self) -> None:
        """Look for all at the next opportunity, since the connection was lost."""
        self._next = 0.0
        for awaited in self._waiting.values():
            awaited.look_at = 0.0

    async def look(self) -> None:
        """Look for those that have waited for a while, at most once a second. Raises `RedisError` or `OSError`."""
        now = asyncio.get_running_loop().time()
        if now < self._next:
            return
        self._next = now + FIRST_LOOK
        due = [awaited for awaited in self._waiting.values() if awaited.entry and awaited.look_at <= now]
        gone = await self._gone(due) if due else []
        for awaited in due:
            awaited.put_off(now)
        if gone:
            await self._drain()
            log.info("Redis has lost %d commands or their replies; those without one are sent again", len(gone))
        for awaited in gone:
            awaited.lose()

    async def _gone(self, due: Iterable[Awaited]) -> list[Awaited]:
        streams: defaultdict[Stream, list[Awaited]] = defaultdict(list)
        for awaited in due:
            streams[awaited.stream].append(awaited)
        gone: list[Awaited] = []
        for stream, those in streams.items():
            rest = iter(those)
            while some := list(islice(rest, MOST_TOGETHER)):
                gone += await self._gone_from(stream, some)
        return gone

    async def _gone_from(self, stream: Stream, some: Sequence[Awaited]) -> list[Awaited]:
        ids = [awaited.entry for awaited in some if awaited.entry]
        try:
            gone = set(cast("Collection[bytes]", await self._script([stream.name, stream.delayed], ids)))
        except RedisError as error:
            log.warning("Nobody can tell what is left on %s: %s", stream.name, error)
            return []
        return [awaited for awaited in some if awaited.entry in gone]
