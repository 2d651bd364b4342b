"""Reading again what a consumer has pending."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from memos.broker.entries import Entry
from memos.events.streams import GROUP

MOST_AT_ONCE = 100

REREAD = """
local found = {}
for place = 3, #ARGV do
  local entry = ARGV[place]
  if #redis.call('XPENDING', KEYS[1], ARGV[1], entry, entry, 1, ARGV[2]) == 1 then
    local kept = redis.call('XRANGE', KEYS[1], entry, entry)
    found[#found + 1] = kept[1] or {entry, {}}
  end
end
return found
"""


async def reread(redis: Redis, stream: str, consumer: str, ids: Sequence[bytes]) -> list[Entry]:
    """Those of some entries that are pending for a consumer, not counted as delivered once more.

    One that is no longer on the stream has no fields.
    """
    entries: list[Entry] = []
    for start in range(0, len(ids), MOST_AT_ONCE):
        some = ids[start : start + MOST_AT_ONCE]
        found: Any = await redis.eval(REREAD, 1, stream, GROUP, consumer, *some)
        entries += [Entry(entry, dict(zip(flat[::2], flat[1::2], strict=True))) for entry, flat in found]
    return entries
