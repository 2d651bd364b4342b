"""What turns texts into vectors, and what searches those."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from memos.records import Candidate, Hit, Point, Question, RecordKey, Seen, Vector

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
    """A projection of the ledger that is searched by similarity: one generation of a collection.

    Opening it makes it if it is missing. When the engine loses it afterwards, calls raise
    `CollectionMissing`, a kind of `Unavailable`, until it is made anew.

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

    async def candidates(
        self, question: Question, *, matching: Filter, corpus: Filter, limit: int
    ) -> list[Candidate]:
        """Those that match and come first: the `limit` most similar to each vector, and the `limit` best by BM25.

        In no order, and each once. The document frequencies of BM25 are those among what `corpus` lets pass. In a
        collection without terms, and for a question without any, only similarity counts. Raises `Unavailable`.
        """
        ...

    async def measured(
        self, question: Question, keys: Sequence[RecordKey], *, matching: Filter, corpus: Filter
    ) -> list[Candidate]:
        """Those of the records that have a point and match, measured like candidates. Raises `Unavailable`."""
        ...

    async def present(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Seen]:
        """Those of the records that have a point, and what it is. Raises `Unavailable`."""
        ...

    async def scroll(self, after: UUID | None, limit: int) -> list[Seen]:
        """At most `limit` points in the order of their ids, from the one after `after`. Raises `Unavailable`."""
        ...

    async def drop(self) -> None:
        """Remove this generation of the collection for good; none is no error. Raises `Unavailable`."""
        ...

    async def recreate(self) -> None:
        """Make this generation anew, empty, if the engine has lost it; else change nothing.

        For a generation that is still wanted alone: one that was dropped would come back. Raises
        `Unavailable`, `ModelMismatch`.
        """
        ...

    async def announce(self) -> None:
        """Make this generation the one that outside readers of the engine find. Raises `Unavailable`."""
        ...

    async def count(self, matching: Filter) -> int:
        """How many points match. Raises `Unavailable`."""
        ...

    async def ping(self) -> None:
        """Return when the engine answers. Raises `Unavailable`."""
        ...
