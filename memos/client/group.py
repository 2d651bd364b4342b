"""Following facts as a consumer group: Redis knows how far its consumers are."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import NamedTuple

from redis.exceptions import RedisError

from memos.client.follow import FIRST_PAUSE, LONGEST_PAUSE, FactLog, waited_out
from memos.errors import MalformedEntry, MemosError, Unavailable
from memos.events.envelope import FIELD
from memos.events.facts import fact_in
from memos.events.streams import FACTS_STREAM
from memos.records import Fact
from memos.waiting import heeding

SHARE = 100

TAKE = """
local function position(id) return tonumber(string.match(id, '^%d+')) end
local function named(reply, name)
  for i = 1, #reply, 2 do
    if reply[i] == name then return reply[i + 1] end
  end
end
local function read(after)
  local found = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', ARGV[3], 'STREAMS', KEYS[1], after)
  return found and found[1] and found[1][2] or {}
end
local oldest = redis.call('XPENDING', KEYS[1], ARGV[1])[2]
local last
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  if named(group, 'name') == ARGV[1] then last = position(named(group, 'last-delivered-id')) end
end
local floor = oldest and position(oldest) - 1 or last
local share = read('0')
if #share > 0 then return {last, floor, 0, share} end
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
local ending = position(named(redis.call('XINFO', 'STREAM', KEYS[1]), 'last-generated-id'))
if (first and position(first[1]) > last + 1) or ending < last then return {last, floor, 1, {}} end
return {last, floor, 0, read('>')}
"""
"""What this consumer took and did not finish, else what is new unless the stream has lost what comes next.

One step, so that the stream cannot move on in the middle of it, and safe to repeat when its answer was lost.
"""

ADVANCE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return end
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local about = {}
  for i = 1, #group, 2 do about[group[i]] = group[i + 1] end
  local last = about['last-delivered-id']
  if about['name'] == ARGV[1] and tonumber(string.match(last, '^%d+')) < tonumber(ARGV[2]) then
    redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], ARGV[2] .. '-0')
  end
end
"""
"""Forwards only, since another consumer of the group may be further."""


class Delivery(NamedTuple):
    """A place in the log and the one `after` which it comes next, the fact there if it is wanted.

    `pending` says that the group awaits an acknowledgement.
    """

    after: int
    position: int
    fact: Fact | None
    pending: bool


class Share(NamedTuple):
    """What a consumer may do next.

    `last` is the last position that the group was given, `floor` the one up to which it has finished
    everything; `gap` says that what comes after `last` must be read from the ledger.
    """

    last: int
    floor: int
    gap: bool
    entries: Sequence[tuple[bytes, Sequence[bytes] | None]]


class GroupConsumer:
    """One consumer of a group, which is given facts at least once."""

    def __init__(self, facts: FactLog, group: str, consumer: str) -> None:
        self._facts = facts
        self._group = group
        self._consumer = consumer
        self._floor = 0
        self._reached = 0
        self._finished: set[int] = set()

    async def facts(self, after: int | None) -> AsyncGenerator[Fact, None]:
        """Facts without end; each is finished when the next one is asked for. A new group begins after `after`.

        Raises `Unavailable` when the group cannot be opened; what fails later is waited out.
        """
        begin = await self._facts.end() if after is None else after
        try:
            await heeding(self._create(begin))
        except (RedisError, OSError) as error:
            raise Unavailable(
                f"The bus (Redis) cannot be reached: {str(error).rstrip('.')}. See that Redis runs."
            ) from error
        pause = FIRST_PAUSE
        while True:
            try:
                deliveries = await heeding(self._next())
                pause = FIRST_PAUSE
            except (RedisError, OSError, MemosError) as error:
                await waited_out(error, pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            for delivery in deliveries:
                if delivery.fact:
                    await heeding(self._try_to_settle())
                    yield delivery.fact
                self._finish(delivery)

    async def _create(self, position: int) -> None:
        """Make the group, which has finished everything up to a position, unless there is one."""
        try:
            await self._facts.redis.xgroup_create(FACTS_STREAM, self._group, id=f"{position}-0", mkstream=True)
        except RedisError as error:
            if "BUSYGROUP" not in str(error):
                raise
        else:
            self._floor = position

    async def _next(self) -> list[Delivery]:
        await self._settle()
        try:
            share = await self._take()
        except RedisError as error:
            if "NOGROUP" not in str(error):
                raise
            await self._create(self._floor)
            return []
        if share.last < self._floor:  # set back by a consumer that knew less, or as the ledger was restored
            await self._facts.from_ledger(self._floor, 1)
            self._floor = 0
        self._floor = max(self._floor, share.floor)
        if share.entries:
            return [await self._delivery(entry, fields) for entry, fields in share.entries]
        return await self._from_ledger(share.last) if share.gap else await self._waited(share.last)

    async def _take(self) -> Share:
        last, floor, gap, entries = await self._facts.redis.eval(
            TAKE, 1, FACTS_STREAM, self._group, self._consumer, SHARE
        )
        return Share(last, floor, bool(gap), entries)

    async def _delivery(self, entry: bytes, fields: Sequence[bytes] | None) -> Delivery:
        position = int(entry.partition(b"-")[0])
        fact = await self._fact_at(position, dict(zip(fields[::2], fields[1::2], strict=True)) if fields else {})
        return Delivery(position - 1, position, fact, pending=True)

    async def _fact_at(self, position: int, fields: Mapping[bytes, bytes]) -> Fact | None:
        """The fact of an entry, if it is wanted; one that the stream has dropped since is read from the ledger."""
        try:
            fact = fact_in(fields[FIELD.encode()])
            return fact if self._facts.wants(fact) else None
        except (MalformedEntry, LookupError):
            page = await self._facts.from_ledger(position - 1, 1)
        return page.facts[0] if page.facts and page.facts[0].position == position else None

    async def _from_ledger(self, last: int) -> list[Delivery]:
        page = await self._facts.from_ledger(last)
        if page.position == last:
            await asyncio.sleep(FIRST_PAUSE)
            return await self._waited(last)
        positions = [last, *(fact.position for fact in page.facts), page.position]
        steps = zip(positions, positions[1:], [*page.facts, None], strict=False)
        return [Delivery(after, position, fact, pending=False) for after, position, fact in steps]

    async def _waited(self, last: int) -> list[Delivery]:
        """Nothing, once there may be something to take."""
        await self._facts.wait(last, 1)
        return []

    def _finish(self, delivery: Delivery) -> None:
        if delivery.after <= self._floor:
            self._floor = max(self._floor, delivery.position)
        if delivery.pending:
            self._finished.add(delivery.position)
        else:
            self._reached = delivery.position

    async def _try_to_settle(self) -> None:
        """Tell Redis what is finished; if that fails, it is told before anything else is taken."""
        try:
            await self._settle()
        except (RedisError, OSError) as error:
            await waited_out(error, FIRST_PAUSE)

    async def _settle(self) -> None:
        redis = self._facts.redis
        if self._finished:
            ids = [f"{position}-0" for position in self._finished]
            await redis.xack(FACTS_STREAM, self._group, *ids)
            self._finished.clear()
        if self._reached:
            await redis.eval(ADVANCE, 1, FACTS_STREAM, self._group, self._reached)
            self._reached = 0
