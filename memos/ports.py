"""What the handlers need from the outside, named for what it keeps; adapters live in `stores` and `embeddings`."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from memos.records import (
    Change,
    CommandKey,
    Deleted,
    Draft,
    Hit,
    Memory,
    MemoryVersion,
    Origin,
    Point,
    Recorded,
    Stored,
    Vector,
    VersionKey,
)

Filter = Mapping[str, Any]
"""A filter in the JSON of Qdrant's REST interface: `must`, `should`, `must_not` over payload fields."""


class Embedder(Protocol):
    """Turns texts into unit-length vectors of one model."""

    @property
    def model(self) -> str:
        """The model's name, kept beside every vector."""
        ...

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector per text, in order.

        Raises `EmbeddingRefused` for a text or vector that cannot be used, `Unavailable` when the
        model does not answer.
        """
        ...


class Vectors(Protocol):
    """A projection of the ledger that is searched by similarity: one collection of one model."""

    async def upsert(self, points: Sequence[Point]) -> None:
        """Write points, each searchable on return. Raises `Unavailable`."""
        ...

    async def delete(self, memory_ids: Sequence[UUID]) -> None:
        """Remove points; ids without a point are no error. Raises `Unavailable`."""
        ...

    async def search(self, vector: Vector, *, matching: Filter, limit: int) -> list[Hit]:
        """The `limit` points most similar by cosine among those that match, best first. Raises `Unavailable`."""
        ...

    async def count(self, matching: Filter) -> int:
        """How many points match. Raises `Unavailable`."""
        ...

    async def ping(self) -> None:
        """Return when the engine answers. Raises `Unavailable`."""
        ...


class Memories(Protocol):
    """The ledger's memories: what is committed here is, and what is not here is not."""

    async def recorded(self, keys: Sequence[CommandKey]) -> Mapping[CommandKey, Recorded]:
        """The traces of those commands that were handled before."""
        ...

    async def known_vectors(
        self, model: str, texts: Sequence[tuple[str, bytes]]
    ) -> Mapping[tuple[str, bytes], Vector]:
        """Vectors computed before, by tenant and content hash."""
        ...

    async def store(self, drafts: Sequence[Draft]) -> list[Stored]:
        """Store all drafts with their vectors, commands and facts in one transaction; one result each, in order.

        Raises `Conflict` or `Gone` when a draft can't be stored, and then nothing is.
        """
        ...

    async def get(self, tenant: str, agent_id: str, memory_id: UUID) -> Memory:
        """The memory, if the agent sees it. Raises `NotFound`."""
        ...

    async def visible(self, tenant: str, agent_id: str, ids: Sequence[UUID]) -> Mapping[UUID, Memory]:
        """Those of the memories that are live, unexpired and seen by the agent."""
        ...

    async def history(self, tenant: str, agent_id: str, memory_id: UUID) -> list[MemoryVersion]:
        """Every version of a memory that the agent sees, oldest first. Raises `NotFound`."""
        ...

    async def update(self, change: Change) -> Memory:
        """Change a memory and keep its former version. Raises `NotFound`, `Conflict`."""
        ...

    async def delete(self, origin: Origin, digest: bytes, agent_id: str, memory_id: UUID) -> Deleted:
        """Leave a tombstone, also for a memory that is yet to come. Raises `NotFound`, `Conflict`."""
        ...

    async def points(self, keys: Sequence[tuple[str, UUID]]) -> list[Point]:
        """The points that a vector engine should have of these records; the deleted ones are missing."""
        ...

    async def mark_projected(self, projection: str, keys: Sequence[VersionKey]) -> list[VersionKey]:
        """Note what a projection now has; return those whose version moved on meanwhile, which were not noted."""
        ...

    async def unmark_projected(self, projection: str, keys: Sequence[tuple[str, UUID]]) -> list[VersionKey]:
        """Note what a projection no longer has; return those that are live in the ledger, which were not noted."""
        ...

    async def ping(self) -> None:
        """Return when the ledger answers. Raises `Unavailable`."""
        ...
