"""Vectors kept by a Qdrant server, 1.19 or newer; 1.16 for collections without terms.

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
from memos.records import Candidate, Collection, Hit, Point, Question, RecordKey, Seen, Vector
from memos.stores.filters import parse_filter
from memos.stores.points import (
    LAST_ID,
    MAX_MEASURED,
    SEEN_FIELDS,
    TERMS,
    checked,
    float32s,
    payload_with_key,
    require_few,
    seen,
    sparse,
)
from memos.stores.qdrant_candidates import ServerQuestion, among
from memos.stores.qdrant_collections import (
    add_indexes,
    check,
    check_version,
    make_if_missing,
    name_of,
    point_alias,
)
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
            written = [self._struct(point) for point in part]
            async with self._engine("upsert"):
                await self._client.upsert(self._name, written, wait=True)

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

    async def candidates(
        self, question: Question, *, matching: Filter, corpus: Filter, limit: int
    ) -> list[Candidate]:
        """What matches and comes first, by meaning or by terms. Raises `InvalidCommand`, `Unavailable`."""
        matching_filter, taken = qdrant_filter(matching), self._question(question, corpus)
        require_few(limit)
        if limit < 1:
            return []
        async with self._engine("search"):
            found = await self._client.query_batch_points(self._name, taken.nominating(matching_filter, limit))
        ids = {hit.id for answer in found for hit in answer.points}
        return await self._measured(taken, list(ids), matching_filter)

    async def measured(
        self, question: Question, keys: Sequence[RecordKey], *, matching: Filter, corpus: Filter
    ) -> list[Candidate]:
        """Those that have a point and match, measured. Raises `InvalidCommand`, `Unavailable`."""
        matching_filter, taken = qdrant_filter(matching), self._question(question, corpus)
        ids = list(dict.fromkeys(str(key.point_id) for key in keys))
        found: list[Candidate] = []
        for part in _slices(ids, MAX_MEASURED):
            found += await self._measured(taken, part, matching_filter)
        return found

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
            if self._collection.has_terms:
                check_version(self._where, (await self._client.info()).version)
            await make_if_missing(self._client, self._collection)
            found = await self._client.get_collection(self._name)
        check(self._collection, self._where, found)
        if self._indexed:
            with engine_errors(f"index the collection {self._name}", self._where):
                await add_indexes(self._client, self._name, self._collection.indexes, found.payload_schema)

    async def announce(self) -> None:
        """Move the alias to this generation in one step. Raises `Unavailable`."""
        async with self._engine("announce"):
            await point_alias(self._client, self._collection)

    async def ping(self) -> None:
        """Return when the server answers. Raises `Unavailable`."""
        with engine_errors("ping", self._where):
            await self._client.info()

    def _struct(self, point: Point) -> models.PointStruct:
        dense = float32s(point.vector, self._collection).tolist()
        vector: models.VectorStruct = dense
        if self._collection.has_terms and point.terms:
            indices, weights = sparse(point.terms)
            terms = models.SparseVector(indices=indices.tolist(), values=weights.tolist())
            vector = {"": dense, TERMS: terms}
        point_id = str(point.key.record.point_id)
        return models.PointStruct(id=point_id, vector=vector, payload=payload_with_key(point))

    def _question(self, question: Question, corpus: Filter) -> ServerQuestion:
        vectors, terms = checked(question, self._collection)
        return ServerQuestion([one.tolist() for one in vectors], terms, qdrant_filter(corpus) or models.Filter())

    async def _measured(
        self, question: ServerQuestion, ids: Sequence[models.ExtendedPointId], matching: models.Filter | None
    ) -> list[Candidate]:
        if not ids:
            return []
        queries = question.measuring(among(ids, matching), len(ids))
        async with self._engine("measure"):
            return question.read(await self._client.query_batch_points(self._name, queries))

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


def _seen(record: models.Record) -> Seen:
    return seen(str(record.id), record.payload or {})


def _slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
