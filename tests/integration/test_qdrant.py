"""How the adapter of the Qdrant server fails; what it does is in the contract of all engines."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from qdrant_client import AsyncQdrantClient, models

from memos.errors import CollectionMissing, ConfigurationError, InvalidCommand, MemosError, Unavailable
from memos.records import Candidate, Collection, Question, RecordKey
from memos.stores.qdrant import QdrantVectors, open_collection, open_qdrant

COLLECTION = Collection("memories", "model-a", 4, {"tenant": "keyword", "sequence": "integer"})


def client_of(server: httpx.MockTransport) -> AsyncQdrantClient:
    return AsyncQdrantClient(url="http://qdrant.test", check_compatibility=False, transport=server)


def answering(status: int, body: str) -> QdrantVectors:
    """The collection in a server that gives every request this answer."""
    client = client_of(httpx.MockTransport(lambda _: httpx.Response(status, text=body)))
    return QdrantVectors(client, COLLECTION, "Qdrant at test")


async def test_a_server_that_is_not_there_is_unavailable_saying_where_and_what_to_do() -> None:
    with pytest.raises(Unavailable, match=r"Qdrant at http://127\.0\.0\.1:1 failed to open .* MEMOS_QDRANT_URL"):
        async with open_qdrant("http://127.0.0.1:1", None, COLLECTION):
            pass


async def test_a_collection_that_may_not_be_made_stays_away() -> None:
    async with open_qdrant(":memory:", None, COLLECTION, make=False) as vectors:
        for call in (vectors.count({}), vectors.delete([RecordKey("default", UUID(int=1))])):
            with pytest.raises(CollectionMissing):
                await call
        await vectors.drop()


async def test_a_url_that_is_none_is_a_wrong_configuration() -> None:
    with pytest.raises(ConfigurationError, match="MEMOS_QDRANT_URL=ftp://host cannot be used"):
        async with open_qdrant("ftp://host", None, COLLECTION):
            pass


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (401, Unavailable, "MEMOS_QDRANT_API_KEY"),
        (403, Unavailable, "MEMOS_QDRANT_API_KEY"),
        (400, InvalidCommand, "no index for it"),
        (404, Unavailable, "404 no index for it"),
        (500, Unavailable, "500 no index for it"),
        (503, Unavailable, "See the server's log"),
    ],
)
async def test_what_a_server_refuses_says_who_what_and_why(status: int, kind: type[MemosError], said: str) -> None:
    vectors = answering(status, "no index for it")
    with pytest.raises(kind) as refusal:
        await vectors.count({})
    assert "Qdrant at test failed to count" in refusal.value.detail
    assert said in refusal.value.detail


async def test_an_answer_that_is_not_qdrants_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="Qdrant at test failed to search"):
        await answering(200, "<html>").search([1, 0, 0, 0], matching={}, limit=1)


async def test_a_collection_that_does_not_say_its_model_is_refused() -> None:
    client = AsyncQdrantClient(":memory:")
    params = models.VectorParams(size=4, distance=models.Distance.COSINE)
    await client.create_collection("memos_memories_g1", vectors_config=params)
    with pytest.raises(ConfigurationError, match=r"Use Qdrant 1\.16 or newer"):
        await open_collection(client, COLLECTION, where="memory", indexed=False)


async def test_a_collection_that_the_server_lost_is_missing() -> None:
    lost = httpx.MockTransport(
        lambda request: (
            httpx.Response(200, json={"result": {"exists": False}, "status": "ok", "time": 0.0})
            if request.url.path.endswith("/exists")
            else httpx.Response(404, json={"status": {"error": "Not found"}, "time": 0.0})
        )
    )
    vectors = QdrantVectors(client_of(lost), COLLECTION, "Qdrant at test")
    with pytest.raises(CollectionMissing, match="Qdrant at test has no collection memos_memories_g1"):
        await vectors.scroll(None, 10)


async def test_a_server_that_knows_no_such_address_has_not_lost_the_collection() -> None:
    with pytest.raises(Unavailable) as refusal:
        await answering(404, "<html>").count({})
    assert type(refusal.value) is Unavailable


async def announced(client: AsyncQdrantClient) -> dict[str, str]:
    """The collection behind each alias."""
    return {found.alias_name: found.collection_name for found in (await client.get_aliases()).aliases}


async def test_the_first_generation_is_announced_and_another_when_asked() -> None:
    client = AsyncQdrantClient(":memory:")
    first = await open_collection(client, COLLECTION, where="memory", indexed=False)
    assert await announced(client) == {"memos_memories": "memos_memories_g1"}
    second = await open_collection(client, replace(COLLECTION, generation=2), where="memory", indexed=False)
    assert await announced(client) == {"memos_memories": "memos_memories_g1"}
    await second.announce()
    await first.drop()
    await second.recreate()
    assert await announced(client) == {"memos_memories": "memos_memories_g2"}


async def test_a_generation_that_is_missing_cannot_be_announced() -> None:
    client = AsyncQdrantClient(":memory:")
    vectors = await open_collection(client, COLLECTION, where="memory", indexed=False)
    await vectors.drop()
    with pytest.raises(CollectionMissing):
        await vectors.announce()


class AnnouncedServer:
    """Answers as a server does whose alias names generation 1."""

    def __init__(self) -> None:
        self.actions: list[Any] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        result: object = {"aliases": [{"alias_name": "memos_memories", "collection_name": "memos_memories_g1"}]}
        if request.method == "POST":
            self.actions.append(json.loads(request.content)["actions"])
            result = True
        return httpx.Response(200, json={"result": result, "status": "ok", "time": 0.0})


async def test_the_alias_moves_in_one_request() -> None:
    server = AnnouncedServer()
    second = replace(COLLECTION, generation=2)
    await QdrantVectors(client_of(httpx.MockTransport(server)), second, "Qdrant at test").announce()
    moved = {"collection_name": "memos_memories_g2", "alias_name": "memos_memories"}
    assert server.actions == [[{"delete_alias": {"alias_name": "memos_memories"}}, {"create_alias": moved}]]


async def test_a_point_that_memos_did_not_write_is_named() -> None:
    client = AsyncQdrantClient(":memory:")
    vectors = await open_collection(client, COLLECTION, where="memory", indexed=False)
    foreign = models.PointStruct(id="5f0f3d0e-9a55-5e0c-8a3b-6d656d6f7361", vector=[1, 0, 0, 0], payload={"a": 1})
    await client.upsert("memos_memories_g1", [foreign])
    with pytest.raises(Unavailable, match=f"a point {foreign.id} that memOS did not write: KeyError"):
        await vectors.scroll(None, 10)


class EmptyServer:
    """Answers as a server does that another worker reaches first: creating finds the collection made."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        self.asked.append((request.method, request.url.path, body))
        if request.url.path == "/":
            return httpx.Response(200, json=version_of("1.19.0"))
        if (request.method, request.url.path) == ("PUT", "/collections/memos_memories_g1"):
            return httpx.Response(409, json={"status": {"error": "it already exists"}})
        return httpx.Response(200, json={"result": self.result(request), "status": "ok", "time": 0.0})

    def result(self, request: httpx.Request) -> object:
        match request.method, request.url.path:
            case "GET", "/aliases":
                return {"aliases": []}
            case "GET", "/collections/memos_memories_g1/exists":
                return {"exists": any(method == "PUT" for method, _, _ in self.asked)}
            case "GET", "/collections/memos_memories_g1":
                return COLLECTION_INFO
            case "PUT", "/collections/memos_memories_g1/index":
                return {"operation_id": 1, "status": "completed"}
            case _:
                return True


def version_of(release: str) -> dict[str, str]:
    return {"title": "qdrant - vector search engine", "version": release}


COLLECTION_INFO = {
    "status": "green",
    "optimizer_status": "ok",
    "segments_count": 1,
    "config": {
        "params": {
            "vectors": {"size": 4, "distance": "Cosine"},
            "sparse_vectors": {"terms": {"modifier": "idf"}},
        },
        "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000},
        "optimizer_config": {
            "deleted_threshold": 0.2,
            "vacuum_min_vector_number": 1000,
            "default_segment_number": 0,
            "flush_interval_sec": 5,
        },
        "metadata": {"model": "model-a", "dimension": 4},
    },
    "payload_schema": {"sequence": {"data_type": "integer", "points": 0}},
}


async def test_a_new_collection_is_made_behind_an_alias_with_its_model_and_missing_indexes() -> None:
    server = EmptyServer()
    await open_collection(client_of(httpx.MockTransport(server)), COLLECTION, where="Qdrant at test")
    changes = [(path, body) for method, path, body in server.asked if method != "GET"]
    creation, alias, index = changes
    assert creation[1]["metadata"] == {"model": "model-a", "dimension": 4}
    assert creation[1]["vectors"] == {"size": 4, "distance": "Cosine"}
    assert creation[1]["sparse_vectors"] == {"terms": {"modifier": "idf"}}
    made = {"collection_name": "memos_memories_g1", "alias_name": "memos_memories"}
    assert alias == ("/collections/aliases", {"actions": [{"create_alias": made}]})
    assert index[1] == {"field_name": "tenant", "field_schema": {"type": "keyword", "is_tenant": True}}


@pytest.mark.parametrize("release", ["1.16.3", "1.18.0-dev"])
async def test_a_server_that_is_too_old_for_terms_is_refused_and_used_without_them(release: str) -> None:
    server = EmptyServer()

    def old(request: httpx.Request) -> httpx.Response:
        answer = server(request)
        return httpx.Response(200, json=version_of(release)) if request.url.path == "/" else answer

    client = client_of(httpx.MockTransport(old))
    with pytest.raises(ConfigurationError, match=rf"version {release}.* Use Qdrant 1\.19 or newer"):
        await open_collection(client, COLLECTION, where="Qdrant at test")
    assert [method for method, _, _ in server.asked] == ["GET"]
    await open_collection(client, replace(COLLECTION, has_terms=False), where="Qdrant at test")
    [creation] = [body for method, path, body in server.asked if path.endswith("_g1") and method == "PUT"]
    assert "sparse_vectors" not in creation


class AskedServer:
    """Answers queries as a server does whose second point is deleted while it answers."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        searches = json.loads(request.content)["searches"]
        self.asked.append(searches)
        hits = [[self.hit(number) for number in numbers] for numbers in self.found(len(self.asked))]
        result = [{"points": one} for one in hits]
        return httpx.Response(200, json={"result": result, "status": "ok", "time": 0.0})

    def found(self, call: int) -> list[list[int]]:
        return [[1], [2], [1]] if call == 1 else [[1, 2], [1], [1]]

    def hit(self, number: int) -> dict[str, Any]:
        point_id = str(UUID(int=number))
        terms = {"terms": {"indices": [7, 9], "values": [1.5, 1.0]}}
        return {"id": point_id, "version": 1, "score": 0.5, "payload": {"memory_id": point_id}, "vector": terms}


async def test_a_question_is_two_requests_and_leaves_out_what_is_deleted_between_them() -> None:
    server = AskedServer()
    vectors = QdrantVectors(client_of(httpx.MockTransport(server)), COLLECTION, "Qdrant at test")
    matching = {"must": [{"key": "tenant", "match": {"value": "default"}}]}

    [one] = await vectors.candidates(
        Question([[1, 0, 0, 0], [0, 1, 0, 0]], [7]), matching=matching, corpus=matching, limit=3
    )

    assert one == Candidate(UUID(int=1), [0.5, 0.5], 0.5, {7: 1.5}, {"memory_id": str(UUID(int=1))})
    nominating, measuring = server.asked
    assert [search["limit"] for search in nominating + measuring] == [3, 3, 3, 2, 2, 2]
    assert [search["filter"] for search in nominating] == [matching] * 3
    assert nominating[2]["params"] == measuring[2]["params"] == {"idf": {"corpus": matching}}
    assert {"has_id", "must"} == {key for condition in measuring[2]["filter"]["must"] for key in condition}
    assert "terms" in measuring[0]["with_vector"]
