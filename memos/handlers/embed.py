"""Vectors for texts: the caller's own, those computed before, and those that must be made."""

import math
from array import array
from collections.abc import Awaitable, Callable, Mapping, Sequence

from memos.bisect import bisected
from memos.errors import Fault, InvalidCommand, MemosError
from memos.events.memories import StoreMemory
from memos.handlers.batching import Wish
from memos.ports import Embedder, Memories
from memos.records import Embedding, TextKey, Vector, content_hash

KnownVectors = Callable[[str, Sequence[TextKey]], Awaitable[Mapping[TextKey, Vector]]]
"""Those of the vectors of texts that a model made before."""

SHORTEST, LONGEST = 1e-15, 1e15
"""Lengths of a vector whose square 32 bits can hold, which engines compute when they normalise it."""


async def embeddings_of(
    wishes: Sequence[Wish[StoreMemory]], *, memories: Memories, embedder: Embedder
) -> list[Embedding | MemosError]:
    """An embedding for each wish, or the error that says why there is none, in order."""
    texts = {
        text_key(wish.origin.tenant, wish.command.content): wish.command.content
        for wish in wishes
        if wish.command.embedding is None
    }
    computed = await vectors_of(texts, known=memories.known_vectors, embedder=embedder)
    return [
        _computed(computed[text_key(wish.origin.tenant, wish.command.content)], embedder)
        if wish.command.embedding is None
        else supplied(wish.command, embedder)
        for wish in wishes
    ]


async def vectors_of(
    texts: Mapping[TextKey, str], *, known: KnownVectors, embedder: Embedder
) -> dict[TextKey, Vector | MemosError]:
    """Vectors by text; a text embedded before is not embedded again. Raises `Unavailable`."""
    if not texts:
        return {}
    found: dict[TextKey, Vector | MemosError] = dict(await known(embedder.model, list(texts)))
    missing = [key for key in texts if key not in found]
    made = await bisected([texts[key] for key in missing], embedder.embed)
    return found | dict(zip(missing, made, strict=True))


def text_key(tenant: str, text: str) -> TextKey:
    """What vectors are reused by: never across tenants."""
    return TextKey(tenant, content_hash(text))


def supplied(command: StoreMemory, embedder: Embedder) -> Embedding | MemosError:
    """The caller's own vector, refused unless the collection could have been made with it."""
    numbers = command.embedding or []
    if command.embedding_model != embedder.model:
        return _refused(
            "embedding_model", f"{command.embedding_model!r} is not the collection's model {embedder.model!r}"
        )
    if len(numbers) != embedder.dimension:
        return _refused("embedding", f"has {len(numbers)} dimensions, the collection {embedder.dimension}")
    vector = in_float32(numbers)
    if vector is None:
        return _refused("embedding", "is all zeros or too large, and so has no direction")
    return Embedding(embedder.model, vector, computed=False)


def in_float32(numbers: Sequence[float]) -> Vector | None:
    """A vector as 32-bit floats: brought to unit length when they cannot hold it as it is, or none at all."""
    vector = array("f", numbers)
    if SHORTEST < math.hypot(*vector) < LONGEST:
        return vector
    length = math.hypot(*numbers)
    return array("f", [number / length for number in numbers]) if 0 < length < math.inf else None


def _computed(vector: Vector | MemosError, embedder: Embedder) -> Embedding | MemosError:
    return vector if isinstance(vector, MemosError) else Embedding(embedder.model, vector, computed=True)


def _refused(field: str, message: str) -> InvalidCommand:
    advice = "Send a vector of the collection's model, or none and have it computed"
    return InvalidCommand(f"{field} {message}. {advice}.", faults=[Fault(field, message)])
