"""Taking over entries: those of workers that died, and those that nobody works on any more."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from memos.broker.entries import Entry
from memos.broker.leases import LEASE_PREFIX
from memos.broker.rereading import reread
from memos.broker.work import Work
from memos.events.streams import GROUP
from memos.telemetry import Telemetry

log = logging.getLogger(__name__)

MOST_CLAIMED = 100
SETTLED_MS = 1000
"""Claiming resets an entry's idle time, so of two claimers only the first finds it idle this long."""

SUSPECT = 3
"""Deliveries after which an entry may be what killed the workers that had it."""

BEAT = """
for place = 3, #ARGV do
  local entry = ARGV[place]
  if #redis.call('XPENDING', KEYS[1], ARGV[1], entry, entry, 1, ARGV[2]) == 1 then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, entry, 'JUSTID')
  end
end
"""

GIVE_BACK = """
for place = 4, #ARGV do
  local entry = ARGV[place]
  for _, row in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], entry, entry, 1, ARGV[2])) do
    local times = math.max(0, row[4] - 1)
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, entry, 'IDLE', ARGV[3], 'RETRYCOUNT', times, 'JUSTID')
  end
end
"""

REMOVE_IDLE = """
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  if consumer[2] == ARGV[2] and consumer[4] == 0 then
    return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
  end
end
return 0
"""


class Pending(NamedTuple):
    """An entry that was delivered to a consumer, and how often."""

    id: bytes
    deliveries: int


class Claims:
    """Keeps what a consumer has in hand from being claimed, and claims what others lost hold of.

    An entry that was in the hands of several workers when they died may be the cause: such suspects
    are claimed one at a time, each settled before the next, so that each time one of them alone is found out.
    """

    def __init__(
        self, redis: Redis, consumer: str, work: Work, *, stalled_seconds: float, telemetry: Telemetry
    ) -> None:
        self._redis = redis
        self._consumer = consumer
        self._work = work
        self._stream = work.stream.name
        self._stalled_ms = round(stalled_seconds * 1000)
        self._telemetry = telemetry
        self._suspects: list[tuple[Pending, int, str]] = []

    async def show_life(self) -> None:
        """Keep the idle time of entries in hand low."""
        held = list(self._work.held)
        for start in range(0, len(held), MOST_CLAIMED):
            some = held[start : start + MOST_CLAIMED]
            try:
                await self._redis.eval(BEAT, 1, self._stream, GROUP, self._consumer, *some)
            except ResponseError as error:  # its reader mends what can be mended
                log.info("Entries of %s are not kept: %s", self._stream, error)

    async def reread(self) -> list[Entry]:
        """This consumer's pending entries that it has not in hand: the answer that carried them was lost."""
        held = self._work.held
        lost = [each.id async for page in self._pending(self._consumer, 0) for each in page if each.id not in held]
        return await reread(self._redis, self._stream, self._consumer, lost)

    async def give_back(self) -> None:
        """Leave to others at once what is not finished; it is not counted as delivered to this consumer."""
        async for page in self._pending(self._consumer, 0):
            ids = [each.id for each in page]
            await self._redis.eval(GIVE_BACK, 1, self._stream, GROUP, self._consumer, str(SETTLED_MS), *ids)

    async def take_over(self) -> None:
        """Claim what the dead and the stalled have, except suspects."""
        suspects: list[tuple[Pending, int, str]] = []
        for owner in await self._lost():
            suspects += await self._take(owner, SETTLED_MS, "lease")
            await self._redis.eval(REMOVE_IDLE, 1, self._stream, GROUP, owner)
        suspects += await self._take(None, self._stalled_ms, "stalled")
        self._suspects = suspects

    async def try_suspects(self) -> None:
        """Claim suspects one at a time, each when the one before is settled."""
        suspects, self._suspects = self._suspects, []
        for suspect, idle, reason in suspects:
            if self._work.closed:
                return
            if tasks := await self._claim([suspect], idle, reason):
                await asyncio.wait(tasks)

    async def _take(self, owner: bytes | None, idle: int, reason: str) -> list[tuple[Pending, int, str]]:
        suspects = []
        held = self._work.held
        async for page in self._pending(owner, idle):
            if self._work.closed:
                break
            wanted = [each for each in page if each.id not in held]
            suspects += [(each, idle, reason) for each in wanted if each.deliveries >= SUSPECT]
            await self._claim([each for each in wanted if each.deliveries < SUSPECT], idle, reason)
        return suspects

    async def _lost(self) -> list[bytes]:
        """Consumers of the stream that have no lease."""
        try:
            consumers = await self._redis.xinfo_consumers(self._stream, GROUP)
        except ResponseError:  # neither stream nor group, so nothing was left
            return []
        others = [row["name"] for row in consumers if row["name"] != self._consumer.encode()]
        return [name for name in others if not await self._redis.exists(LEASE_PREFIX.encode() + name)]

    async def _pending(self, owner: bytes | str | None, idle: int) -> AsyncIterator[list[Pending]]:
        start = "-"
        while True:
            rows: Sequence[Any] = await self._redis.xpending_range(
                self._stream, GROUP, min=start, max="+", count=MOST_CLAIMED, consumername=owner, idle=idle
            )
            if not rows:
                return
            yield [Pending(row["message_id"], row["times_delivered"]) for row in rows]
            start = f"({rows[-1]['message_id'].decode()}"

    async def _claim(self, pending: Sequence[Pending], idle: int, reason: str) -> list[asyncio.Task[None]]:
        if not pending:
            return []
        deliveries = dict(pending)
        claimed: Sequence[Any] = await self._redis.xclaim(
            self._stream, GROUP, self._consumer, idle, list(deliveries)
        )
        if claimed:
            log.info("Took over %d entries of %s (%s)", len(claimed), self._stream, reason)
            self._telemetry.claimed.labels(self._stream, reason).inc(len(claimed))
        return self._work.accept(Entry(entry, fields or {}, deliveries[entry]) for entry, fields in claimed)
