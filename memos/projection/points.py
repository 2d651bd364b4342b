"""Memories as points: what the vector engine keeps of them to search and to filter."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from memos.cues import speakers
from memos.lexical import terms_of
from memos.ports import Filter
from memos.records import Collection, Draft, Generation, Memory, Point, RecordKey, Stored, Vector, VersionKey
from memos.records.payloads import payload_of

MEMORIES = "memories"
"""The name of the projection."""

MEMORY_INDEXES: Mapping[str, str] = {
    "tenant": "keyword",
    "agent_id": "keyword",
    "visibility": "keyword",
    "kind": "keyword",
    "session_id": "keyword",
    "source": "keyword",
    "tags": "keyword",
    "occurred_at": "datetime",
    "created_at": "datetime",
    "importance": "float",
    "sequence": "integer",
    "superseded": "bool",
    "marks": "keyword",
}


READ_AT_ONCE = 100_000
"""Characters that are cut into terms while everything else waits, which takes some 16 ms."""


class Making(NamedTuple):
    """What a point is made of, as `point_of` takes it."""

    key: VersionKey
    memory: Memory | Draft
    vector: Vector
    stored: Stored | None = None


def memories_collection(model: str, dimension: int, generation: int = 1) -> Collection:
    """The collection of memories, made with one model."""
    return Collection(MEMORIES, model, dimension, MEMORY_INDEXES, generation)


def collection_of(generation: Generation) -> Collection:
    """The collection of one generation of the memories; format 1 knew no terms."""
    collection = memories_collection(generation.model, generation.dimension, generation.number)
    return replace(collection, has_terms=generation.format > 1)


def point_of(key: VersionKey, memory: Memory | Draft, vector: Vector, stored: Stored | None = None) -> Point:
    """The point of a memory; that of a draft says what the ledger made of it, as far as it is `stored`."""
    kept = memory if isinstance(memory, Memory) else stored
    payload = {
        "tenant": key.tenant,
        "memory_id": str(key.memory_id),
        "version": key.version,
        "content_hash": memory.content_hash.hex(),
        **payload_of(
            agent_id=memory.agent_id,
            visibility=memory.visibility,
            kind=memory.kind,
            session_id=memory.session_id,
            source=memory.source.uri if memory.source else None,
            tags=memory.tags,
            metadata=memory.metadata,
            importance=memory.importance,
            sequence=kept.sequence if kept else memory.sequence,
            occurred_at=memory.occurred_at,
            created_at=kept.created_at if kept else None,
            superseded=isinstance(memory, Memory) and memory.superseded_by is not None,
            speaker=speakers(memory.content, memory.metadata),
        ),
    }
    return Point(key, vector, payload, terms_of(memory.content, memory.tags))


async def points_made(makings: Sequence[Making]) -> list[Point]:
    """The points of some memories, in order; made in a thread when there is much to read."""
    if sum(len(one.memory.content) for one in makings) <= READ_AT_ONCE:
        return _made(makings)
    return await asyncio.to_thread(_made, makings)


def _made(makings: Sequence[Making]) -> list[Point]:
    return [point_of(*one) for one in makings]


def seen_by(tenant: str, agent_id: str) -> Filter:
    """The filter of what an agent sees: its own memories, and the shared ones of its tenant."""
    return {
        "must": [match("tenant", tenant)],
        "should": [match("agent_id", agent_id), match("visibility", "shared")],
    }


def newest(matching: Filter) -> Filter:
    """A filter without the memories that others have superseded."""
    return {**matching, "must_not": [*matching.get("must_not", []), match("superseded", True)]}


def as_of(matching: Filter, moment: datetime) -> Filter:
    """A filter of what had occurred at a moment or, where nobody said when that was, had been stored."""
    occurred = {"key": "occurred_at", "range": {"lte": moment.isoformat()}}
    stored = {"key": "created_at", "range": {"lte": moment.isoformat()}}
    by_storing = {"must": [{"is_empty": {"key": "occurred_at"}}, stored]}
    return {**matching, "must": [*matching.get("must", []), {"should": [occurred, by_storing]}]}


def without(matching: Filter, records: Iterable[RecordKey]) -> Filter:
    """A filter without some records."""
    ids = [str(record.point_id) for record in records]
    return {**matching, "must_not": [*matching.get("must_not", []), {"has_id": ids}]}


def match(key: str, value: str | int | bool) -> Filter:
    """The condition that a payload field has a value, or that a list has it among its items."""
    return {"key": key, "match": {"value": value}}
