"""Every engine behind the port `Vectors`, the in-memory twin included, and points for their contract."""

import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from qdrant_client import AsyncQdrantClient

from memos.ports import Vectors
from memos.records import Collection, Point, RecordKey, Terms, VersionKey
from memos.stores.qdrant import QdrantVectors, open_collection

INDEXES = {
    "tenant": "keyword",
    "agent_id": "keyword",
    "visibility": "keyword",
    "tags": "keyword",
    "kind": "keyword",
    "session_id": "uuid",
    "importance": "float",
    "sequence": "integer",
    "pinned": "bool",
    "created_at": "datetime",
}
NAMES = UUID("0191d1a0-0000-7000-8000-000000000000")


@dataclass(frozen=True)
class Engine:
    """An engine under test; `open` gives one of its collections."""

    open: Callable[[Collection], AbstractAsyncContextManager[Vectors]]


@asynccontextmanager
async def open_imitation(client: AsyncQdrantClient, collection: Collection) -> AsyncIterator[QdrantVectors]:
    yield await open_collection(client, collection, where="Qdrant in memory", indexed=False)


def point(
    name: str,
    vector: Sequence[float],
    terms: Terms | None = None,
    *,
    tenant: str = "default",
    version: int = 1,
    **payload: Any,
) -> Point:
    return Point(VersionKey(tenant, id_of(name), version), vector, payload, terms or {})


def id_of(name: str) -> UUID:
    return uuid5(NAMES, name)


def key_of(name: str) -> RecordKey:
    return RecordKey("default", id_of(name))


def equals(key: str, value: str | int | bool) -> dict[str, Any]:
    return {"key": key, "match": {"value": value}}


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)


X, Y, Z, W = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]
