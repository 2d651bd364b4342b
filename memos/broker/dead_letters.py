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
from memos.errors import ERRORS, InvalidCommand, NotFound
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

    `id` is the name of its stream, a slash and the entry's id among the dead letters; `entry_id` is the id that the
    entry had when it was added to the stream, at `added_at`, and `dead_at` is when it became a dead letter, in ISO
    8601. `fields` are those that its sender gave, `document` is the one that holds the command, if it is there.
    """

    id: str
    stream: str
    type: str
    entry_id: str
    code: str
    reason: str
    attempts: int
    added_at: str
    dead_at: str
    traceback: str | None
    fields: Mapping[str, str]
    document: str | None

    @property
    def command(self) -> Any:
        """The document parsed, or its text when it is no JSON."""
        if self.document is None:
            return None
        try:
            return json.loads(self.document)
        except (ValueError, RecursionError):
            return self.document


@dataclass(frozen=True, slots=True)
class LetterSelection:
    """Which dead letters are meant: those that fit all that is given.

    `ids` are those of the dead letters; `type` is that of a command or the name of its stream; `error` is the code
    of an error. Raises `InvalidCommand` for a type or a code that there is not.
    """

    ids: frozenset[str] = frozenset()
    type: str | None = None
    error: str | None = None

    def __post_init__(self) -> None:
        if self.type is not None and not any(self._takes(stream) for stream in STREAMS):
            known = ", ".join(stream.event_type for stream in STREAMS)
            raise InvalidCommand(f"No stream takes {self.type}. Give the name of a stream, or one of {known}.")
        if self.error is not None and self.error not in ERRORS:
            raise InvalidCommand(f"There is no error {self.error}. Give one of {', '.join(sorted(ERRORS))}.")

    def streams(self) -> list[Stream]:
        """Where they may be."""
        named = {each.rpartition("/")[0] for each in self.ids}
        return [stream for stream in STREAMS if self._takes(stream) and (not named or stream.name in named)]

    def means(self, letter: DeadLetter) -> bool:
        """Whether a dead letter of one of the streams is meant."""
        return (not self.ids or letter.id in self.ids) and self.error in {None, letter.code}

    def _takes(self, stream: Stream) -> bool:
        return self.type in {None, stream.name, stream.event_type}


class Place(NamedTuple):
    """Where a dead letter is: its stream, and its id among the dead letters of that."""

    stream: Stream
    entry: bytes


async def selected(redis: Redis, selection: LetterSelection) -> AsyncIterator[tuple[Place, DeadLetter]]:
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


async def require_named(redis: Redis, selection: LetterSelection) -> None:
    """Raise `NotFound` when an id that the selection names is that of no dead letter."""
    named = LetterSelection(selection.ids)
    there = {letter.id async for _, letter in selected(redis, named)} if named.ids else set()
    for absent in sorted(named.ids - there):
        raise NotFound(f"There is no dead letter {absent}. See `memos dead-letters list`.")


async def redrive(redis: Redis, selection: LetterSelection) -> int:
    """Put dead letters back on their streams as they were sent; return how many those were.

    A write among them that was done after all gives its first reply again, since it keeps its id.
    """
    move = redis.register_script(REDRIVE)
    moved = 0
    async for (stream, entry), _ in selected(redis, selection):
        moved += await move([stream.name, stream.dead], [entry, *NOTES])
    return moved


async def discard(redis: Redis, selection: LetterSelection) -> int:
    """Throw dead letters away for good; return how many those were."""
    gone = 0
    async for (stream, entry), _ in selected(redis, selection):
        gone += await redis.xdel(stream.dead, entry)
    return gone


def letter_of(stream: Stream, entry: bytes, fields: Mapping[bytes, bytes]) -> DeadLetter:
    """An entry of a stream's dead letters as what it stands for."""

    def text(name: bytes) -> str:
        return _shown(fields.get(name, b""))

    given = {name: value for name, value in fields.items() if name not in NOTES}
    document = CloudEventFormat.parse(given[DOCUMENT])[0] if DOCUMENT in given else None
    return DeadLetter(
        id=f"{stream.name}/{entry.decode()}",
        stream=stream.name,
        type=stream.event_type,
        entry_id=text(ENTRY),
        code=text(CODE),
        reason=text(REASON),
        attempts=int(text(ATTEMPTS) or 1),
        added_at=text(FIRST),
        dead_at=text(TIME),
        traceback=text(TRACEBACK) or None,
        fields={_shown(name): _shown(value) for name, value in given.items()},
        document=None if document is None else _shown(document),
    )


def _shown(raw: bytes) -> str:
    return raw.decode(errors="replace")


async def _page(redis: Redis, stream: Stream, start: bytes, last: bytes) -> list[tuple[bytes, dict[bytes, bytes]]]:
    entries: Any = await redis.xrange(stream.dead, start, last, count=PAGE)
    return list(entries)
