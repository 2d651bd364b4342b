"""What every engine behind the port `Vectors` does with the generations of a collection."""

from dataclasses import replace

import pytest
from vector_engines import Engine, X, equals, id_of, key_of, point

from memos.errors import CollectionMissing, ModelMismatch
from memos.ports import Vectors
from memos.records import Collection, Question

pytest_plugins = ["vector_engines_fixtures"]


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
            other.candidates(Question([X], [1]), matching={}, corpus={}, limit=5),
            other.measured(Question([X], [1]), [key_of("a")], matching={}, corpus={}),
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
