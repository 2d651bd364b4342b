"""What every vector engine checks and adds before it keeps or searches points."""

from array import array
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any
from uuid import UUID

from memos.errors import InvalidCommand, ModelMismatch, Unavailable
from memos.records import Collection, Point, Seen, VersionKey

SEEN_FIELDS = ("tenant", "memory_id", "version", "content_hash")
"""What of a payload `seen` reads."""

LAST_ID = UUID(int=2**128 - 1)
"""The id of a point after which there can be no other."""


def float32s(vector: Sequence[float], collection: Collection) -> "array[float]":
    """The vector as engines keep it. Raises `InvalidCommand` unless it fits the collection and is finite."""
    if len(vector) != collection.dimension:
        raise InvalidCommand(
            f"A vector of {len(vector)} dimensions was given for the collection {collection.name}, whose "
            f"vectors have {collection.dimension}. Use vectors of {collection.model}."
        )
    try:
        floats = array("f", vector)
    except TypeError as error:
        raise InvalidCommand(f"A vector is a list of numbers: {error}.") from error
    if not isfinite(sum(floats)):
        raise InvalidCommand("A vector has a number that is infinite, not a number, or too large for 32 bits.")
    return floats


def payload_with_key(point: Point) -> dict[str, Any]:
    """The point's payload with its key, so that no filter can miss it and every hit can name its memory."""
    tenant, memory_id, version = point.key
    return {**point.payload, "tenant": tenant, "memory_id": str(memory_id), "version": version}


def seen(point_id: str, payload: Mapping[str, Any]) -> Seen:
    """What an engine says of a point, from its payload's `SEEN_FIELDS`. Raises `Unavailable` without a key."""
    try:
        key = VersionKey(payload["tenant"], UUID(str(payload["memory_id"])), int(payload["version"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable(
            f"The vector engine holds a point {point_id} that memOS did not write: {error!r} in its payload. "
            f"Delete the point, or rebuild the collection from the ledger."
        ) from error
    return Seen(UUID(point_id), key, _digest(payload.get("content_hash")))


def _digest(written: object) -> bytes | None:
    try:
        return bytes.fromhex(written) if isinstance(written, str) else None
    except ValueError:
        return None


def check_model(collection: Collection, where: str, model: object, dimension: object) -> None:
    """Compare what an engine holds with what is asked of it. Raises `ModelMismatch`."""
    if (model, dimension) != (collection.model, collection.dimension):
        raise ModelMismatch(
            f"The collection {collection.name} in {where} holds vectors of {model} ({dimension} dimensions), "
            f"but the settings name {collection.model} ({collection.dimension}). Set MEMOS_EMBEDDER and "
            f"MEMOS_EMBEDDING_MODEL to the former model, or start with another MEMOS_HOME or an empty collection."
        )
