"""Sessions of working memory: how they are kept, what is said in them, and how they end."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from memos.events.commands import DEFAULT_AGENT, Command, Reply
from memos.events.texts import Content, Identifier, Metadata, Moment
from memos.events.working import MOST_LISTED, InSession, Ttl, WorkingKeys, WorkingName
from memos.records import Promotion, Record, Visibility

MOST_MESSAGES = 100

LAST = 100
"""Messages that are read unless it is said how many."""

ROLES = ("system", "developer", "user", "assistant", "tool")

Role = Literal["system", "developer", "user", "assistant", "tool"]


class SessionOptions(Record):
    """How a session is kept. What is absent stays as it is, and is as the settings say at first.

    A session expires `ttl` seconds after it was last written to, and one that is `lasting` never does. Its log
    keeps the newest messages: at most `window_messages`, of at most `window_tokens` together. With `promote`
    `never`, older ones are dropped; with `window` they become memories first; with `end` those that are left
    when the session ends or expires become memories too.
    """

    ttl: Ttl | None = None
    lasting: StrictBool | None = None
    window_messages: Annotated[int, Field(ge=1, le=100_000, strict=True)] | None = None
    window_tokens: Annotated[int, Field(ge=1, le=10_000_000, strict=True)] | None = None
    promote: Promotion | None = None

    @model_validator(mode="after")
    def _ends_or_lasts(self) -> Self:
        if self.ttl is not None and self.lasting:
            raise PydanticCustomError("ttl_and_lasting", "must not have both a ttl and lasting")
        return self


class Message(Record):
    """What somebody said in a session; `name` says who, where the role alone does not."""

    role: Role = "user"
    content: Content
    name: WorkingName | None = None
    occurred_at: Moment | None = Field(default=None, description="When it was said; now, unless given.")
    metadata: Metadata = {}


Messages = Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]


class AppendMessage(InSession):
    """Append a message to the log of a session, which begins by it."""

    message: Message


class AppendMessages(InSession):
    """Append up to 100 messages to the log of a session, in their order: all of them, or none."""

    messages: Messages


class MessagesAppended(Reply):
    """The numbers of messages, which count up from 1 in a session, and what the log holds now."""

    session_id: str
    sequences: list[int]
    message_ids: list[UUID]
    messages: int
    tokens: int
    expires_at: datetime | None


class ReadSession(InSession):
    """Read a session: what it is, its running summary, and its messages, oldest first.

    Of the messages with numbers above `after` these are the `last` ones or, to read a long log on from there, the
    `first` ones. With `max_tokens` they are so many fewer as that they cost no more together.
    """

    last: Annotated[int, Field(ge=0, le=MOST_LISTED)] = LAST
    first: Annotated[int, Field(ge=1, le=MOST_LISTED)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    after: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _from_one_end(self) -> Self:
        if self.first is not None and self.last != LAST:
            raise PydanticCustomError("first_and_last", "must not have both first and last")
        return self


class SessionMessage(Record):
    """A message as it is kept. `message_id` is the id of the memory that it becomes if it is promoted.

    The fields of `Message` are without their limits here: those were kept to when it was appended.
    """

    role: Role
    content: str
    name: str | None
    occurred_at: datetime
    metadata: dict[str, Any]
    sequence: int
    message_id: UUID
    tokens: int


class SessionSummary(Record):
    """What the messages up to `through` said, in short, and the ids of the newest 10,000 that it was made from.

    `missing` of these messages are not in it: no model could be asked for too long, or none was set.
    """

    text: str
    through: int
    message_ids: list[UUID]
    model: str
    updated_at: datetime
    missing: int = 0


class SessionInfo(Record):
    """A session without its messages; `messages`, `keys` and `bytes` count what is in it now.

    Messages up to `promoted_through` have become memories.
    """

    session_id: str
    agent_id: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    ttl: int | None
    window_messages: int
    window_tokens: int
    promote: Promotion
    keys: int
    messages: int
    tokens: int
    bytes: int
    newest: int
    promoted_through: int


class SessionFound(Reply):
    """A session, its running summary if there is one, and messages of it, oldest first."""

    session: SessionInfo
    summary: SessionSummary | None
    messages: list[SessionMessage]


class ListSessions(Command):
    """Read an agent's sessions in the order of their ids, a page at a time."""

    agent_id: Identifier = DEFAULT_AGENT
    after: Annotated[str, Field(max_length=255, description="The session after which to go on.")] = ""
    limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = 100


class SessionsListed(Reply):
    """A page of sessions; `next` is the `after` of the next page, if there is one."""

    count: int
    results: list[SessionInfo]
    next: str | None


class ConfigureSession(InSession):
    """Set how a session is kept, and begin it if there is none."""

    options: SessionOptions


class SessionConfigured(Reply):
    """A session as it is kept from now on."""

    session: SessionInfo


class EndSession(InSession):
    """End a session: from now on it has nothing in it. With `promote`, its messages become memories.

    Without `promote` it is as the session's options say.
    """

    promote: StrictBool | None = None


class SessionEndOutcome(Reply):
    """`ended`: it is gone; `promoting`: it is gone, and its messages become memories; `absent`: there was none."""

    success: Literal[True] = True
    session_id: str
    status: Literal["ended", "promoting", "absent"]
    message: str


class PromoteSession(InSession):
    """Make memories of a session: of its messages in their order, up to `through`, or of chosen `keys`.

    What was promoted before is not promoted again: the memories have the ids of the messages. While an earlier
    session of the same id is still being dealt with, nothing is promoted, and the command is tried again.
    """

    keys: WorkingKeys | None = None
    through: Annotated[int, Field(ge=1)] | None = None
    visibility: Visibility = "private"

    @model_validator(mode="after")
    def _messages_or_keys(self) -> Self:
        if self.keys is not None and self.through is not None:
            raise PydanticCustomError("keys_and_through", "must not have both keys and through")
        return self


class PromotedMemory(Record):
    """A memory that was made from a message or from a key.

    Each message is a memory of its own, also if it says what another one does. A value is a `duplicate` when the
    session's memories say the same of its key already; the id is theirs then. What was made before has the status
    of that time, or `accepted` while it is not searchable.
    """

    memory_id: UUID
    status: Literal["stored", "accepted", "duplicate"]
    sequence: int | None = None
    key: str | None = None


class SessionPromoted(Reply):
    """The memories that were made now or, of those messages that are still in the log, before.

    `count` says how many were made now. What was deleted since is not among them. `promoted_through` is less than
    what was asked for if the session ended meanwhile.
    """

    session_id: str
    count: int
    promoted_through: int
    results: list[PromotedMemory]


class SessionEnded(Record):
    """A session was ended, or expired; so many messages and keys were still in it."""

    agent_id: str
    session_id: str
    reason: Literal["requested", "expired"]
    messages: int
    keys: int
    version: int
