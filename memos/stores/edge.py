"""Vectors kept by the Edge process, over its unix socket."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import starmap
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from memos.ports import Filter
from memos.records import Candidate, Collection, Hit, Point, Question, RecordKey, Seen, Vector
from memos.stores.edge_connection import EdgeProcess
from memos.stores.edge_frames import MAX_POINTS, MAX_SEEN, Reply
from memos.stores.edge_numbers import pack_floats, pack_terms
from memos.stores.points import (
    MAX_MEASURED,
    candidate,
    checked,
    float32s,
    payload_with_key,
    require_few,
    seen,
    sparse,
)

CALLS_IN_FLIGHT = 4
"""Calls of one upsert sent ahead, so that the process works on one while the next is written."""

Item = TypeVar("Item")


class EdgeVectors:
    """One generation of a collection; every call is idempotent and made once more after a reconnect."""

    def __init__(self, process: EdgeProcess, collection: Collection) -> None:
        self._process = process
        self._collection = collection

    async def upsert(self, points: Sequence[Point]) -> None:
        """Write points, each searchable on return. Raises `InvalidCommand`, `Unavailable`."""
        for window in _slices(points, MAX_POINTS * CALLS_IN_FLIGHT):
            await asyncio.gather(*map(self._upsert, _slices(window, MAX_POINTS)))

    async def delete(self, keys: Sequence[RecordKey]) -> None:
        """Remove points; keys without a point are no error. Raises `Unavailable`."""
        for part in _slices(keys, MAX_POINTS):
            await self._call("delete", ids=[str(key.point_id) for key in part])

    async def search(self, vector: Vector, *, matching: Filter, limit: int) -> list[Hit]:
        """The most similar points that match, best first. Raises `InvalidCommand`, `Unavailable`."""
        floats = pack_floats([float32s(vector, self._collection)])
        if limit < 1:
            return []
        reply = await self._call("search", floats=floats, matching=matching, limit=limit)
        return [Hit(UUID(memory_id), score) for memory_id, score in reply.hits]

    async def candidates(
        self, question: Question, *, matching: Filter, corpus: Filter, limit: int
    ) -> list[Candidate]:
        """What matches and comes first, by meaning or by terms. Raises `InvalidCommand`, `Unavailable`."""
        vectors, terms = checked(question, self._collection)
        require_few(limit)
        if limit < 1:
            return []
        reply = await self._call(
            "candidates",
            floats=pack_floats(vectors),
            terms=terms,
            matching=matching,
            corpus=corpus,
            limit=limit,
        )
        return list(starmap(candidate, reply.rows))

    async def measured(
        self, question: Question, keys: Sequence[RecordKey], *, matching: Filter, corpus: Filter
    ) -> list[Candidate]:
        """Those that have a point and match, measured. Raises `InvalidCommand`, `Unavailable`."""
        vectors, terms = checked(question, self._collection)
        found: list[Candidate] = []
        for part in _slices(list(dict.fromkeys(keys)), MAX_MEASURED):
            reply = await self._call(
                "measured",
                floats=pack_floats(vectors),
                terms=terms,
                ids=[str(key.point_id) for key in part],
                matching=matching,
                corpus=corpus,
            )
            found += starmap(candidate, reply.rows)
        return found

    async def present(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Seen]:
        """Those of the records that have a point, and what it is. Raises `Unavailable`."""
        found: dict[RecordKey, Seen] = {}
        for part in _slices(keys, MAX_SEEN):
            key_of = {key.point_id: key for key in part}
            reply = await self._call("present", ids=[str(point_id) for point_id in key_of])
            found |= {key_of[one.point_id]: one for one in starmap(seen, reply.seen)}
        return found

    async def scroll(self, after: UUID | None, limit: int) -> list[Seen]:
        """At most `limit` points in the order of their ids, from the one after `after`. Raises `Unavailable`."""
        found: list[Seen] = []
        while wanted := min(MAX_SEEN, max(limit, 0) - len(found)):
            reply = await self._call("scroll", after=after, limit=wanted)
            found += starmap(seen, reply.seen)
            if len(reply.seen) < wanted:
                break
            after = found[-1].point_id
        return found

    async def drop(self) -> None:
        """Remove this generation for good; none is no error. Raises `Unavailable`."""
        await self._call("drop")

    async def recreate(self) -> None:
        """Make this generation, empty, unless it is there; add what indexes it lacks.

        Raises `ModelMismatch` when it holds vectors of another model, `ConfigurationError` when it lacks terms,
        `Unavailable`.
        """
        await self._call(
            "open",
            model=self._collection.model,
            dimension=self._collection.dimension,
            indexes=self._collection.indexes,
            has_terms=self._collection.has_terms,
        )

    async def announce(self) -> None:
        """Do nothing: only memOS reads from the Edge process, and names the generation that it means."""

    async def count(self, matching: Filter) -> int:
        """How many points match. Raises `InvalidCommand`, `Unavailable`."""
        return (await self._call("count", matching=matching)).count

    async def ping(self) -> None:
        """Return when the process answers. Raises `Unavailable`."""
        await self._process.call("ping")

    async def _upsert(self, points: Sequence[Point]) -> None:
        terms = [sparse(point.terms) for point in points] if self._collection.has_terms else []
        await self._call(
            "upsert",
            ids=[str(point.key.record.point_id) for point in points],
            payloads=[payload_with_key(point) for point in points],
            counts=[len(one.indices) for one in terms],
            floats=pack_floats([float32s(point.vector, self._collection) for point in points]) + pack_terms(terms),
        )

    async def _call(self, op: str, **fields: Any) -> Reply:
        place: dict[str, Any] = {"collection": self._collection.name, "generation": self._collection.generation}
        return await self._process.call(op, **place, **fields)


@asynccontextmanager
async def open_edge(
    socket: Path, collection: Collection, *, call_timeout: float = 10.0, make: bool = True
) -> AsyncIterator[EdgeVectors]:
    """One generation of a collection in the Edge process at a socket, created if missing.

    `call_timeout` is in seconds. Raises `ModelMismatch` when it holds vectors of another model, `Unavailable`
    when nobody serves the socket. Unless it may `make` it, nothing is asked yet, and a generation that is not
    there stays away.
    """
    process = EdgeProcess(socket, call_timeout)
    try:
        vectors = EdgeVectors(process, collection)
        if make:
            await vectors.recreate()
        yield vectors
    finally:
        await process.close()


def _slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
