"""The newest facts in a Redis Stream."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from memos.errors import Unavailable
from memos.records import Fact

ADD = """
local last = '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
  local about = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #about, 2 do
    if about[i] == 'last-generated-id' then last = about[i + 1] end
  end
end
if last ~= ARGV[1] then return last end
for i = 4, #ARGV, 2 do
  last = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], ARGV[i], ARGV[3], ARGV[i + 1])
end
return last
"""
"""All or nothing, and only after the expected entry: so the stream never has a gap, whoever adds."""

REWIND = """
local function named(reply, name)
  for i = 1, #reply, 2 do
    if reply[i] == name then return reply[i + 1] end
  end
end
local function position(id) return string.match(id, '^%d+') end
if redis.call('EXISTS', KEYS[1]) == 0 then return '0-0' end
local last = named(redis.call('XINFO', 'STREAM', KEYS[1]), 'last-generated-id')
if position(last) ~= ARGV[1] then return last end
redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)
redis.call('XSETID', KEYS[1], ARGV[2])
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local name = named(group, 'name')
  if tonumber(position(named(group, 'last-delivered-id'))) > tonumber(ARGV[3]) then
    redis.call('XGROUP', 'SETID', KEYS[1], name, ARGV[3] .. '-0')
  end
  repeat
    local gone = redis.call('XPENDING', KEYS[1], name, ARGV[4], '+', 100)
    for _, entry in ipairs(gone) do redis.call('XACK', KEYS[1], name, entry[1]) end
  until #gone == 0
end
return ARGV[2]
"""
"""Only a stream that is as it was seen. What a group took and is in the log no more, it need not finish."""


class RedisFactStream:
    """Fulfils the port `FactStream`: the id of an entry is `<position>-0`, its one field holds a document."""

    def __init__(
        self, redis: Redis, key: str, *, field: str, document_of: Callable[[Fact], bytes], kept: int
    ) -> None:
        self._redis = redis
        self._key = key
        self._field = field
        self._document_of = document_of
        self.kept = kept

    async def last(self) -> int:
        """The position of the last fact that was added, even if it is there no more."""
        with _reached():
            try:
                about = await self._redis.xinfo_stream(self._key)
            except ResponseError as error:
                if "no such key" in str(error):
                    return 0
                raise
        return _position(about["last-generated-id"])

    async def add(self, facts: Sequence[Fact], *, after: int) -> int:
        """Add facts in one step if `after` is the last position, and else nothing; return the last position."""
        entries = [part for fact in facts for part in (f"{fact.position}-0", self._document_of(fact))]
        with _reached():
            last: bytes = await self._redis.eval(ADD, 1, self._key, f"{after}-0", self.kept, self._field, *entries)
        return _position(last)

    async def rewind(self, newest: int, *, seen: int) -> int:
        """Empty the stream if `seen` is its last position, and set back the groups that are past `newest`."""
        first = f"{max(0, newest - self.kept)}-0"
        with _reached():
            last: bytes = await self._redis.eval(REWIND, 1, self._key, seen, first, newest, f"{newest + 1}-0")
        return _position(last)


def _position(entry: bytes) -> int:
    return int(entry.partition(b"-")[0])


@contextmanager
def _reached() -> Iterator[None]:
    """Raise `Unavailable` in place of every error of Redis."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise Unavailable(
            f"The stream of facts (Redis) cannot be used now: {type(error).__name__}: {error}. "
            "See that Redis runs and has room."
        ) from error
