"""Entries of a stream as commands, or as what is wrong with them."""

from typing import NamedTuple

from pydantic import ValidationError

from memos.broker.entries import DOCUMENT, Entry
from memos.broker.message_format import CloudEventFormat
from memos.errors import InternalError, MalformedEntry, MemosError
from memos.events.commands import Command
from memos.events.envelope import FIELD, Envelope, decode, return_address
from memos.events.problems import invalid
from memos.events.streams import Stream
from memos.records import Origin

MOST_DELIVERIES = 8
"""After which an entry is taken for the death of those that had it."""


class Delivery(NamedTuple):
    """An entry that was read: its command, or the error that keeps it from being one."""

    entry: Entry
    envelope: Envelope | None
    command: Command | MemosError

    @property
    def origin(self) -> Origin:
        """Who sent the command."""
        if self.envelope is None:
            raise ValueError("an entry without an envelope has no origin")
        return Origin(self.envelope.tenant, self.envelope.source, self.envelope.id)

    def expired(self, now: float) -> bool:
        """Whether the command's life was over at `now` (seconds since the epoch)."""
        if self.envelope is None or self.envelope.ttlms is None:
            return False
        return self.entry.milliseconds + self.envelope.ttlms < now * 1000


def read(entry: Entry, stream: Stream) -> Delivery:
    """Read an entry of a stream; whatever is wrong with it becomes part of the delivery."""
    try:
        document = _document(entry)
    except MemosError as error:
        return Delivery(entry, None, error)
    try:
        envelope = decode(document)
    except MemosError as error:
        return Delivery(entry, return_address(document), error)
    try:
        _acquit(entry)
        return Delivery(entry, envelope, _command(envelope, stream))
    except MemosError as error:
        return Delivery(entry, envelope, error)


def _document(entry: Entry) -> bytes:
    document = entry.fields.get(DOCUMENT)
    if document is None:
        raise MalformedEntry(
            f"The entry has no field {FIELD}. Put the command there as a CloudEvents 1.0 JSON document."
        )
    return CloudEventFormat.parse(document)[0]


def _acquit(entry: Entry) -> None:
    """Raise `InternalError` for an entry that too many workers had in hand when they died."""
    if entry.redelivered >= MOST_DELIVERIES:
        raise InternalError(
            f"{entry.redelivered} workers died or stalled with this command in hand, so it is not tried again. "
            "See their logs, and redrive it when its cause is mended."
        )


def _command(envelope: Envelope, stream: Stream) -> Command:
    if envelope.type != stream.event_type:
        raise MalformedEntry(
            f"The stream {stream.name} takes {stream.event_type}, not {envelope.type}. "
            "Send the command to the stream of its type."
        )
    try:
        return stream.command.model_validate(envelope.data)
    except ValidationError as error:
        raise invalid(stream.command.__name__, error) from error
