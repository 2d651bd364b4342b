"""What every engine behind the port `Vectors` does, the in-memory twin included."""

import asyncio
import math
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from edge_process import EdgeServer
from qdrant_client import AsyncQdrantClient

from memos.errors import CollectionMissing, InvalidCommand, ModelMismatch
from memos.ports import Vectors
from memos.records import Collection, Hit, Point, RecordKey, Seen, VersionKey
from memos.stores.edge import open_edge
from memos.stores.qdrant import QdrantVectors, open_collection, open_qdrant
from memos.testing import TwinMemory, open_twin

QDRANT_URL = os.environ.get("MEMOS_TEST_QDRANT_URL")
QDRANT_API_KEY = os.environ.get("MEMOS_TEST_QDRANT_API_KEY")

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


@pytest.fixture(scope="session")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeServer]:
    server = EdgeServer(tmp_path_factory.mktemp("edge"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session", params=["twin", "edge", "imitation", "server"])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "twin":
        kept: TwinMemory = {}
        return Engine(lambda collection: open_twin(collection, kept=kept))
    if request.param == "edge":
        socket = request.getfixturevalue("edge").socket
        return Engine(lambda collection: open_edge(socket, collection))
    if request.param == "imitation":
        client = AsyncQdrantClient(":memory:")
        return Engine(lambda collection: open_imitation(client, collection))
    if not QDRANT_URL:
        pytest.skip("MEMOS_TEST_QDRANT_URL names no Qdrant server")
    return Engine(lambda collection: open_qdrant(QDRANT_URL, QDRANT_API_KEY, collection))


@pytest.fixture
def collection() -> Collection:
    return Collection(f"t{uuid4().hex}", "model-a", 4, INDEXES)


@pytest.fixture
async def vectors(engine: Engine, collection: Collection) -> AsyncIterator[Vectors]:
    async with engine.open(collection) as opened:
        yield opened


def point(
    name: str, vector: Sequence[float], *, tenant: str = "default", version: int = 1, **payload: Any
) -> Point:
    return Point(VersionKey(tenant, id_of(name), version), vector, payload)


def id_of(name: str) -> UUID:
    return uuid5(NAMES, name)


def key_of(name: str) -> RecordKey:
    return RecordKey("default", id_of(name))


def equals(key: str, value: str | int | bool) -> dict[str, Any]:
    return {"key": key, "match": {"value": value}}


X, Y, Z, W = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]


async def test_an_empty_collection_has_no_hits_and_counts_zero(vectors: Vectors) -> None:
    assert await vectors.search(X, matching={}, limit=5) == []
    assert await vectors.count({}) == 0


async def test_a_point_is_found_as_soon_as_it_is_written(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X)])
    [hit] = await vectors.search(X, matching={}, limit=5)
    assert hit.memory_id == id_of("a")
    assert hit.score == pytest.approx(1.0, abs=1e-6)


async def test_scores_are_cosines_whatever_the_lengths_and_the_best_comes_first(vectors: Vectors) -> None:
    await vectors.upsert([point("far", [-2, 0, 0, 0]), point("near", [3, 4, 0, 0]), point("square", [0, 5, 0, 0])])
    hits = await vectors.search([10, 0, 0, 0], matching={}, limit=5)
    assert [hit.memory_id for hit in hits] == [id_of("near"), id_of("square"), id_of("far")]
    assert [hit.score for hit in hits] == pytest.approx([0.6, 0.0, -1.0], abs=1e-6)


async def test_no_more_hits_come_back_than_the_limit(vectors: Vectors) -> None:
    await vectors.upsert([point(f"p{i}", [1, i, 0, 0]) for i in range(5)])
    assert [hit.memory_id for hit in await vectors.search(X, matching={}, limit=2)] == [id_of("p0"), id_of("p1")]
    assert await vectors.search(X, matching={}, limit=0) == []


async def test_writing_a_point_again_replaces_its_vector_and_payload(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X, kind="old", gone="x")])
    await vectors.upsert([point("a", Y, version=2, kind="new")])
    assert await vectors.count({}) == 1
    [hit] = await vectors.search(Y, matching={"must": [equals("kind", "new")]}, limit=5)
    assert hit.score == pytest.approx(1.0, abs=1e-6)
    assert await vectors.count({"must": [equals("kind", "old")]}) == 0
    assert await vectors.count({"must_not": [{"is_empty": {"key": "gone"}}]}) == 0


async def test_of_two_points_of_one_call_with_one_id_the_last_stays(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X), point("a", Y)])
    [hit] = await vectors.search(Y, matching={}, limit=5)
    assert hit.score == pytest.approx(1.0, abs=1e-6)


async def test_a_deleted_point_is_gone_and_deleting_it_again_is_no_error(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X), point("b", X)])
    for _ in range(2):
        await vectors.delete([key_of("a"), key_of("never there")])
        assert [hit.memory_id for hit in await vectors.search(X, matching={}, limit=5)] == [id_of("b")]


async def test_nothing_to_write_or_delete_is_no_error(vectors: Vectors) -> None:
    await vectors.upsert([])
    await vectors.delete([])
    assert await vectors.count({}) == 0


async def test_a_point_carries_its_key_whatever_its_payload_says(vectors: Vectors) -> None:
    lie = {"tenant": "default", "version": 1}
    await vectors.upsert([Point(VersionKey("acme", id_of("a"), 7), X, lie)])
    key = [equals("tenant", "acme"), equals("memory_id", str(id_of("a"))), equals("version", 7)]
    assert await vectors.count({"must": key}) == 1


async def test_a_tenant_never_sees_the_points_of_another(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X, tenant="acme"), point("b", X, tenant="default")])
    hits = await vectors.search(X, matching={"must": [equals("tenant", "acme")]}, limit=5)
    assert [hit.memory_id for hit in hits] == [id_of("a")]


async def test_two_tenants_may_use_one_memory_id(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X, tenant="acme"), point("a", Y, tenant="default")])
    assert await vectors.count({}) == 2
    await vectors.delete([key_of("a")])
    [hit] = await vectors.search(X, matching={}, limit=5)
    assert hit.memory_id == id_of("a")
    assert hit.score == pytest.approx(1.0, abs=1e-6)


async def test_an_agent_sees_its_own_points_and_the_shared_ones(vectors: Vectors) -> None:
    await vectors.upsert(
        [
            point("own", X, agent_id="a", visibility="private"),
            point("shared", [1, 1, 0, 0], agent_id="b", visibility="shared"),
            point("hidden", X, agent_id="b", visibility="private"),
            point("foreign", X, tenant="acme", agent_id="a", visibility="shared"),
        ]
    )
    seen = {
        "must": [equals("tenant", "default")],
        "should": [equals("agent_id", "a"), equals("visibility", "shared")],
    }
    hits = await vectors.search(X, matching=seen, limit=5)
    assert [hit.memory_id for hit in hits] == [id_of("own"), id_of("shared")]


PAYLOADS: Mapping[str, dict[str, Any]] = {
    "one": {
        "tags": ["red", "green"],
        "kind": "episodic",
        "importance": 0.5,
        "sequence": 1,
        "pinned": True,
        "created_at": "2026-01-01T00:00:00Z",
        "session_id": "0191d1a0-0000-7000-8000-000000000001",
    },
    "two": {
        "tags": ["green", "blue"],
        "kind": "semantic",
        "importance": 2.0,
        "sequence": 2,
        "pinned": False,
        "created_at": "2026-02-01T12:00:00.500+02:00",
    },
    "three": {
        "tags": [],
        "kind": "Größe 日本 🚀",
        "importance": -1.0,
        "sequence": 2**40,
        "created_at": "2026-03-01T00:00:00+00:00",
        "metadata": {
            "topic": "alpha beta",
            "deep": {"er": 5},
            "my topic": "spaced",
            "ключ": "значение",
            "parts": [{"name": "x", "n": 1}, {"name": "y", "n": 2}],
        },
    },
    "four": {"kind": None, "metadata": {"topic": "gamma", "parts": [{"name": "x", "n": 2}], "list": [1, 2, 3]}},
}
ALL = frozenset(PAYLOADS)
NESTED = {"key": "metadata.parts", "filter": {"must": [equals("name", "x"), equals("n", 2)]}}
FILTERS: Mapping[str, tuple[Mapping[str, Any], set[str]]] = {
    "everything": ({}, {*ALL}),
    "empty lists": ({"must": [], "should": [], "must_not": []}, {*ALL}),
    "nothing given": ({"must": None, "should": None}, {*ALL}),
    "one condition instead of a list": ({"must": equals("kind", "semantic")}, {"two"}),
    "keyword": ({"must": [equals("kind", "episodic")]}, {"one"}),
    "keyword in several scripts": ({"must": [equals("kind", "Größe 日本 🚀")]}, {"three"}),
    "no such value": ({"must": [equals("kind", "unheard of")]}, set()),
    "no such field": ({"must": [equals("unheard_of", "x")]}, set()),
    "keyword in a list": ({"must": [equals("tags", "green")]}, {"one", "two"}),
    "any of": ({"must": [{"key": "tags", "match": {"any": ["red", "blue"]}}]}, {"one", "two"}),
    "any of nothing": ({"must": [{"key": "tags", "match": {"any": []}}]}, set()),
    "any of integers": ({"must": [{"key": "sequence", "match": {"any": [1, 2]}}]}, {"one", "two"}),
    "other than": ({"must": [{"key": "kind", "match": {"except": ["episodic"]}}]}, {"two", "three"}),
    "all of": ({"must": [equals("tags", "green"), equals("tags", "red")]}, {"one"}),
    "integer": ({"must": [equals("sequence", 2)]}, {"two"}),
    "large integer": ({"must": [equals("sequence", 2**40)]}, {"three"}),
    "boolean": ({"must": [equals("pinned", False)]}, {"two"}),
    "uuid": ({"must": [equals("session_id", "0191d1a0-0000-7000-8000-000000000001")]}, {"one"}),
    "integer range": ({"must": [{"key": "sequence", "range": {"gt": 1, "lte": 2}}]}, {"two"}),
    "float range": ({"must": [{"key": "importance", "range": {"gte": 0.5}}]}, {"one", "two"}),
    "datetime range": (
        {"must": [{"key": "created_at", "range": {"gte": "2026-02-01T00:00:00Z"}}]},
        {"two", "three"},
    ),
    "datetime with an offset": (
        {
            "must": [
                {"key": "created_at", "range": {"gt": "2026-02-01T10:00:00Z", "lt": "2026-02-01T11:00:01+01:00"}}
            ]
        },
        {"two"},
    ),
    "datetime without an offset": (
        {"must": [{"key": "created_at", "range": {"lte": "2026-01-01T00:00:00"}}]},
        {"one"},
    ),
    "nested key": ({"must": [equals("metadata.topic", "gamma")]}, {"four"}),
    "deeper key": ({"must": [{"key": "metadata.deep.er", "range": {"gte": 5}}]}, {"three"}),
    "quoted key": ({"must": [equals('metadata."my topic"', "spaced")]}, {"three"}),
    "key in another script": ({"must": [equals("metadata.ключ", "значение")]}, {"three"}),
    "key into a list": ({"must": [equals("metadata.parts[].n", 2)]}, {"three", "four"}),
    "text": ({"must": [{"key": "metadata.topic", "match": {"text": "alpha"}}]}, {"three"}),
    "nested objects": ({"must": [{"nested": NESTED}]}, {"four"}),
    "count of values": ({"must": [{"key": "metadata.list", "values_count": {"gte": 3}}]}, {"four"}),
    "empty": ({"must": [{"is_empty": {"key": "tags"}}]}, {"three", "four"}),
    "not empty": ({"must_not": [{"is_empty": {"key": "tags"}}]}, {"one", "two"}),
    "null": ({"must": [{"is_null": {"key": "kind"}}]}, {"four"}),
    "field is empty": ({"must": [{"key": "tags", "is_empty": True}]}, {"three", "four"}),
    "field is not empty": ({"must": [{"key": "tags", "is_empty": False}]}, {"one", "two"}),
    "must not": ({"must_not": [equals("tags", "green")]}, {"three", "four"}),
    "ids": ({"must": [{"has_id": [str(key_of("one").point_id), str(key_of("four").point_id)]}]}, {"one", "four"}),
    "should": ({"should": [equals("tags", "red"), equals("metadata.topic", "gamma")]}, {"one", "four"}),
    "at least two": (
        {
            "min_should": {
                "conditions": [equals("tags", "green"), equals("kind", "semantic"), equals("sequence", 1)],
                "min_count": 2,
            }
        },
        {"one", "two"},
    ),
    "clauses within clauses": (
        {"must": [{"should": [equals("tags", "red"), {"must": [equals("kind", "semantic")]}]}]},
        {"one", "two"},
    ),
}


@pytest.fixture(scope="session")
async def filled(engine: Engine) -> AsyncIterator[Vectors]:
    async with engine.open(Collection(f"t{uuid4().hex}", "model-a", 4, INDEXES)) as opened:
        await opened.upsert([point(name, X, **payload) for name, payload in PAYLOADS.items()])
        yield opened


@pytest.mark.parametrize("case", FILTERS)
async def test_a_filter_lets_pass_what_matches_it(filled: Vectors, case: str) -> None:
    matching, expected = FILTERS[case]
    hits = await filled.search(X, matching=matching, limit=10)
    assert {hit.memory_id for hit in hits} == {id_of(name) for name in expected}
    assert await filled.count(matching) == len(expected)


@pytest.mark.parametrize(
    ("matching", "part"),
    [
        ({"mast": []}, "filter.mast"),
        ({"must": [{"unheard_of": 1}]}, "filter.must[0].unheard_of"),
        ({"must": [{"key": "kind"}]}, "filter.must[0]"),
        ({"must": [{"key": "kind", "match": {"like": "x"}}]}, "filter.must[0].match"),
        ({"must": [equals("kind", "x"), {"key": "kind", "match": {"value": 1.5}}]}, "filter.must[1].match.value"),
        ({"should": [{"key": "a..b", "match": {"value": 1}}]}, "filter.should[0].key"),
        ({"must_not": [{"key": "n", "range": {"gte": "soon"}}]}, "filter.must_not[0].range.gte"),
        ({"must": [{"has_id": ["one"]}]}, "filter.must[0].has_id[0]"),
    ],
)
async def test_a_filter_that_is_not_valid_is_refused_naming_the_part(
    filled: Vectors, matching: dict[str, Any], part: str
) -> None:
    for call in (filled.search(X, matching=matching, limit=5), filled.count(matching)):
        with pytest.raises(InvalidCommand) as refusal:
            await call
        assert part in [fault.field for fault in refusal.value.faults]
        assert part in refusal.value.detail


@pytest.mark.parametrize("vector", [[1.0, 0.0], [1.0] * 5, [1.0, 0.0, 0.0, math.nan], [1e39, 0.0, 0.0, 0.0], []])
async def test_a_vector_that_does_not_fit_is_refused_and_nothing_is_written(
    vectors: Vectors, vector: list[float]
) -> None:
    with pytest.raises(InvalidCommand):
        await vectors.upsert([point("a", vector)])
    with pytest.raises(InvalidCommand):
        await vectors.search(vector, matching={}, limit=5)
    assert await vectors.count({}) == 0


async def test_the_best_of_a_thousand_points_are_found_in_order(engine: Engine) -> None:
    rng = random.Random(7)  # noqa: S311 - vectors, not secrets
    written = {f"p{i}": [rng.gauss(0, 1) for _ in range(32)] for i in range(1000)}
    query = [rng.gauss(0, 1) for _ in range(32)]
    best = sorted(written, key=lambda name: -cosine(query, written[name]))[:20]
    async with engine.open(Collection(f"t{uuid4().hex}", "model-a", 32, INDEXES)) as opened:
        await opened.upsert([point(name, vector, kind="episodic") for name, vector in written.items()])
        hits = await opened.search(query, matching={"must": [equals("kind", "episodic")]}, limit=20)
        assert [hit.memory_id for hit in hits] == [id_of(name) for name in best]
        assert [hit.score for hit in hits] == pytest.approx(
            [cosine(query, written[name]) for name in best], abs=1e-5
        )
        assert await opened.count({}) == 1000
        await opened.delete([key_of(name) for name in list(written)[:500]])
        assert await opened.count({}) == 500


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)


async def test_calls_at_the_same_time_get_their_own_answers(vectors: Vectors) -> None:
    await vectors.upsert([point(f"p{i}", [1, 0, 0, 0], sequence=i) for i in range(50)])

    async def found(sequence: int) -> list[Hit]:
        return await vectors.search(X, matching={"must": [equals("sequence", sequence)]}, limit=5)

    answers = await asyncio.gather(*(found(i) for i in range(50)))
    assert [[hit.memory_id for hit in hits] for hits in answers] == [[id_of(f"p{i}")] for i in range(50)]


async def test_an_engine_that_answers_pings_silently(vectors: Vectors) -> None:
    await vectors.ping()


async def test_opening_again_finds_what_was_written(engine: Engine, collection: Collection) -> None:
    async with engine.open(collection) as first:
        await first.upsert([point("a", X)])
    async with engine.open(replace(collection, indexes={**INDEXES, "added": "keyword"})) as second:
        assert [hit.memory_id for hit in await second.search(X, matching={}, limit=5)] == [id_of("a")]


async def test_several_workers_may_open_a_new_collection_at_once(engine: Engine, collection: Collection) -> None:
    async def write(name: str) -> None:
        async with engine.open(collection) as opened:
            await opened.upsert([point(name, X)])

    await asyncio.gather(*(write(f"p{i}") for i in range(4)))
    async with engine.open(collection) as opened:
        assert await opened.count({}) == 4


@pytest.mark.parametrize("settings", [("model-b", 4), ("model-a", 8)])
async def test_a_collection_of_another_model_is_refused_saying_which_and_what_to_do(
    engine: Engine, collection: Collection, settings: tuple[str, int]
) -> None:
    async with engine.open(collection):
        pass
    model, dimension = settings
    with pytest.raises(ModelMismatch) as refusal:
        async with engine.open(replace(collection, model=model, dimension=dimension)):
            pass
    for part in (collection.name, "model-a (4 dimensions)", f"{model} ({dimension})", "MEMOS_EMBEDDING_MODEL"):
        assert part in refusal.value.detail
    assert "\n" not in refusal.value.detail


async def test_collections_do_not_share_points(engine: Engine, collection: Collection) -> None:
    async with engine.open(collection) as one, engine.open(replace(collection, name=f"{collection.name}b")) as two:
        await one.upsert([point("a", X)])
        assert await two.count({}) == 0


HASH = bytes(range(32))


async def test_what_is_present_is_told_with_its_version_and_content_hash(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X, version=3, content_hash=HASH.hex(), kind="x"), point("b", Y)])
    assert await vectors.present([key_of("a"), key_of("never there")]) == {
        key_of("a"): Seen(key_of("a").point_id, VersionKey("default", id_of("a"), 3), HASH)
    }


async def test_a_record_of_one_tenant_is_not_present_for_another(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X, tenant="acme"), point("a", Y, version=2)])
    acme = RecordKey("acme", id_of("a"))
    seen = await vectors.present([acme, key_of("a"), RecordKey("third", id_of("a"))])
    assert {key: one.key for key, one in seen.items()} == {acme: (*acme, 1), key_of("a"): (*key_of("a"), 2)}


@pytest.mark.parametrize("payload", [{}, {"content_hash": None}, {"content_hash": "xyz"}, {"content_hash": 7}])
async def test_a_point_without_a_content_hash_in_hex_has_none(vectors: Vectors, payload: dict[str, Any]) -> None:
    await vectors.upsert([point("a", X, **payload)])
    assert [one.content_hash for one in await vectors.scroll(None, 5)] == [None]
    assert (await vectors.present([key_of("a")]))[key_of("a")].content_hash is None


async def test_nothing_asked_is_nothing_present(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X)])
    assert await vectors.present([]) == {}


async def test_points_are_scrolled_in_the_order_of_their_ids_from_the_one_after(vectors: Vectors) -> None:
    await vectors.upsert([point(f"p{i}", X, version=i + 1, content_hash=HASH.hex()) for i in range(10)])
    ordered = sorted(
        (Seen(key_of(f"p{i}").point_id, VersionKey("default", id_of(f"p{i}"), i + 1), HASH) for i in range(10)),
        key=lambda one: one.point_id,
    )
    assert await vectors.scroll(None, 4) == ordered[:4]
    assert await vectors.scroll(ordered[3].point_id, 4) == ordered[4:8]
    assert await vectors.scroll(ordered[7].point_id, 4) == ordered[8:]
    assert await vectors.scroll(ordered[-1].point_id, 4) == []


async def test_a_scroll_goes_on_from_an_id_that_is_gone_or_never_was(vectors: Vectors) -> None:
    await vectors.upsert([point(f"p{i}", X) for i in range(4)])
    first, second, *rest = [one.point_id for one in await vectors.scroll(None, 4)]
    await vectors.delete([key_of(f"p{i}") for i in range(4) if key_of(f"p{i}").point_id == second])
    assert [one.point_id for one in await vectors.scroll(second, 4)] == rest
    assert [one.point_id for one in await vectors.scroll(UUID(int=0), 4)] == [first, *rest]
    assert [one.point_id for one in await vectors.scroll(UUID(int=first.int + 1), 4)] == rest
    assert await vectors.scroll(UUID(int=2**128 - 1), 4) == []


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_scroll_of_no_points_has_none(vectors: Vectors, limit: int) -> None:
    await vectors.upsert([point("a", X)])
    assert await vectors.scroll(None, limit) == []


async def test_many_points_are_scrolled_and_present_whatever_the_size_of_a_call(vectors: Vectors) -> None:
    keys = [key_of(f"p{i}") for i in range(1300)]
    await vectors.upsert([point(f"p{i}", X) for i in range(1300)])
    everything = await vectors.scroll(None, 5000)
    assert [one.point_id for one in everything] == sorted(key.point_id for key in keys)
    assert await vectors.scroll(None, 1100) == everything[:1100]
    assert await vectors.scroll(None, 1300) == everything
    assert (await vectors.present([*keys, key_of("never there")])).keys() == set(keys)


async def test_generations_of_one_collection_do_not_share_points(engine: Engine, collection: Collection) -> None:
    following = replace(collection, generation=2, model="model-b", dimension=2)
    async with engine.open(collection) as one, engine.open(following) as two:
        await one.upsert([point("a", X)])
        await two.upsert([point("b", [1, 0])])
        assert [hit.memory_id for hit in await one.search(X, matching={}, limit=5)] == [id_of("a")]
        assert [hit.memory_id for hit in await two.search([1, 0], matching={}, limit=5)] == [id_of("b")]
        assert await two.present([key_of("a")]) == {}


async def test_a_generation_that_is_dropped_leaves_the_others(engine: Engine, collection: Collection) -> None:
    async with engine.open(collection) as one, engine.open(replace(collection, generation=2)) as two:
        await one.upsert([point("a", X)])
        await two.upsert([point("b", X)])
        await one.drop()
        assert [hit.memory_id for hit in await two.search(X, matching={}, limit=5)] == [id_of("b")]


async def test_a_dropped_generation_is_missing_for_whoever_still_has_it(
    engine: Engine, collection: Collection
) -> None:
    async with engine.open(collection) as one, engine.open(collection) as other:
        await one.upsert([point("a", X)])
        await one.drop()
        for call in (
            other.upsert([point("b", X)]),
            other.delete([key_of("a")]),
            other.search(X, matching={}, limit=5),
            other.present([key_of("a")]),
            other.scroll(None, 5),
            other.count({}),
        ):
            with pytest.raises(CollectionMissing, match=collection.name):
                await call
        await other.ping()


async def test_dropping_again_is_no_error(vectors: Vectors) -> None:
    for _ in range(2):
        await vectors.drop()


async def test_a_lost_generation_is_made_anew_and_empty_when_asked(engine: Engine, collection: Collection) -> None:
    async with engine.open(collection) as one, engine.open(collection) as other:
        await one.upsert([point("a", X)])
        await other.drop()
        await one.recreate()
        assert await other.count({}) == 0
        await other.upsert([point("b", X, kind="x")])
        assert await one.count({"must": [equals("kind", "x")]}) == 1


async def test_opening_a_dropped_generation_makes_it_anew(engine: Engine, collection: Collection) -> None:
    async with engine.open(collection) as opened:
        await opened.upsert([point("a", X)])
        await opened.drop()
    async with engine.open(replace(collection, model="model-b")) as again:
        assert await again.count({}) == 0


async def test_a_generation_that_is_there_is_left_as_it_is_when_asked_to_be_made(vectors: Vectors) -> None:
    await vectors.upsert([point("a", X)])
    await vectors.recreate()
    assert await vectors.count({}) == 1


async def test_a_generation_that_was_made_anew_of_another_model_is_refused(
    engine: Engine, collection: Collection
) -> None:
    async with engine.open(collection) as opened:
        await opened.drop()
        async with engine.open(replace(collection, model="model-b")):
            with pytest.raises(ModelMismatch):
                await opened.recreate()


async def test_announcing_a_generation_changes_nothing_for_who_names_it(
    engine: Engine, collection: Collection
) -> None:
    async with engine.open(collection) as one, engine.open(replace(collection, generation=2)) as two:
        await one.upsert([point("a", X)])
        for announced in (two, one, one):
            await announced.announce()
            assert await one.count({}) == 1
            assert await two.count({}) == 0
