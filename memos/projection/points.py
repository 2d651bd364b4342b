"""Memories as points: what the vector engine keeps of them to search and to filter."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from memos.ports import Filter
from memos.records import Collection, Draft, Generation, Memory, Point, Vector, VersionKey

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
}


def memories_collection(model: str, dimension: int, generation: int = 1) -> Collection:
    """The collection of memories, made with one model."""
    return Collection(MEMORIES, model, dimension, MEMORY_INDEXES, generation)


def collection_of(generation: Generation) -> Collection:
    """The collection of one generation of the memories."""
    return memories_collection(generation.model, generation.dimension, generation.number)


def point_of(key: VersionKey, memory: Memory | Draft, vector: Vector) -> Point:
    """The point of a memory."""
    return Point(key, vector, _payload(key.tenant, key.memory_id, key.version, memory))


def _payload(tenant: str, memory_id: UUID, version: int, memory: Memory | Draft) -> dict[str, Any]:
    """What is filtered by; fields without a value are left out, since every field costs the engine time."""
    fields = {
        "tenant": tenant,
        "memory_id": str(memory_id),
        "version": version,
        "content_hash": memory.content_hash.hex(),
        "agent_id": memory.agent_id,
        "visibility": memory.visibility,
        "kind": memory.kind,
        "session_id": memory.session_id,
        "source": memory.source.uri if memory.source else None,
        "tags": list(memory.tags),
        "occurred_at": memory.occurred_at.isoformat() if memory.occurred_at else None,
        "metadata": dict(memory.metadata),
    }
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def seen_by(tenant: str, agent_id: str) -> Filter:
    """The filter of what an agent sees: its own memories, and the shared ones of its tenant."""
    return {
        "must": [match("tenant", tenant)],
        "should": [match("agent_id", agent_id), match("visibility", "shared")],
    }


def match(key: str, value: str | int | bool) -> Filter:
    """The condition that a payload field has a value, or that a list has it among its items."""
    return {"key": key, "match": {"value": value}}
