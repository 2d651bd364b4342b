"""Vectors for texts: the caller's own, those computed before, and those that must be made."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from memos.errors import Fault, InvalidCommand, MemosError
from memos.events.memories import StoreMemory
from memos.handlers.bisect import bisected
from memos.ports import Embedder, Memories
from memos.records import Embedding, Origin, Vector, content_hash

TextKey = tuple[str, bytes]


class Wish(NamedTuple):
    """A memory that somebody wants stored."""

    origin: Origin
    command: StoreMemory


async def embeddings_of(
    wishes: Sequence[Wish], *, memories: Memories, embedder: Embedder
) -> list[Embedding | MemosError]:
    """An embedding for each wish, or the error that says why there is none, in order."""
    texts = {
        text_key(wish.origin.tenant, wish.command.content): wish.command.content
        for wish in wishes
        if wish.command.embedding is None
    }
    computed = await vectors_of(texts, memories=memories, embedder=embedder)
    return [
        _computed(computed[text_key(wish.origin.tenant, wish.command.content)], embedder)
        if wish.command.embedding is None
        else supplied(wish.command, embedder)
        for wish in wishes
    ]


async def vectors_of(
    texts: Mapping[TextKey, str], *, memories: Memories, embedder: Embedder
) -> dict[TextKey, Vector | MemosError]:
    """Vectors by text; a text embedded before is not embedded again. Raises `Unavailable`."""
    if not texts:
        return {}
    found: dict[TextKey, Vector | MemosError] = dict(await memories.known_vectors(embedder.model, list(texts)))
    missing = [key for key in texts if key not in found]
    made = await bisected([texts[key] for key in missing], embedder.embed)
    return found | dict(zip(missing, made, strict=True))


def text_key(tenant: str, text: str) -> TextKey:
    """What vectors are reused by: never across tenants."""
    return tenant, content_hash(text)


def supplied(command: StoreMemory, embedder: Embedder) -> Embedding | MemosError:
    """The caller's own vector at unit length, refused unless the collection could have been made with it."""
    vector = command.embedding or []
    if command.embedding_model != embedder.model:
        return _refused(
            "embedding_model", f"{command.embedding_model!r} is not the collection's model {embedder.model!r}"
        )
    if len(vector) != embedder.dimension:
        return _refused("embedding", f"has {len(vector)} dimensions, the collection {embedder.dimension}")
    length = math.hypot(*vector)
    if not 0 < length < math.inf:
        return _refused("embedding", "is all zeros or too large, and so has no direction")
    return Embedding(embedder.model, [number / length for number in vector], computed=False)


def _computed(vector: Vector | MemosError, embedder: Embedder) -> Embedding | MemosError:
    return vector if isinstance(vector, MemosError) else Embedding(embedder.model, vector, computed=True)


def _refused(field: str, message: str) -> InvalidCommand:
    advice = "Send a vector of the collection's model, or none and have it computed"
    return InvalidCommand(f"{field} {message}. {advice}.", faults=[Fault(field, message)])
