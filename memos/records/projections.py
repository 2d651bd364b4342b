"""What travels between the ledger and what is made from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid5

from memos.records.memories import Memory, Vector


class RecordKey(NamedTuple):
    """A record within its tenant."""

    tenant: str
    memory_id: UUID

    @property
    def point_id(self) -> UUID:
        """The record's id where tenants share one space of ids: UUIDv5 of both."""
        return uuid5(self.memory_id, self.tenant)


class VersionKey(NamedTuple):
    """One version of one record within its tenant."""

    tenant: str
    memory_id: UUID
    version: int

    @property
    def record(self) -> RecordKey:
        """The record, whatever its version."""
        return RecordKey(self.tenant, self.memory_id)


class Embedded(NamedTuple):
    """A memory with the vector of its text; none when the model has not read that text yet."""

    tenant: str
    memory: Memory
    vector: Vector | None


class Account(NamedTuple):
    """What the ledger says that a projection should have of a record, and whether the projection has it.

    A buried record that the projection is still to be rid of has no version. `unaccounted` is a record
    whose projection nobody keeps track of, which must not be.
    """

    version: int | None
    content_hash: bytes | None
    standing: Literal["settled", "behind", "unaccounted"]


@dataclass(frozen=True, slots=True)
class Generation:
    """One life of a projection, all of one model; `embedder` says, as the setting does, what makes its vectors."""

    projection: str
    number: int
    embedder: str
    model: str
    dimension: int
    is_current: bool
    retired_at: datetime | None = None
    dropped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A memory as a vector engine keeps it: what is searched and what is filtered."""

    key: VersionKey
    vector: Vector
    payload: Mapping[str, Any]


class Seen(NamedTuple):
    """What a vector engine says of one of its points; the hash is missing in points of before hashes were kept."""

    point_id: UUID
    key: VersionKey
    content_hash: bytes | None


class Hit(NamedTuple):
    """A point found by a search, with its cosine similarity."""

    memory_id: UUID
    score: float


@dataclass(frozen=True, slots=True)
class Collection:
    """One generation of a named set of vectors, all of one model.

    `indexes` maps payload fields to Qdrant index types.
    """

    name: str
    model: str
    dimension: int
    indexes: Mapping[str, str]
    generation: int = 1
