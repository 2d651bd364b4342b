"""Working memory as it is kept: sessions, values and messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid5

from memos.records.memories import MEMORY_NAMESPACE, SEPARATOR, SESSIONS, Record, Source

Promotion = Literal["never", "window", "end"]
"""When messages become memories: never, when they leave the window, or also when their session ends."""


class SessionKey(NamedTuple):
    """Which session, of which agent, of which tenant."""

    tenant: str
    agent_id: str
    session_id: str


class WorkingLimits(NamedTuple):
    """The most that working memory takes.

    A value or message has the bytes of its JSON. Sessions and agents have those of keys and JSON, with 256 for each
    key and 32 for each message, which are about what Redis takes beside these.
    """

    value_bytes: int
    session_bytes: int
    session_keys: int
    agent_bytes: int
    agent_sessions: int


class SessionPolicy(NamedTuple):
    """How a session is kept; without a `ttl` in seconds it lasts until it is ended."""

    ttl: int | None
    window_messages: int
    window_tokens: int
    promote: Promotion


class ValueDraft(NamedTuple):
    """A value to be kept: its JSON, and seconds until it expires if not with its session."""

    key: str
    json: bytes
    ttl: int | None = None
    if_version: int | None = None


class KeptValue(NamedTuple):
    """A value that is kept under a key of a session.

    With `left_out`, the bytes of its JSON, it was too large for whoever asked, and `value` is `None`.
    """

    key: str
    value: Any
    version: int
    updated_at: datetime
    expires_at: datetime | None
    left_out: int = 0


class MessageDraft(NamedTuple):
    """A message to be kept: its document, without number and id, and what it costs a model."""

    document: dict[str, Any]
    tokens: int


class KeptMessage(NamedTuple):
    """A message in a log; `memory_id` is that of the memory which it becomes if it is promoted."""

    sequence: int
    document: dict[str, Any]
    tokens: int
    memory_id: UUID


class KeptSummary(Record):
    """The running summary of what left a log, up to the number `through`, and the memories it was made from.

    `missing` of those messages left the log without being summarised.
    """

    text: str
    through: int
    message_ids: Sequence[UUID]
    model: str
    updated_at: datetime
    missing: int = 0


class KeptSession(NamedTuple):
    """A session without its messages. `epoch` tells it from others that had its id before it."""

    key: SessionKey
    epoch: str
    policy: SessionPolicy
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    keys: int
    messages: int
    tokens: int
    bytes: int
    newest: int
    promoted_through: int
    summary: KeptSummary | None


class AppendedMessages(NamedTuple):
    """What a log is after messages were appended to it."""

    sequences: Sequence[int]
    memory_ids: Sequence[UUID]
    messages: int
    tokens: int
    expires_at: datetime | None


class EndedSession(NamedTuple):
    """A session that ended or expired, kept aside until all of it is dealt with."""

    session: KeptSession
    reason: Literal["requested", "expired"]
    promote: bool


class ExpiredValue(NamedTuple):
    """A key that expired, of which nobody has been told yet."""

    session: SessionKey
    epoch: str
    key: str
    version: int
    expired_at: datetime


def message_memory_id(session: SessionKey, epoch: str, sequence: int) -> UUID:
    """The id of the memory that a message of a session becomes: the same whenever it is promoted."""
    return uuid5(MEMORY_NAMESPACE, SEPARATOR.join(("message", *session, epoch, str(sequence))))


def message_source(session: SessionKey, epoch: str, sequence: int) -> Source:
    """Where the memory of a message comes from, by which each is told from others that say the same."""
    return Source(uri=f"{SESSIONS}{session_record_id(session, epoch)}", symbol=str(sequence))


def value_memory_id(session: SessionKey, epoch: str, key: str, version: int) -> UUID:
    """The id of the memory that a version of a key becomes."""
    return uuid5(MEMORY_NAMESPACE, SEPARATOR.join(("value", *session, epoch, key, str(version))))


def session_record_id(session: SessionKey, epoch: str) -> UUID:
    """The id under which facts tell of a session, as long as it lasts: UUIDv5."""
    return uuid5(MEMORY_NAMESPACE, SEPARATOR.join(("session", *session, epoch)))


def key_record_id(session: SessionKey, epoch: str, key: str) -> UUID:
    """The id under which facts tell of a key of a session: UUIDv5."""
    return uuid5(MEMORY_NAMESPACE, SEPARATOR.join(("key", *session, epoch, key)))
