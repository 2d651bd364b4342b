"""Dead letters of all streams: reading them, sending them again, throwing them away."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from redis.asyncio import Redis

from memos.broker.entries import (
    ATTEMPTS,
    CODE,
    DOCUMENT,
    ENTRY,
    FIRST,
    NOTES,
    REASON,
    TIME,
    TRACEBACK,
)
from memos.broker.message_format import CloudEventFormat
from memos.errors import ConfigurationError
from memos.events.streams import STREAMS, Stream

PAGE = 100

REDRIVE = """
local note = {}
for place = 2, #ARGV do note[ARGV[place]] = true end
for _, letter in ipairs(redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1])) do
  local fields = {}
  for place = 1, #letter[2], 2 do
    if not note[letter[2][place]] then
      fields[#fields + 1] = letter[2][place]
      fields[#fields + 1] = letter[2][place + 1]
    end
  end
  if #fields == 0 then return 0 end
  redis.call('XADD', KEYS[1], '*', unpack(fields))
  return redis.call('XDEL', KEYS[2], ARGV[1])
end
return 0
"""
"""Moves a dead letter back to its stream as its sender wrote it, so with the same command id."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that could not be handled, and why.

    `id` is the name of its stream, a slash and the entry's id among the dead letters. Times are in ISO 8601,
    `document` is as it was sent.
    """

    id: str
    stream: str
    type: str
    entry: str
    code: str
    reason: str
    attempts: int
    first: str
    time: str
    traceback: str | None
    document: str

    @property
    def command(self) -> Any:
        """The document parsed, or its text when it is no JSON."""
        try:
            return json.loads(self.document)
        except (ValueError, RecursionError):
            return self.document


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters are meant: those that fit all that is given.

    `ids` are those of the dead letters; `type` is an event type or the name of a stream; `error` is the code of an
    error.
    """

    ids: frozenset[str] = frozenset()
    type: str | None = None
    error: str | None = None

    def streams(self) -> list[Stream]:
        """Where they may be. Raises `ConfigurationError` for a type that no stream has."""
        found = [stream for stream in STREAMS if self.type in {None, stream.name, stream.event_type}]
        if not found:
            known = ", ".join(stream.event_type for stream in STREAMS)
            raise ConfigurationError(f"No stream takes {self.type}. Give the name of a stream, or one of {known}.")
        return found

    def means(self, letter: DeadLetter) -> bool:
        """Whether a dead letter of one of the streams is meant."""
        return (not self.ids or letter.id in self.ids) and self.error in {None, letter.code}


class Place(NamedTuple):
    """Where a dead letter is: its stream, and its id among the dead letters of that."""

    stream: Stream
    entry: bytes


async def selected(redis: Redis, selection: Selection) -> AsyncIterator[tuple[Place, DeadLetter]]:
    """The dead letters that are meant, stream by stream, oldest first; those that come meanwhile are left out."""
    for stream in selection.streams():
        newest: Any = await redis.xrevrange(stream.dead, count=1)
        last = newest[0][0] if newest else b"0"
        start = b"-"
        while page := await _page(redis, stream, start, last):
            for entry, fields in page:
                letter = letter_of(stream, entry, fields)
                if selection.means(letter):
                    yield Place(stream, entry), letter
            start = b"(" + page[-1][0]


async def redrive(redis: Redis, selection: Selection) -> int:
    """Put dead letters back on their streams as they were sent; return how many those were.

    A write among them that was done after all gives its first reply again, since it keeps its id.
    """
    move = redis.register_script(REDRIVE)
    moved = 0
    async for (stream, entry), _ in selected(redis, selection):
        moved += await move([stream.name, stream.dead], [entry, *NOTES])
    return moved


async def discard(redis: Redis, selection: Selection) -> int:
    """Throw dead letters away for good; return how many those were."""
    gone = 0
    async for (stream, entry), _ in selected(redis, selection):
        gone += await redis.xdel(stream.dead, entry)
    return gone


def letter_of(stream: Stream, entry: bytes, fields: Mapping[bytes, bytes]) -> DeadLetter:
    """An entry of a stream's dead letters as what it stands for."""

    def text(name: bytes) -> str:
        return fields.get(name, b"").decode(errors="replace")

    document = CloudEventFormat.parse(fields.get(DOCUMENT, b""))[0]
    return DeadLetter(
        id=f"{stream.name}/{entry.decode()}",
        stream=stream.name,
        type=stream.event_type,
        entry=text(ENTRY),
        code=text(CODE),
        reason=text(REASON),
        attempts=int(text(ATTEMPTS) or 1),
        first=text(FIRST),
        time=text(TIME),
        traceback=text(TRACEBACK) or None,
        document=document.decode(errors="replace"),
    )


async def _page(redis: Redis, stream: Stream, start: bytes, last: bytes) -> list[tuple[bytes, dict[bytes, bytes]]]:
    entries: Any = await redis.xrange(stream.dead, start, last, count=PAGE)
    return list(entries)
