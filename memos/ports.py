"""What the handlers need from the outside, named for what it keeps; adapters live in `stores` and `embeddings`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from memos.errors import MemosError
from memos.records import (
    Change,
    CommandKey,
    Deleted,
    Draft,
    Embedded,
    Hit,
    Memory,
    MemoryVersion,
    Origin,
    Point,
    RecordKey,
    Stored,
    Vector,
    VersionKey,
)

Ready = Callable[[], None]
"""What the handler of a batch calls when its texts are embedded, so that the next batch may begin."""

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
    """A projection of the ledger that is searched by similarity: one collection of one model.

    A point's id is its key's `point_id`, so two tenants may use one memory id; its payload carries the
    `memory_id`, which hits return.
    """

    async def upsert(self, points: Sequence[Point]) -> None:
        """Write points, each searchable on return. Raises `Unavailable`."""
        ...

    async def delete(self, keys: Sequence[RecordKey]) -> None:
        """Remove points; keys without a point are no error. Raises `Unavailable`."""
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
    """The ledger's memories: what is committed here is, and what is not here is not.

    Every method raises `Unavailable` when the ledger does not answer.
    """

    async def handled(self, keys: Sequence[CommandKey]) -> set[CommandKey]:
        """Those of the commands that were handled before."""
        ...

    async def known_vectors(
        self, model: str, texts: Sequence[tuple[str, bytes]]
    ) -> Mapping[tuple[str, bytes], Vector]:
        """Vectors computed before, by tenant and content hash."""
        ...

    async def store(self, drafts: Sequence[Draft]) -> list[Stored | MemosError]:
        """Store drafts with their vectors, commands and facts in one transaction.

        One result each, in order: a `Conflict` or `Gone` refuses its own draft alone, and leaves no
        trace of it.
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

    async def bury_expired(self, limit: int) -> int:
        """Leave tombstones for at most `limit` memories whose time is over; return how many those were."""
        ...

    async def ping(self) -> None:
        """Return when the ledger answers."""
        ...


class Projections(Protocol):
    """The ledger's account of one generation of one projection: what it has, and what it should have.

    Every method raises `Unavailable` when the ledger does not answer.
    """

    async def embedded(self, keys: Sequence[RecordKey]) -> list[Embedded]:
        """The live ones of these memories with their vectors, as they are now."""
        ...

    async def mark(self, keys: Sequence[VersionKey]) -> list[RecordKey]:
        """Note what the projection now has; return the records that moved on meanwhile and were not noted."""
        ...

    async def unmark(self, keys: Sequence[RecordKey]) -> None:
        """Note that the projection no longer has records that the ledger has buried."""
        ...

    async def behind(self) -> int:
        """How many records the projection still has to be given or to be rid of."""
        ...

    async def forget(self) -> None:
        """Count the projection as empty, so that it is filled again from the ledger."""
        ...

    async def some_behind(self, limit: int) -> list[RecordKey]:
        """At most `limit` of the records with which the projection is behind."""
        ...

    async def behind_among(self, keys: Sequence[RecordKey]) -> set[RecordKey]:
        """Those of the records with which the projection is behind."""
        ...
