"""What has changed since the moment that a query asks about, as it was then.

An engine knows the present alone. What is still as it was, it finds as ever; the rest is told by the ledger, and
measured beside the engine in the same way.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from memos.errors import MemosError
from memos.events.memories import QueryMemory
from memos.handlers.embed import text_key, vectors_of
from memos.ports import Embedder, Filter, Memories
from memos.projection.points import point_of
from memos.records import Embedded, Point, TextKey, Vector, VersionKey

MOST_READ = 64
"""Former texts that are embedded for one query, if the present model has not read them; others have only terms."""


class Past(NamedTuple):
    """What has changed since a moment: the ids of all, and the points of those that matched, as they were.

    It is not `complete` if that was too much to read; engines then tell of the rest as it is now.
    """

    changed: frozenset[UUID] = frozenset()
    points: Sequence[Point] = ()
    complete: bool = True

    def vectors(self) -> Mapping[UUID, Vector]:
        """The vectors of what the memories said then."""
        return {point.key.memory_id: point.vector for point in self.points}


async def past_of(
    tenant: str, command: QueryMemory, matching: Filter, *, memories: Memories, embedder: Embedder
) -> Past:
    """What has changed since the moment that a query names, if it names one. Raises `Unavailable`."""
    if command.as_of is None:
        return Past()
    former = await memories.changed_since(
        tenant,
        command.agent_id,
        command.as_of,
        embedder.model,
        matching=matching,
        superseded=command.include_superseded,
    )
    vectors = await _vectors(former.memories, memories=memories, embedder=embedder)
    points = await asyncio.to_thread(_points, former.memories, vectors)
    return Past(former.changed, points, former.complete)


async def _vectors(former: Sequence[Embedded], *, memories: Memories, embedder: Embedder) -> list[Vector]:
    """A vector for each memory; of the unread no more are embedded than may be."""
    unread = {_key(one): one.memory.content for one in former if one.vector is None}
    read = await vectors_of(
        dict(islice(unread.items(), MOST_READ)), known=memories.known_vectors, embedder=embedder
    )
    known = [read.get(_key(one)) if one.vector is None else one.vector for one in former]
    return [_usable(vector, embedder.dimension) for vector in known]


def _usable(vector: Vector | MemosError | None, dimension: int) -> Vector:
    """A vector that can be compared: one of zeros, which is similar to nothing, where there is none."""
    if vector is None or isinstance(vector, MemosError) or len(vector) != dimension:
        return [0.0] * dimension
    return vector


def _points(former: Sequence[Embedded], vectors: Sequence[Vector]) -> list[Point]:
    keys = [VersionKey(one.tenant, one.memory.memory_id, one.memory.version) for one in former]
    return [point_of(key, one.memory, vector) for key, one, vector in zip(keys, former, vectors, strict=True)]


def _key(one: Embedded) -> TextKey:
    return text_key(one.tenant, one.memory.content)
