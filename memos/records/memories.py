"""Memories, their versions, and what is asked of them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, Protocol
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Visibility = Literal["private", "shared"]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Vector = Sequence[float]

MEMORY_NAMESPACE = UUID("6f0f3d0e-9a55-5e0c-8a3b-6d656d6f7361")
SEPARATOR = "\x1f"
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"

MOST_PLACES = 2**31 - 1
"""The last place in a session."""

SESSIONS = "memos:session/"
"""How the source of a memory begins that was a message of working memory."""


class Record(BaseModel):
    """Frozen data that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Source(Record):
    """Where a memory's text comes from: a document, and the place in it; both names without control characters.

    That of a message of working memory is its session, as `memos:session/` and an id, and its number there.
    """

    uri: Annotated[str, Field(min_length=1, max_length=2048, pattern=PRINTABLE)]
    symbol: Annotated[str, Field(max_length=1024, pattern=PRINTABLE)] | None = None
    line: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None


class Memory(Record):
    """A memory as the ledger has it now."""

    memory_id: UUID
    agent_id: str
    visibility: Visibility
    kind: str
    content: str
    metadata: dict[str, Any]
    tags: list[str]
    importance: float | None
    source: Source | None
    session_id: str | None
    sequence: int | None
    occurred_at: datetime | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    version: int
    times_stored: int
    superseded_by: UUID | None = None
    superseded_at: datetime | None = None
    usefulness: Annotated[float, Field(ge=-1, le=1)] = 0.0

    @property
    def content_hash(self) -> bytes:
        """SHA-256 of the content (32 bytes)."""
        return content_hash(self.content)

    @property
    def document(self) -> Source | None:
        """Where it comes from, if that is a document and no session."""
        return None if self.source is None or self.source.uri.startswith(SESSIONS) else self.source


class MemoryVersion(Record):
    """A memory as it was from `updated_at` until the next version replaced it."""

    memory_id: UUID
    version: int
    content: str
    metadata: dict[str, Any]
    tags: list[str]
    importance: float | None
    visibility: Visibility
    expires_at: datetime | None
    updated_at: datetime
    superseded_by: UUID | None = None
    superseded_at: datetime | None = None


class Neighbours(NamedTuple):
    """The ids of what stands before and after a memory in its session or document, both in order."""

    before: list[UUID]
    after: list[UUID]


class Link(Record):
    """Another memory that says nearly the same, or, of lessons, one that `contradicts` this, for a `reason`.

    `similarity` is the cosine of their vectors, of lessons that contradict each other that of their own words.
    """

    memory_id: UUID
    similarity: float
    relation: Literal["similar", "contradicts"] = "similar"
    reason: str | None = None


class CommandKey(NamedTuple):
    """What makes a command unique: an id that its source never uses twice within a tenant."""

    tenant: str
    source: str
    command_id: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sent a command: attributes of its envelope, never of its data; of an item also its `batch`'s id."""

    tenant: str
    source: str
    command_id: str
    batch: str | None = None

    @property
    def key(self) -> CommandKey:
        """The command's key in the ledger."""
        return CommandKey(self.tenant, self.source, self.command_id)

    def item(self, index: int) -> "Origin":
        """The origin of one item of a batch: its id is the batch's id and the item's index."""
        return Origin(self.tenant, self.source, f"{self.command_id}/{index}", batch=self.command_id)


class Sent(Protocol):
    """What somebody sent: who did, and the digest of what it says."""

    @property
    def origin(self) -> Origin:
        """Who sent it, and under which id."""
        ...

    @property
    def digest(self) -> bytes:
        """SHA-256 of what it says (32 bytes)."""
        ...


@dataclass(frozen=True, slots=True)
class Embedding:
    """A vector with the model that made it; `computed` is false when the caller supplied it."""

    model: str
    vector: Vector
    computed: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """A memory to be stored, complete but for what the ledger decides.

    Without an `embedding` it repeats a command that was handled before, and is never stored. Two with the same
    `sameness` within a tenant are one, which is not counted again; without it those are that share who says what,
    where.
    """

    origin: Origin
    digest: bytes
    memory_id: UUID
    agent_id: str
    visibility: Visibility
    kind: str
    content: str
    metadata: Mapping[str, Any]
    tags: Sequence[str]
    importance: float | None
    source: Source | None
    session_id: str | None
    sequence: int | None
    occurred_at: datetime | None
    expires_at: datetime | None
    embedding: Embedding | None
    supersedes: Sequence[UUID] = ()
    sameness: bytes | None = None

    @property
    def content_hash(self) -> bytes:
        """SHA-256 of the content (32 bytes)."""
        return content_hash(self.content)


@dataclass(frozen=True, slots=True)
class Change:
    """New values for some fields of a memory; absent fields keep theirs."""

    origin: Origin
    digest: bytes
    memory_id: UUID
    agent_id: str
    values: Mapping[str, Any]
    expected_version: int | None
    embedding: Embedding | None

    @property
    def content_hash(self) -> bytes:
        """SHA-256 of the new content (32 bytes)."""
        return content_hash(self.values["content"])


class Stored(NamedTuple):
    """What the ledger made of a draft; `replayed` is true when the command had been handled before.

    `created_at` is given of what is new, and its `sequence`, if it has one.
    """

    memory_id: UUID
    version: int
    duplicate: bool
    replayed: bool
    created_at: datetime | None = None
    sequence: int | None = None


class Deleted(NamedTuple):
    """What a deletion did; `found` is false when only a tombstone was left for a store yet to come.

    `reached` is how much each store made from the memories got rid of, by its name, as far as that is noted.
    """

    memory_id: UUID
    version: int
    found: bool
    reached: Mapping[str, int] = {}


class Fact(Record):
    """Something that has happened, at its place in the log; `data` has the shape that its `type` says."""

    position: int
    tenant: str
    type: str
    record_id: UUID
    version: int
    data: dict[str, Any]
    occurred_at: datetime


def content_hash(text: str) -> bytes:
    """SHA-256 of a text's UTF-8 bytes (32 bytes)."""
    return hashlib.sha256(text.encode()).digest()


def duplicate_key(tenant: str, memory: Memory | Draft) -> bytes:
    """What two stores of one memory share: SHA-256 (32 bytes) of who says what, where, or what the draft says."""
    if isinstance(memory, Draft) and memory.sameness is not None:
        return same_key(tenant, memory.sameness)
    uri, symbol = (memory.source.uri, memory.source.symbol) if memory.source else (None, None)
    parts = (tenant, memory.agent_id, memory.visibility, memory.session_id, uri, symbol)
    named = SEPARATOR.join("\x00" if part is None else part for part in parts)
    return hashlib.sha256(named.encode() + memory.content_hash).digest()


def same_key(tenant: str, sameness: bytes) -> bytes:
    """The duplicate key of drafts that are one by their sameness (32 bytes)."""
    return hashlib.sha256(f"{tenant}{SEPARATOR}".encode() + sameness).digest()


def memory_id_for(key: CommandKey) -> UUID:
    """The id of the memory that a command stores: UUIDv5, so a client knows it before the work is done."""
    return uuid5(MEMORY_NAMESPACE, SEPARATOR.join(key))
