"""Entries of a stream, and what memOS notes beside the fields of one that it could not handle."""

import hashlib
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from types import TracebackType
from typing import NamedTuple

from memos.errors import InternalError, MemosError
from memos.events.envelope import FIELD
from memos.events.streams import Stream

ATTEMPTS = b"memos:attempts"
FIRST = b"memos:first"
ENTRY = b"memos:entry"
STREAM = b"memos:stream"
CODE = b"memos:code"
REASON = b"memos:reason"
TIME = b"memos:time"
TRACEBACK = b"memos:traceback"
NOTES = (ATTEMPTS, FIRST, ENTRY, STREAM, CODE, REASON, TIME, TRACEBACK)
"""The fields that memOS adds; a sender's own fields of these names are not kept."""

DOCUMENT = FIELD.encode()
MOST_FIELDS_KEPT = 1000
"""Of an entry that is moved: Lua unpacks no more than some thousands."""

MOST_REASON_CHARACTERS = 4000
MOST_DIGITS = 6
LAST_MILLISECOND = 253_402_300_799_999
"""Of the year 9999: an entry's id may be any number when it was given by hand."""


class Entry(NamedTuple):
    """An entry as Redis gives it: `<milliseconds>-<sequence>` and its fields.

    `redelivered` counts the deliveries before this one, to workers that died or stalled with it.
    """

    id: bytes
    fields: Mapping[bytes, bytes]
    redelivered: int = 0

    @property
    def milliseconds(self) -> int:
        """When the entry was added, in milliseconds since the epoch."""
        return int(self.id.partition(b"-")[0])

    @property
    def attempts(self) -> int:
        """How often its command failed before, for a reason that may pass."""
        noted = self.fields.get(ATTEMPTS, b"")
        return int(noted) if noted.isdigit() and len(noted) <= MOST_DIGITS else 0

    @property
    def first_id(self) -> bytes:
        """The id that it had when it was first added to its stream."""
        return self.fields.get(ENTRY, self.id)

    @property
    def first_time(self) -> bytes:
        """When it was first added to its stream, in ISO 8601."""
        return self.fields.get(FIRST) or _iso(min(self.milliseconds, LAST_MILLISECOND) / 1000)

    @property
    def size(self) -> int:
        """Bytes of its document."""
        return len(self.fields.get(DOCUMENT, b""))


def retry_fields(entry: Entry, fault: MemosError) -> list[bytes]:
    """Names and values, in turn, of an entry that is to be tried again after a fault."""
    return _flat({**_given(entry), **_history(entry, fault)})


def letter_fields(stream: Stream, entry: Entry, fault: MemosError) -> list[bytes]:
    """Names and values, in turn, of the dead letter that an entry becomes by a fault."""
    notes = {
        **_history(entry, fault),
        STREAM: stream.name.encode(),
        TIME: _iso(datetime.now(UTC).timestamp()),
    }
    if digest := traceback_digest(fault):
        notes[TRACEBACK] = digest.encode(errors="replace")
    return _flat({**_given(entry), **notes})


def plain_letter_fields(stream: Stream, entry: Entry) -> list[bytes]:
    """The same of an entry whose fault cannot be written down: its document, and that much."""
    reason = "What was decided on this command could not be carried out. The worker's log has the traceback."
    notes = {
        ENTRY: entry.id,
        STREAM: stream.name.encode(),
        CODE: InternalError.code.encode(),
        REASON: reason.encode(),
        TIME: _iso(datetime.now(UTC).timestamp()),
    }
    return _flat({DOCUMENT: entry.fields.get(DOCUMENT, b""), **notes})


def traceback_digest(fault: MemosError) -> str | None:
    """What tells one unforeseen error from another: a hash of its frames, and the innermost one of memOS.

    The message is left out of the hash, since it often names the one record that was in hand.
    """
    cause = fault.__cause__
    if cause is None or cause.__traceback__ is None:
        return None
    frames = [*traceback.format_tb(cause.__traceback__), type(cause).__qualname__]
    digest = hashlib.sha256("".join(frames).encode(errors="replace")).hexdigest()[:16]
    return f"{digest} {_innermost(cause.__traceback__)}".strip()


def _innermost(trace: TracebackType) -> str:
    place = ""
    for frame, line in traceback.walk_tb(trace):
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == "memos":
            place = f"{module.replace('.', '/')}.py:{line} {frame.f_code.co_name}"
    return place


def _given(entry: Entry) -> dict[bytes, bytes]:
    """The fields that the sender gave: the document first, since of too many not all are kept."""
    document = {DOCUMENT: entry.fields[DOCUMENT]} if DOCUMENT in entry.fields else {}
    others = ((name, value) for name, value in entry.fields.items() if name not in NOTES)
    return {**document, **dict(islice(others, MOST_FIELDS_KEPT))}


def _history(entry: Entry, fault: MemosError) -> dict[bytes, bytes]:
    return {
        ATTEMPTS: b"%d" % (entry.attempts + 1),
        FIRST: entry.first_time,
        ENTRY: entry.first_id,
        CODE: fault.code.encode(),
        REASON: fault.detail[:MOST_REASON_CHARACTERS].encode(errors="replace"),
    }


def _iso(seconds: float) -> bytes:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").encode()


def _flat(fields: Mapping[bytes, bytes]) -> list[bytes]:
    return [part for field in fields.items() for part in field]
