"""In-memory twins of the ports, which pass the same contract suites as the real adapters."""

import json
from array import array
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from heapq import nlargest
from math import sqrt
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json
from qdrant_client import models
from qdrant_client.local.payload_filters import check_filter

from memos.errors import CollectionMissing, Unavailable
from memos.lexical import idf
from memos.ports import Filter
from memos.records import Candidate, Collection, Hit, Point, Question, RecordKey, Seen, Terms, Vector
from memos.stores.filters import parse_filter
from memos.stores.points import (
    CANDIDATE_FIELDS,
    CheckedQuestion,
    candidate,
    check_model,
    check_terms,
    checked,
    float32s,
    payload_with_key,
    require_few,
    seen,
    sparse,
)


class TwinPoint(NamedTuple):
    """A point as a twin keeps it: its vector of unit length, what JSON makes of its payload, and its terms."""

    unit: list[float]
    payload: dict[str, Any]
    terms: Terms


@dataclass(frozen=True)
class TwinGeneration:
    """What a twin keeps of one generation of a collection."""

    model: str
    dimension: int
    has_terms: bool
    points: dict[RecordKey, TwinPoint] = field(default_factory=dict)


TwinMemory = MutableMapping[tuple[str, int], TwinGeneration]
"""The generations that twins share, by name and number."""


class TwinVectors:
    """One generation of a collection in memory; while `away` is set, every call raises `Unavailable`.

    Like an engine that lost its data, it has nothing after `drop` and says so until `recreate`.
    """

    def __init__(self, collection: Collection, kept: TwinMemory | None = None) -> None:
        self.collection = collection
        self.away = False
        self._kept: TwinMemory = {} if kept is None else kept
        self._make()

    async def upsert(self, points: Sequence[Point]) -> None:
        """Write points, each searchable on return. Raises `InvalidCommand`, `Unavailable`."""
        kept = self._points()
        for point in points:
            unit = _unit(float32s(point.vector, self.collection))
            terms = dict(zip(*sparse(point.terms), strict=True)) if self.collection.has_terms else {}
            kept[point.key.record] = TwinPoint(unit, json.loads(to_json(payload_with_key(point))), terms)

    async def delete(self, keys: Sequence[RecordKey]) -> None:
        """Remove points; keys without a point are no error. Raises `Unavailable`."""
        kept = self._points()
        for key in keys:
            kept.pop(key, None)

    async def search(self, vector: Vector, *, matching: Filter, limit: int) -> list[Hit]:
        """The most similar points that match, best first. Raises `InvalidCommand`, `Unavailable`."""
        points = self._points()
        query = _unit(float32s(vector, self.collection))
        hits = [Hit(key.memory_id, _cosine(query, point.unit)) for key, point in _matching(points, matching)]
        return sorted(hits, key=lambda hit: -hit.score)[: max(limit, 0)]

    async def candidates(
        self, question: Question, *, matching: Filter, corpus: Filter, limit: int
    ) -> list[Candidate]:
        """What matches and comes first, by meaning or by terms. Raises `InvalidCommand`, `Unavailable`."""
        points, taken = self._points(), checked(question, self.collection)
        require_few(limit)
        found = _measured(taken, _matching(points, matching), _idf(points, taken.terms, corpus))
        scores = [{key: one.similarities[i] for key, one in found.items()} for i in range(len(taken.vectors))]
        scores.append({key: one.bm25 for key, one in found.items() if one.bm25})
        best = {key for each in scores for key in nlargest(limit, each, key=each.__getitem__)}
        return [found[key] for key in best]

    async def measured(
        self, question: Question, keys: Sequence[RecordKey], *, matching: Filter, corpus: Filter
    ) -> list[Candidate]:
        """Those that have a point and match, measured. Raises `InvalidCommand`, `Unavailable`."""
        points, taken = self._points(), checked(question, self.collection)
        wanted = {key: points[key] for key in keys if key in points}
        found = _measured(taken, _matching(wanted, matching), _idf(points, taken.terms, corpus))
        return list(found.values())

    async def present(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Seen]:
        """Those of the records that have a point, and what it is. Raises `Unavailable`."""
        kept = self._points()
        return {key: _seen(key, kept[key]) for key in keys if key in kept}

    async def scroll(self, after: UUID | None, limit: int) -> list[Seen]:
        """At most `limit` points in the order of their ids, from the one after `after`. Raises `Unavailable`."""
        kept = sorted(self._points().items(), key=lambda one: one[0].point_id)
        following = [_seen(key, point) for key, point in kept if after is None or key.point_id > after]
        return following[: max(limit, 0)]

    async def drop(self) -> None:
        """Remove this generation for good; none is no error. Raises `Unavailable`."""
        self._answer()
        self._kept.pop(self._place, None)

    async def recreate(self) -> None:
        """Make this generation anew, empty, if it was dropped.

        Raises `Unavailable`, `ModelMismatch`, `ConfigurationError`.
        """
        self._answer()
        held = self._make()
        check_model(self.collection, "memory", held.model, held.dimension)
        check_terms(self.collection, "memory", held.has_terms)

    async def announce(self) -> None:
        """Do nothing: only its owner reads a twin. Raises `Unavailable`."""
        self._answer()

    async def count(self, matching: Filter) -> int:
        """How many points match. Raises `InvalidCommand`, `Unavailable`."""
        return sum(1 for _ in _matching(self._points(), matching))

    async def ping(self) -> None:
        """Return unless the twin is `away`. Raises `Unavailable`."""
        self._answer()

    def _answer(self) -> None:
        if self.away:
            raise Unavailable(f"The twin of the collection {self.collection.name} is away, as the test asked.")

    @property
    def _place(self) -> tuple[str, int]:
        return self.collection.name, self.collection.generation

    def _make(self) -> TwinGeneration:
        wanted = self.collection
        empty = TwinGeneration(wanted.model, wanted.dimension, wanted.has_terms)
        return self._kept.setdefault(self._place, empty)

    def _points(self) -> dict[RecordKey, TwinPoint]:
        self._answer()
        if self._place not in self._kept:
            name, number = self._place
            raise CollectionMissing(f"The twin has no generation {number} of the collection {name} any more.")
        return self._kept[self._place].points


@asynccontextmanager
async def open_twin(collection: Collection, *, kept: TwinMemory) -> AsyncIterator[TwinVectors]:
    """The twin of a generation among those kept, made if missing. Raises `ModelMismatch`."""
    twin = TwinVectors(collection, kept)
    await twin.recreate()
    yield twin


def _matching(points: Mapping[RecordKey, TwinPoint], matching: Filter) -> Iterator[tuple[RecordKey, TwinPoint]]:
    wanted = models.Filter.model_validate(parse_filter(matching).as_json())
    for key, point in points.items():
        if check_filter(wanted, point.payload, str(key.point_id), {}):
            yield key, point


def _idf(points: Mapping[RecordKey, TwinPoint], terms: Sequence[int], corpus: Filter) -> dict[int, float]:
    """The inverse document frequency of each term, among the points of the corpus that have any terms."""
    texts = [point.terms for _, point in _matching(points, corpus) if point.terms]
    having = {term: sum(term in text for text in texts) for term in terms}
    return {term: idf(len(texts), number) for term, number in having.items()}


def _measured(
    question: CheckedQuestion, points: Iterable[tuple[RecordKey, TwinPoint]], idfs: Mapping[int, float]
) -> dict[RecordKey, Candidate]:
    units = [_unit(vector) for vector in question.vectors]
    found = {}
    for key, point in points:
        terms = {term: point.terms[term] for term in idfs if term in point.terms}
        bm25 = sum((idfs[term] * weight for term, weight in terms.items()), 0.0)
        payload = {name: point.payload[name] for name in CANDIDATE_FIELDS if name in point.payload}
        found[key] = candidate([_cosine(unit, point.unit) for unit in units], bm25, terms, payload)
    return found


def _cosine(unit: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(unit, other, strict=True))


def _seen(key: RecordKey, point: TwinPoint) -> Seen:
    return seen(str(key.point_id), point.payload)


def _unit(vector: "array[float]") -> list[float]:
    length = sqrt(sum(number * number for number in vector)) or 1.0
    return [number / length for number in vector]
