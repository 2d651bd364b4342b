"""One collection in Qdrant Edge; the sole importer of `qdrant_edge`, used only by the Edge process.

Every Edge call holds the GIL, so nothing here is asynchronous. A shard is never optimised while it
serves, for that would stop everything for many seconds: it stays one growing segment that is searched
exactly. What is acknowledged is in the shard's write-ahead log and survives a kill; flushing moves it
into the segment and keeps the log, and thereby the next start, short.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy
import qdrant_edge as edge

from memos.errors import InvalidCommand, Unavailable
from memos.stores import filters
from memos.stores.points import LAST_ID, SEEN_FIELDS

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
    """A shard of cosine vectors of one dimension, with its payload indexes."""

    def __init__(self, shard: edge.EdgeShard, name: str, dimension: int) -> None:
        self._shard = shard
        self._unflushed = 0
        self.name = name
        self.dimension = dimension

    @classmethod
    def create(cls, folder: Path, name: str, dimension: int) -> "EdgeCollection":
        """Make a shard in an empty folder. Raises `Unavailable`."""
        params = edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine)
        with _engine_errors("create", name):
            return cls(edge.EdgeShard.create(str(folder), edge.EdgeConfig(vectors=params)), name, dimension)

    @classmethod
    def load(cls, folder: Path, name: str, dimension: int) -> "EdgeCollection":
        """Open a shard and replay its log. Raises `Unavailable`."""
        with _engine_errors("load", name):
            return cls(edge.EdgeShard.load(str(folder)), name, dimension)

    def add_indexes(self, indexes: Mapping[str, str]) -> None:
        """Index payload fields that are not yet. Raises `InvalidCommand` for an unknown type of index."""
        with _engine_errors("index", self.name):
            for field in indexes.keys() - self._shard.info().payload_schema.keys():
                self._write(edge.UpdateOperation.create_field_index(field, _index(field, indexes[field])))

    def upsert(self, ids: Sequence[str], numbers: "array[float]", payloads: Sequence[dict[str, Any]]) -> None:
        """Write points, whose vectors follow one another in `numbers`. Raises `InvalidCommand`."""
        self._check(len(numbers), len(ids))
        if len(payloads) != len(ids):
            raise InvalidCommand(f"{len(ids)} points came with {len(payloads)} payloads.")
        ends = range(self.dimension, len(numbers) + 1, self.dimension)
        with _engine_errors("upsert", self.name):
            points = [
                edge.Point(point_id, numbers[end - self.dimension : end].tolist(), payload)
                for point_id, end, payload in zip(ids, ends, payloads, strict=True)
            ]
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

    def _check(self, numbers: int, vectors: int) -> None:
        if numbers != vectors * self.dimension:
            raise InvalidCommand(
                f"{numbers} numbers were given for {vectors} vectors of the collection {self.name}, "
                f"which have {self.dimension} dimensions."
            )


def _seen(records: Sequence[edge.Record]) -> list[tuple[str, dict[str, Any]]]:
    return [(str(record.id), record.payload or {}) for record in records]


def edge_filter(clause: filters.Clause) -> edge.Filter | None:
    """A filter as Edge takes it; None when it lets everything pass."""
    return None if clause == filters.Clause() else _filter(clause)


def _filter(clause: filters.Clause) -> edge.Filter:
    fewest = clause.min_should
    return edge.Filter(
        must=_conditions(clause.must),
        should=_conditions(clause.should),
        must_not=_conditions(clause.must_not),
        min_should=edge.MinShould(_conditions(fewest.conditions) or [], fewest.min_count) if fewest else None,
    )


def _conditions(conditions: Sequence[filters.Condition]) -> "list[edge.ConditionType] | None":
    """None when there are none: within nested objects, Edge lets nothing pass an empty `should`."""
    return [_condition(condition) for condition in conditions] or None


def _condition(condition: filters.Condition) -> "edge.ConditionType":
    match condition:
        case filters.FieldCondition():
            return _field_condition(condition)
        case filters.IsEmpty(is_empty=field):
            return edge.IsEmptyCondition(field.key)
        case filters.IsNull(is_null=field):
            return edge.IsNullCondition(field.key)
        case filters.HasId(has_id=ids):
            return edge.HasIdCondition(set(ids))
        case filters.NestedCondition(nested=nested):
            return edge.NestedCondition(nested.key, _filter(nested.filter))
        case filters.Clause():
            return _filter(condition)


def _field_condition(field: filters.FieldCondition) -> edge.FieldCondition:
    return edge.FieldCondition(
        key=field.key,
        match=_match(field.match) if field.match else None,
        range=_range(field.range) if field.range else None,
        values_count=edge.ValuesCount(**field.values_count.model_dump()) if field.values_count else None,
        is_empty=field.is_empty,
        is_null=field.is_null,
    )


def _match(match: filters.Match) -> "edge.MatchType":
    """Edge takes Python's booleans, which are integers too, for integers; numpy's it takes for booleans."""
    match match:
        case filters.MatchValue(value=bool(value)):
            return edge.MatchValue(numpy.bool_(value))  # type: ignore[arg-type]
        case filters.MatchValue(value=value):
            return edge.MatchValue(value)
        case filters.MatchAny(any=values):
            return edge.MatchAny(values)
        case filters.MatchExcept(except_=values):
            return edge.MatchExcept(values)
        case filters.MatchText(text=text):
            return edge.MatchText(text)


def _range(bounds: filters.Range) -> "edge.RangeType":
    if isinstance(bounds, filters.NumberRange):
        return edge.RangeFloat(**bounds.model_dump())
    return edge.RangeDateTime(**bounds.model_dump(mode="json"))


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
