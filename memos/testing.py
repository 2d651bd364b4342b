"""In-memory twins of the ports, which pass the same contract suites as the real adapters."""

import json
from array import array
from collections.abc import AsyncIterator, Iterator, MutableMapping, Sequence
from contextlib import asynccontextmanager
from math import sqrt
from typing import Any, NamedTuple

from pydantic_core import to_json
from qdrant_client import models
from qdrant_client.local.payload_filters import check_filter

from memos.errors import Unavailable
from memos.ports import Filter
from memos.records import Collection, Hit, Point, RecordKey, Vector
from memos.stores.filters import parse_filter
from memos.stores.points import check_model, float32s, payload_with_key


class _Kept(NamedTuple):
    unit: list[float]
    payload: dict[str, Any]


class TwinVectors:
    """One collection in memory; while `away` is set, every call raises `Unavailable`."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.away = False
        self._kept: dict[RecordKey, _Kept] = {}

    async def upsert(self, points: Sequence[Point]) -> None:
        """Write points, each searchable on return. Raises `InvalidCommand`, `Unavailable`."""
        self._answer()
        for point in points:
            unit = _unit(float32s(point.vector, self.collection))
            self._kept[point.key.record] = _Kept(unit, json.loads(to_json(payload_with_key(point))))

    async def delete(self, keys: Sequence[RecordKey]) -> None:
        """Remove points; keys without a point are no error. Raises `Unavailable`."""
        self._answer()
        for key in keys:
            self._kept.pop(key, None)

    async def search(self, vector: Vector, *, matching: Filter, limit: int) -> list[Hit]:
        """The most similar points that match, best first. Raises `InvalidCommand`, `Unavailable`."""
        self._answer()
        query = _unit(float32s(vector, self.collection))
        hits = [
            Hit(key.memory_id, sum(a * b for a, b in zip(query, kept.unit, strict=True)))
            for key, kept in self._matching(matching)
        ]
        return sorted(hits, key=lambda hit: -hit.score)[: max(limit, 0)]

    async def count(self, matching: Filter) -> int:
        """How many points match. Raises `InvalidCommand`, `Unavailable`."""
        self._answer()
        return sum(1 for _ in self._matching(matching))

    async def ping(self) -> None:
        """Return unless the twin is `away`. Raises `Unavailable`."""
        self._answer()

    def _answer(self) -> None:
        if self.away:
            raise Unavailable(f"The twin of the collection {self.collection.name} is away, as the test asked.")

    def _matching(self, matching: Filter) -> Iterator[tuple[RecordKey, _Kept]]:
        wanted = models.Filter.model_validate(parse_filter(matching).as_json())
        for key, kept in self._kept.items():
            if check_filter(wanted, kept.payload, str(key.point_id), {}):
                yield key, kept


@asynccontextmanager
async def open_twin(
    collection: Collection, *, kept: MutableMapping[str, TwinVectors]
) -> AsyncIterator[TwinVectors]:
    """The twin of a collection among those kept, made if missing. Raises `ModelMismatch`."""
    twin = kept.setdefault(collection.name, TwinVectors(collection))
    check_model(collection, "memory", twin.collection.model, twin.collection.dimension)
    yield twin


def _unit(vector: "array[float]") -> list[float]:
    length = sqrt(sum(number * number for number in vector)) or 1.0
    return [number / length for number in vector]
