"""What travels between the ledger and what is made from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


class Former(NamedTuple):
    """What has changed since a moment: the ids of all, and those that are asked for as they were then.

    It is not `complete` if there were more than could be read; those changed less lately are then missing.
    """

    changed: frozenset[UUID]
    memories: Sequence[Embedded]
    complete: bool = True


class Account(NamedTuple):
    """What the ledger says that a projection should have of a record, and whether the projection has it.

    A buried record that the projection is still to be rid of has no version. `unaccounted` is a record
    whose projection nobody keeps track of, which must not be.
    """

    version: int | None
    content_hash: bytes | None
    standing: Literal["settled", "behind", "unaccounted"]


FORMAT = 2
"""How points are made now: those of format 1 had vectors only, those of 2 have the terms of the text as well."""


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
    format: int = FORMAT


Terms = Mapping[int, float]
"""How much each term says about a text, by the term's number (32 bits, unsigned): a sparse vector."""


@dataclass(frozen=True, slots=True)
class Point:
    """A memory as a vector engine keeps it: what is searched, by meaning and by terms, and what is filtered."""

    key: VersionKey
    vector: Vector
    payload: Mapping[str, Any]
    terms: Terms = field(default_factory=dict)


class Question(NamedTuple):
    """What is looked for: the vectors of a text and of its clauses, and the numbers of its terms."""

    vectors: Sequence[Vector]
    terms: Sequence[int]


class Candidate(NamedTuple):
    """A point that may answer a question.

    `similarities` are its cosines with each vector of the question. `bm25` is its score by terms: the sum, over the
    question's terms that it has, of the term's inverse document frequency times the weight in `terms`. `payload`
    has what the ranking looks at.
    """

    memory_id: UUID
    similarities: Sequence[float]
    bm25: float
    terms: Terms
    payload: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The kind of the memory; empty where its point does not say."""
        return str(self.payload.get("kind", ""))

    @property
    def placed(self) -> bool:
        """Whether the memory has a place among others, in a session or a document."""
        return "sequence" in self.payload and ("session_id" in self.payload or "source" in self.payload)


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

    `indexes` maps payload fields to Qdrant index types. One of an early format has vectors only, no terms.
    """

    name: str
    model: str
    dimension: int
    indexes: Mapping[str, str]
    generation: int = 1
    has_terms: bool = True
