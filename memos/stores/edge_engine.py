"""One collection in Qdrant Edge, whose Python package the Edge process alone imports.

Every Edge call holds the GIL, so nothing here is asynchronous. A shard is never optimised while it
serves, for that would stop everything for many seconds: it stays one growing segment that is searched
exactly. What is acknowledged is in the shard's write-ahead log and survives a kill; flushing moves it
into the segment and keeps the log, and thereby the next start, short.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any
from uuid import UUID

import qdrant_edge as edge

from memos.errors import InvalidCommand, Unavailable
from memos.stores import filters
from memos.stores.edge_filters import edge_filter
from memos.stores.edge_frames import Row
from memos.stores.edge_questions import EdgeQuestion, among, candidates, measured
from memos.stores.points import LAST_ID, MAX_VECTORS, SEEN_FIELDS, TERMS, Sparse

WRITES_BEFORE_FLUSH = 512
"""Writes after which the log is flushed, lest the next start takes long: it replays 30,000 points a second.

A flush waits for the disk, and everybody for the flush: 50 ms for 512 writes of 32 points, more on a busy disk.
"""

INDEX_TYPES: Mapping[str, edge.PayloadSchemaType] = {
    "keyword": edge.PayloadSchemaType.Keyword,
    "integer": edge.PayloadSchemaType.Integer,
    "float": edge.PayloadSchemaType.Float,
    "bool": edge.PayloadSchemaType.Bool,
    "datetime": edge.PayloadSchemaType.Datetime,
    "uuid": edge.PayloadSchemaType.Uuid,
}


class EdgeCollection:
    """A shard of cosine vectors of one dimension, with its payload indexes, and terms if it has any."""

    def __init__(self, shard: edge.EdgeShard, name: str, dimension: int, *, has_terms: bool) -> None:
        self._shard = shard
        self._unflushed = 0
        self.name = name
        self.dimension = dimension
        self.has_terms = has_terms

    @classmethod
    def create(cls, folder: Path, name: str, dimension: int, *, has_terms: bool) -> "EdgeCollection":
        """Make a shard in an empty folder. Raises `Unavailable`."""
        terms = {TERMS: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)} if has_terms else None
        config = edge.EdgeConfig(
            vectors=edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine), sparse_vectors=terms
        )
        with _engine_errors("create", name):
            return cls(edge.EdgeShard.create(str(folder), config), name, dimension, has_terms=has_terms)

    @classmethod
    def load(cls, folder: Path, name: str, dimension: int, *, has_terms: bool) -> "EdgeCollection":
        """Open a shard and replay its log. Raises `Unavailable`."""
        with _engine_errors("load", name):
            return cls(edge.EdgeShard.load(str(folder)), name, dimension, has_terms=has_terms)

    def add_indexes(self, indexes: Mapping[str, str]) -> None:
        """Index payload fields that are not yet. Raises `InvalidCommand` for an unknown type of index."""
        with _engine_errors("index", self.name):
            for field in indexes.keys() - self._shard.info().payload_schema.keys():
                self._write(edge.UpdateOperation.create_field_index(field, _index(field, indexes[field])))

    def upsert(
        self,
        ids: Sequence[str],
        numbers: "array[float]",
        payloads: Sequence[dict[str, Any]],
        terms: Sequence[Sparse] = (),
    ) -> None:
        """Write points, whose vectors follow one another in `numbers`; none has terms when these are empty.

        Raises `InvalidCommand`.
        """
        self._check(len(numbers), len(ids))
        if len(payloads) != len(ids):
            raise InvalidCommand(f"{len(ids)} points came with {len(payloads)} payloads.")
        if terms and len(terms) != len(ids):
            raise InvalidCommand(f"{len(ids)} points came with the terms of {len(terms)}.")
        self._require_terms(any(one.indices for one in terms))
        vectors = map(_with_terms, self._vectors(numbers), terms or repeat(None))
        with _engine_errors("upsert", self.name):
            points = list(map(edge.Point, ids, vectors, payloads))
            self._write(edge.UpdateOperation.upsert_points(points))

    def delete(self, ids: Sequence[str]) -> None:
        """Remove points, if they are there."""
        with _engine_errors("delete", self.name):
            self._write(edge.UpdateOperation.delete_points(list(ids)))

    def search(self, vector: "array[float]", clause: filters.Clause, limit: int) -> list[tuple[str, float]]:
        """The `memory_id`s and cosines of the most similar points, best first. Raises `InvalidCommand`."""
        self._check(len(vector), 1)
        with _engine_errors("search", self.name):
            request = edge.SearchRequest(
                query=edge.Query.Nearest(vector.tolist()),
                filter=edge_filter(clause),
                limit=limit,
                with_payload=["memory_id"],
            )
            return [((hit.payload or {})["memory_id"], hit.score) for hit in self._shard.search(request)]

    def candidates(
        self,
        numbers: "array[float]",
        terms: Sequence[int],
        *,
        matching: filters.Clause,
        corpus: filters.Clause,
        limit: int,
    ) -> list[Row]:
        """What is measured of the best points by each of the vectors and by the terms. Raises `InvalidCommand`."""
        question = self._question(numbers, terms, corpus)
        with _engine_errors("search", self.name):
            return candidates(self._shard, question, edge_filter(matching), limit)

    def measured(
        self,
        numbers: "array[float]",
        terms: Sequence[int],
        ids: Sequence[UUID],
        *,
        matching: filters.Clause,
        corpus: filters.Clause,
    ) -> list[Row]:
        """What is measured of those of the points that are there and match. Raises `InvalidCommand`."""
        question = self._question(numbers, terms, corpus)
        with _engine_errors("measure", self.name):
            these = among(set(ids), edge_filter(matching))
            return measured(self._shard, question, these, len(ids)) if ids else []

    def present(self, ids: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
        """The ids and `SEEN_FIELDS` of those of the points that are there. Raises `InvalidCommand`."""
        with _engine_errors("read", self.name):
            return _seen(self._shard.retrieve(list(ids), with_payload=list(SEEN_FIELDS), with_vector=False))

    def scroll(self, after: UUID | None, limit: int) -> list[tuple[str, dict[str, Any]]]:
        """The ids and `SEEN_FIELDS` of points in the order of their ids, from the one after `after`."""
        if after == LAST_ID:
            return []
        start = UUID(int=after.int + 1) if after else None
        with _engine_errors("scroll", self.name):
            request = edge.ScrollRequest(
                offset=start, limit=limit, with_payload=list(SEEN_FIELDS), with_vector=False
            )
            return _seen(self._shard.scroll(request)[0])

    def count(self, clause: filters.Clause) -> int:
        """How many points match, exactly."""
        with _engine_errors("count", self.name):
            return self._shard.count(edge.CountRequest(exact=True, filter=edge_filter(clause)))

    def flush(self) -> None:
        """Move what was written since the last flush from the log into the segment."""
        if self._unflushed:
            with _engine_errors("flush", self.name):
                self._shard.flush()
            self._unflushed = 0

    def close(self) -> None:
        """Flush and close the shard."""
        self.flush()
        self.discard()

    def discard(self) -> None:
        """Close the shard of which nothing is wanted any more."""
        with _engine_errors("close", self.name):
            self._shard.close()

    def _write(self, operation: edge.UpdateOperation) -> None:
        self._shard.update(operation)
        self._unflushed += 1
        if self._unflushed >= WRITES_BEFORE_FLUSH:
            self.flush()

    def _vectors(self, numbers: "array[float]") -> list[list[float]]:
        starts = range(0, len(numbers), self.dimension)
        return [numbers[start : start + self.dimension].tolist() for start in starts]

    def _question(self, numbers: "array[float]", terms: Sequence[int], corpus: filters.Clause) -> EdgeQuestion:
        vectors = len(numbers) // self.dimension
        if not 1 <= vectors <= MAX_VECTORS:
            raise InvalidCommand(f"A question has from 1 to {MAX_VECTORS} vectors of {self.dimension} dimensions.")
        self._check(len(numbers), vectors)
        self._require_terms(bool(terms))
        return EdgeQuestion(self._vectors(numbers), terms, edge_filter(corpus) or edge.Filter())

    def _require_terms(self, wanted: bool) -> None:
        if wanted and not self.has_terms:
            raise InvalidCommand(f"The collection {self.name} was made without terms. Run `memos rebuild`.")

    def _check(self, numbers: int, vectors: int) -> None:
        if numbers != vectors * self.dimension:
            raise InvalidCommand(
                f"{numbers} numbers were given for {vectors} vectors of the collection {self.name}, "
                f"which have {self.dimension} dimensions."
            )


def _with_terms(vector: list[float], terms: Sparse | None) -> "dict[str, edge.NamedVector]":
    """What has no terms has no sparse vector either: BM25 counts those that have one."""
    if not (terms and terms.indices):
        return {"": vector}
    return {"": vector, TERMS: edge.SparseVector(terms.indices.tolist(), terms.weights.tolist())}


def _seen(records: Sequence[edge.Record]) -> list[tuple[str, dict[str, Any]]]:
    return [(str(record.id), record.payload or {}) for record in records]


def _index(field: str, index_type: str) -> edge.PayloadSchemaType | edge.KeywordIndexParams:
    if field == "tenant":
        return edge.KeywordIndexParams(is_tenant=True)
    if index_type not in INDEX_TYPES:
        known = ", ".join(INDEX_TYPES)
        raise InvalidCommand(f"The field {field} cannot be indexed as {index_type}; known are {known}.")
    return INDEX_TYPES[index_type]


@contextmanager
def _engine_errors(doing: str, collection: str) -> Iterator[None]:
    """Edge raises plain `Exception`, and `ValueError`, `TypeError` or `OverflowError` for bad values."""
    try:
        yield
    except InvalidCommand:
        raise
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidCommand(f"Qdrant Edge refused to {doing} in the collection {collection}: {error}.") from error
    except Exception as error:
        raise Unavailable(
            f"Qdrant Edge failed to {doing} in the collection {collection}: {error}. If it happens again, move "
            f"the collection's folder away and rebuild it from the ledger."
        ) from error
