"""Vectors kept by a Qdrant server, 1.16 or newer.

The collection `memories` is the alias `memos_memories` of the collection `memos_memories_g1`, so that a
rebuild can make a new generation beside it and then switch the alias. The name of the model is in the
collection's metadata, which servers keep since 1.16.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import TypeVar
from uuid import UUID

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from memos.errors import ConfigurationError, InvalidCommand, MemosError, Unavailable
from memos.ports import Filter
from memos.records import Collection, Hit, Point, RecordKey, Vector
from memos.stores.filters import parse_filter
from memos.stores.points import check_model, float32s, payload_with_key

IN_MEMORY = ":memory:"
"""The URL of Qdrant's own in-process imitation, which keeps nothing."""

POINTS_PER_CALL = 256
"""Points of one request, a few megabytes of JSON at most."""

REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
"""Answers that the same request will always get."""

Item = TypeVar("Item")


class QdrantVectors:
    """One collection of a Qdrant server."""

    def __init__(self, client: AsyncQdrantClient, collection: Collection, where: str) -> None:
        self._client = client
        self._collection = collection
        self._alias = alias_of(collection)
        self._where = where

    async def upsert(self, points: Sequence[Point]) -> None:
        """Write points, each searchable on return. Raises `InvalidCommand`, `Unavailable`."""
        for part in _slices(points, POINTS_PER_CALL):
            batch = models.Batch(
                ids=[str(point.key.record.point_id) for point in part],
                vectors=[float32s(point.vector, self._collection).tolist() for point in part],
                payloads=[payload_with_key(point) for point in part],
            )
            with engine_errors("upsert", self._where):
                await self._client.upsert(self._alias, batch, wait=True)

    async def delete(self, keys: Sequence[RecordKey]) -> None:
        """Remove points; keys without a point are no error. Raises `Unavailable`."""
        if keys:
            selector = models.PointIdsList(points=[str(key.point_id) for key in keys])
            with engine_errors("delete", self._where):
                await self._client.delete(self._alias, selector, wait=True)

    async def search(self, vector: Vector, *, matching: Filter, limit: int) -> list[Hit]:
        """The most similar points that match, best first. Raises `InvalidCommand`, `Unavailable`."""
        query = float32s(vector, self._collection).tolist()
        query_filter = qdrant_filter(matching)
        if limit < 1:
            return []
        with engine_errors("search", self._where):
            found = await self._client.query_points(
                self._alias, query=query, query_filter=query_filter, limit=limit, with_payload=["memory_id"]
            )
        return [Hit(UUID((hit.payload or {})["memory_id"]), hit.score) for hit in found.points]

    async def count(self, matching: Filter) -> int:
        """How many points match. Raises `InvalidCommand`, `Unavailable`."""
        count_filter = qdrant_filter(matching)
        with engine_errors("count", self._where):
            return (await self._client.count(self._alias, count_filter=count_filter, exact=True)).count

    async def ping(self) -> None:
        """Return when the server answers. Raises `Unavailable`."""
        with engine_errors("ping", self._where):
            await self._client.info()


@asynccontextmanager
async def open_qdrant(
    url: str, api_key: str | None, collection: Collection, *, call_timeout: int = 10
) -> AsyncIterator[QdrantVectors]:
    """The collection in the server at a URL, created if missing; `call_timeout` is in seconds.

    The URL `:memory:` stands for an imitation in this process. Raises `ModelMismatch` when the collection
    holds vectors of another model, `ConfigurationError` for an unusable URL or an old server, `Unavailable`.
    """
    client = _client(url, api_key, call_timeout)
    try:
        yield await open_collection(client, collection, where=f"Qdrant at {url}", indexed=url != IN_MEMORY)
    finally:
        await client.close()


async def open_collection(
    client: AsyncQdrantClient, collection: Collection, *, where: str, indexed: bool = True
) -> QdrantVectors:
    """The collection, created if missing, verified, and indexed. Raises as `open_qdrant`."""
    with engine_errors(f"open the collection {collection.name}", where):
        generation = await _generation(client, collection)
        found = await client.get_collection(generation)
    params = found.config.params.vectors
    metadata = found.config.metadata
    if metadata is None:
        raise ConfigurationError(
            f"{where} says nothing of the model of its collection {generation}. Use Qdrant 1.16 or newer, which "
            f"keeps it, and a collection made by memOS."
        )
    dimension = params.size if isinstance(params, models.VectorParams) else None
    check_model(collection, where, metadata.get("model"), dimension)
    if indexed:
        with engine_errors(f"index the collection {collection.name}", where):
            await _add_indexes(client, generation, collection.indexes, found.payload_schema)
    return QdrantVectors(client, collection, where)


def alias_of(collection: Collection) -> str:
    """The name under which a server keeps the collection's generation in use."""
    return f"memos_{collection.name}"


def qdrant_filter(matching: Filter) -> models.Filter | None:
    """A checked filter as the client takes it; None when it lets everything pass."""
    return models.Filter.model_validate(parse_filter(matching).as_json()) if matching else None


@contextmanager
def engine_errors(doing: str, where: str) -> Iterator[None]:
    """Turn what the client raises into `InvalidCommand` (the server refuses the request) or `Unavailable`."""
    try:
        yield
    except UnexpectedResponse as error:
        raise _refusal(doing, where, error) from error
    except (ResponseHandlingException, QdrantException, OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "source", error)
        raise Unavailable(
            f"{where} failed to {doing}: {str(reason) or type(reason).__name__}. See that it runs and that "
            f"MEMOS_QDRANT_URL is right."
        ) from error


def _refusal(doing: str, where: str, error: UnexpectedResponse) -> MemosError:
    said = f"{where} failed to {doing}: {error.status_code} {error.content.decode(errors='replace')[:500]}."
    if error.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Unavailable(f"{said} Set MEMOS_QDRANT_API_KEY to a key that may write.")
    if error.status_code in REFUSALS:
        return InvalidCommand(said)
    return Unavailable(f"{said} See the server's log.")


def _client(url: str, api_key: str | None, call_timeout: int) -> AsyncQdrantClient:
    if url == IN_MEMORY:
        return AsyncQdrantClient(IN_MEMORY)
    try:
        return AsyncQdrantClient(url=url, api_key=api_key, timeout=call_timeout, check_compatibility=False)
    except ValueError as error:
        raise ConfigurationError(f"MEMOS_QDRANT_URL={url} cannot be used: {error}.") from error


async def _generation(client: AsyncQdrantClient, collection: Collection) -> str:
    """The collection behind the alias; the first one is made, by one of the workers, when there is none."""
    alias = alias_of(collection)
    aliases = {found.alias_name: found.collection_name for found in (await client.get_aliases()).aliases}
    if alias in aliases:
        return aliases[alias]
    first = f"{alias}_g1"
    await _create(client, first, collection)
    name = models.CreateAlias(collection_name=first, alias_name=alias)
    await client.update_collection_aliases([models.CreateAliasOperation(create_alias=name)])
    return first


async def _create(client: AsyncQdrantClient, generation: str, collection: Collection) -> None:
    params = models.VectorParams(size=collection.dimension, distance=models.Distance.COSINE)
    metadata = {"model": collection.model, "dimension": collection.dimension}
    try:
        await client.create_collection(generation, vectors_config=params, metadata=metadata)
    except UnexpectedResponse:
        if not await client.collection_exists(generation):
            raise


async def _add_indexes(
    client: AsyncQdrantClient, generation: str, indexes: Mapping[str, str], present: Mapping[str, object]
) -> None:
    for field in indexes.keys() - present.keys():
        await client.create_payload_index(generation, field, _index(field, indexes[field]), wait=True)


def _index(field: str, index_type: str) -> models.PayloadSchemaType | models.KeywordIndexParams:
    if field == "tenant":
        return models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    return models.PayloadSchemaType(index_type)


def _slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
