"""What every vector engine checks and adds before it keeps or searches points."""

from array import array
from collections.abc import Sequence
from math import isfinite
from typing import Any

from memos.errors import InvalidCommand, ModelMismatch
from memos.records import Collection, Point


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


def check_model(collection: Collection, where: str, model: object, dimension: object) -> None:
    """Compare what an engine holds with what is asked of it. Raises `ModelMismatch`."""
    if (model, dimension) != (collection.model, collection.dimension):
        raise ModelMismatch(
            f"The collection {collection.name} in {where} holds vectors of {model} ({dimension} dimensions), "
            f"but the settings name {collection.model} ({collection.dimension}). Set MEMOS_EMBEDDER and "
            f"MEMOS_EMBEDDING_MODEL to the former model, or start with another MEMOS_HOME or an empty collection."
        )
