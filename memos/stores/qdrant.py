"""Vectors kept by a Qdrant server, 1.16 or newer.

Generation 1 of the collection `memories` is the server's collection `memos_memories_g1`. memOS asks for the
generation that the ledger names; the alias `memos_memories` is for others, and moves when a generation is
announced. The name of the model is in the collection's metadata, which servers keep since 1.16.

A server knows no deadline of a request: a write that was given up, since no answer came in time, may be done
later, after another worker has deleted the same record. Such a point is found, and removed, by the audit of the
bulk lane alone; no answer to a query shows it before, for those are read from the ledger.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeVar
from uuid import UUID

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from memos.errors import CollectionMissing, ConfigurationError, InvalidCommand, Unavailable
from memos.ports import Filter
from memos.records import Collection, Hit, Point, RecordKey, Seen, Vector
from memos.stores.filters import parse_filter
from memos.stores.points import LAST_ID, SEEN_FIELDS, check_model, float32s, payload_with_key, seen
from memos.stores.qdrant_errors import engine_errors

IN_MEMORY = ":memory:"
"""The URL of Qdrant's own in-process imitation, which keeps nothing."""

POINTS_PER_CALL = 256
"""Points of one request that writes, a few megabytes of JSON at most."""

SEEN_PER_CALL = 1000
"""Points of one request that asks what is there."""

Item = TypeVar("Item")


class QdrantVectors:
    """One generation of a collection of a Qdrant server; `indexed` tells whether it keeps payload indexes."""

    def __init__(
        self, client: AsyncQdrantClient, collection: Collection, where: str, *, indexed: bool = True
    ) -> None:
        self._client = client
        self._collection = collection
        self._name = name_of(collection)
        self._where = where
        self._indexed = indexed

    async def upsert(self, points: Sequence[Point]) -> None:
        """Write points, each searchable on return. Raises `InvalidCommand`, `Unavailable`."""
        for part in _slices(points, POINTS_PER_CALL):
            batch = models.Batch(
                ids=[str(point.key.record.point_id) for point in part],
                vectors=[float32s(point.vector, self._collection).tolist() for point in part],
                payloads=[payload_with_key(point) for point in part],
            )
            async with self._engine("upsert"):
                await self._client.upsert(self._name, batch, wait=True)

    async def delete(self, keys: Sequence[RecordKey]) -> None:
        """Remove points; keys without a point are no error. Raises `Unavailable`."""
        if keys:
            selector = models.PointIdsList(points=[str(key.point_id) for key in keys])
            async with self._engine("delete"):
                await self._client.delete(self._name, selector, wait=True)

    async def search(self, vector: Vector, *, matching: Filter, limit: int) -> list[Hit]:
        """The most similar points that match, best first. Raises `InvalidCommand`, `Unavailable`."""
        query = float32s(vector, self._collection).tolist()
        query_filter = qdrant_filter(matching)
        if limit < 1:
            return []
        async with self._engine("search"):
            found = await self._client.query_points(
                self._name, query=query, query_filter=query_filter, limit=limit, with_payload=["memory_id"]
            )
        return [Hit(UUID((hit.payload or {})["memory_id"]), hit.score) for hit in found.points]

    async def count(self, matching: Filter) -> int:
        """How many points match. Raises `InvalidCommand`, `Unavailable`."""
        count_filter = qdrant_filter(matching)
        async with self._engine("count"):
            return (await self._client.count(self._name, count_filter=count_filter, exact=True)).count

    async def present(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Seen]:
        """Those of the records that have a point, and what it is. Raises `Unavailable`."""
        found: dict[RecordKey, Seen] = {}
        for part in _slices(keys, SEEN_PER_CALL):
            key_of = {key.point_id: key for key in part}
            async with self._engine("read"):
                records = await self._client.retrieve(
                    self._name, [str(point_id) for point_id in key_of], with_payload=list(SEEN_FIELDS)
                )
            found |= {key_of[one.point_id]: one for one in map(_seen, records)}
        return found

    async def scroll(self, after: UUID | None, limit: int) -> list[Seen]:
        """At most `limit` points in the order of their ids, from the one after `after`. Raises `Unavailable`."""
        found: list[Seen] = []
        while after != LAST_ID and (wanted := min(SEEN_PER_CALL, max(limit, 0) - len(found))):
            offset = str(UUID(int=after.int + 1)) if after else None
            async with self._engine("scroll"):
                records, _ = await self._client.scroll(
                    self._name, offset=offset, limit=wanted, with_payload=list(SEEN_FIELDS)
                )
            found += map(_seen, records)
            if len(records) < wanted:
                break
            after = found[-1].point_id
        return found

    async def drop(self) -> None:
        """Remove this generation for good; none is no error. Raises `Unavailable`."""
        with engine_errors("drop", self._where):
            await self._client.delete_collection(self._name)

    async def recreate(self) -> None:
        """Make this generation, empty, unless it is there; add what indexes it lacks. Raises as `open_qdrant`."""
        with engine_errors(f"open the collection {self._name}", self._where):
            await _make_if_missing(self._client, self._collection)
            found = await self._client.get_collection(self._name)
        _check(self._collection, self._where, found)
        if self._indexed:
            with engine_errors(f"index the collection {self._name}", self._where):
                await _add_indexes(self._client, self._name, self._collection.indexes, found.payload_schema)

    async def announce(self) -> None:
        """Move the alias to this generation in one step. Raises `Unavailable`."""
        async with self._engine("announce"):
            await _point_alias(self._client, self._collection)

    async def ping(self) -> None:
        """Return when the server answers. Raises `Unavailable`."""
        with engine_errors("ping", self._where):
            await self._client.info()

    @asynccontextmanager
    async def _engine(self, doing: str) -> AsyncIterator[None]:
        """As `engine_errors`, but a generation that is not there is `CollectionMissing`."""
        try:
            with engine_errors(doing, self._where):
                yield
        except Unavailable as error:
            if isinstance(error.__cause__, UnexpectedResponse | ValueError) and await self._missing():
                raise CollectionMissing(
                    f"{self._where} has no collection {self._name}. If it is the generation in use, a worker of "
                    f"the bulk lane makes it anew and fills it from the ledger; see that one runs."
                ) from error
            raise

    async def _missing(self) -> bool:
        with suppress(InvalidCommand, Unavailable), engine_errors("ask", self._where):
            return not await self._client.collection_exists(self._name)
        return False


@asynccontextmanager
async def open_qdrant(
    url: str, api_key: str | None, collection: Collection, *, call_timeout: int = 10, make: bool = True
) -> AsyncIterator[QdrantVectors]:
    """The collection in the server at a URL, created if missing; `call_timeout` is in seconds.

    The URL `:memory:` stands for an imitation in this process. Raises `ModelMismatch` when the collection
    holds vectors of another model, `ConfigurationError` for an unusable URL or an old server, `Unavailable`.
    Unless it may `make` it, nothing is asked yet, and a collection that is not there stays away.
    """
    client = _client(url, api_key, call_timeout)
    where, indexed = f"Qdrant at {url}", url != IN_MEMORY
    try:
        yield await open_collection(client, collection, where=where, indexed=indexed, make=make)
    finally:
        await client.close()


async def open_collection(
    client: AsyncQdrantClient, collection: Collection, *, where: str, indexed: bool = True, make: bool = True
) -> QdrantVectors:
    """The collection; with `make`, created if missing, verified, and indexed. Raises as `open_qdrant`."""
    vectors = QdrantVectors(client, collection, where, indexed=indexed)
    if make:
        await vectors.recreate()
    return vectors


def alias_of(collection: Collection) -> str:
    """The name under which others find the announced generation of a collection in a server."""
    return f"memos_{collection.name}"


def name_of(collection: Collection) -> str:
    """The name under which a server keeps this generation of a collection."""
    return f"{alias_of(collection)}_g{collection.generation}"


def qdrant_filter(matching: Filter) -> models.Filter | None:
    """A checked filter as the client takes it; None when it lets everything pass."""
    return models.Filter.model_validate(parse_filter(matching).as_json()) if matching else None


def _client(url: str, api_key: str | None, call_timeout: int) -> AsyncQdrantClient:
    if url == IN_MEMORY:
        return AsyncQdrantClient(IN_MEMORY)
    try:
        return AsyncQdrantClient(url=url, api_key=api_key, timeout=call_timeout, check_compatibility=False)
    except ValueError as error:
        raise ConfigurationError(f"MEMOS_QDRANT_URL={url} cannot be used: {error}.") from error


async def _make_if_missing(client: AsyncQdrantClient, collection: Collection) -> None:
    """Make the generation, by one of the workers, and announce it while no other is."""
    if not await client.collection_exists(name_of(collection)):
        await _create(client, collection)
    if alias_of(collection) not in await _aliases(client):
        await _point_alias(client, collection)


async def _create(client: AsyncQdrantClient, collection: Collection) -> None:
    params = models.VectorParams(size=collection.dimension, distance=models.Distance.COSINE)
    metadata = {"model": collection.model, "dimension": collection.dimension}
    try:
        await client.create_collection(name_of(collection), vectors_config=params, metadata=metadata)
    except UnexpectedResponse:
        if not await client.collection_exists(name_of(collection)):
            raise


async def _aliases(client: AsyncQdrantClient) -> set[str]:
    return {found.alias_name for found in (await client.get_aliases()).aliases}


async def _point_alias(client: AsyncQdrantClient, collection: Collection) -> None:
    alias = alias_of(collection)
    away = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
    create = models.CreateAlias(collection_name=name_of(collection), alias_name=alias)
    here = models.CreateAliasOperation(create_alias=create)
    await client.update_collection_aliases([away, here] if alias in await _aliases(client) else [here])


def _check(collection: Collection, where: str, found: models.CollectionInfo) -> None:
    """Raise `ModelMismatch` or, when the server keeps no name of the model, `ConfigurationError`."""
    params, metadata = found.config.params.vectors, found.config.metadata
    if metadata is None:
        raise ConfigurationError(
            f"{where} says nothing of the model of its collection {name_of(collection)}. Use Qdrant 1.16 or newer, "
            f"which keeps it, and a collection made by memOS."
        )
    dimension = params.size if isinstance(params, models.VectorParams) else None
    check_model(collection, where, metadata.get("model"), dimension)


def _seen(record: models.Record) -> Seen:
    return seen(str(record.id), record.payload or {})


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
