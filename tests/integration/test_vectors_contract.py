"""What every engine behind the port `Vectors` does with points: writing, searching and deleting them."""

import asyncio
import math
import random
from dataclasses import replace
from uuid import uuid4

import pytest
from vector_engines import INDEXES, Engine, X, Y, cosine, equals, id_of, key_of, point

from memos.errors import InvalidCommand
from memos.ports import Vectors
from memos.records import Collection, Hit, Point, VersionKey

pytest_plugins = ["vector_engines_fixtures"]


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


async def test_collections_do_not_share_points(engine: Engine, collection: Collection) -> None:
    async with engine.open(collection) as one, engine.open(replace(collection, name=f"{collection.name}b")) as two:
        await one.upsert([point("a", X)])
        assert await two.count({}) == 0
