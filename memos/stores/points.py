"""What every vector engine checks and adds before it keeps or searches points."""

from array import array
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple
from uuid import UUID

from memos.errors import ConfigurationError, InvalidCommand, ModelMismatch, Unavailable
from memos.records import Candidate, Collection, Point, Question, Seen, Terms, VersionKey

SEEN_FIELDS = ("tenant", "memory_id", "version", "content_hash")
"""What of a payload `seen` reads."""

CANDIDATE_FIELDS = (
    "memory_id",
    "agent_id",
    "kind",
    "session_id",
    "source",
    "sequence",
    "speaker",
    "occurred_at",
    "created_at",
)
"""What of a payload a candidate brings: each field costs the engine a microsecond a point."""

TERMS = "terms"
"""The name under which engines keep the sparse vector of a point; the dense one has none."""

MAX_VECTORS = 8
"""Most vectors of one question."""

MAX_TERMS = 1024
"""Most terms of one question."""

MAX_NOMINATED = 2048
"""Most points that each vector of a question, or its terms, may nominate."""

MAX_MEASURED = 1024
"""Most points that are measured in one call."""

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


class Sparse(NamedTuple):
    """The terms of a point as engines keep them: their numbers, and as many weights."""

    indices: "array[int]"
    weights: "array[float]"


def sparse(terms: Terms) -> Sparse:
    """The terms of a point. Raises `InvalidCommand` unless numbers have 32 bits and weights are finite."""
    try:
        taken = Sparse(array("I", terms), array("f", terms.values()))
    except (TypeError, OverflowError) as error:
        raise InvalidCommand(f"Terms are numbers from 0 to 2**32 - 1 with weights: {error}.") from error
    if not isfinite(sum(taken.weights)):
        raise InvalidCommand("A term's weight is infinite, not a number, or too large for 32 bits.")
    return taken


class CheckedQuestion(NamedTuple):
    """A question as engines take it: vectors that fit the collection, and each term once."""

    vectors: "list[array[float]]"
    terms: list[int]


def checked(question: Question, collection: Collection) -> CheckedQuestion:
    """The question as a collection understands it: one without terms is not asked for any.

    Raises `InvalidCommand` for a question without a vector, and for one of too much.
    """
    if not 1 <= len(question.vectors) <= MAX_VECTORS:
        raise InvalidCommand(
            f"A question of {len(question.vectors)} vectors was asked; it has from 1 to {MAX_VECTORS}. Ask for the "
            "text as a whole and for its longest clauses."
        )
    terms = list(dict.fromkeys(sparse(dict.fromkeys(question.terms, 1.0)).indices))
    if len(terms) > MAX_TERMS:
        raise InvalidCommand(
            f"A question of {len(terms):,} different terms was asked; it has at most {MAX_TERMS:,}. Ask for fewer."
        )
    vectors = [float32s(vector, collection) for vector in question.vectors]
    return CheckedQuestion(vectors, terms if collection.has_terms else [])


def require_few(limit: int) -> None:
    """Raise `InvalidCommand` for a limit of nominations beyond `MAX_NOMINATED`."""
    if limit > MAX_NOMINATED:
        raise InvalidCommand(
            f"The {limit:,} best by each vector were asked for; at most {MAX_NOMINATED:,} are. Ask for fewer."
        )


def candidate(similarities: Sequence[float], bm25: float, terms: Terms, payload: Mapping[str, Any]) -> Candidate:
    """What an engine has measured of a point. Raises `Unavailable` for one without a key."""
    try:
        return Candidate(UUID(str(payload["memory_id"])), similarities, bm25, terms, payload)
    except (KeyError, ValueError) as error:
        raise Unavailable(
            f"The vector engine holds a point that memOS did not write: {error!r} in its payload. Rebuild the "
            "collection from the ledger."
        ) from error


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


def check_terms(collection: Collection, where: str, has_terms: bool) -> None:
    """Compare what an engine holds with what is asked of it. Raises `ConfigurationError` when it lacks terms.

    One that has them, asked for a collection that has none, is used as such.
    """
    if collection.has_terms and not has_terms:
        raise ConfigurationError(
            f"Generation {collection.generation} of the collection {collection.name} in {where} was made without "
            "terms, but the ledger says that it has them. Run `memos rebuild`, which makes another."
        )
