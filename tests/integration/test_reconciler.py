"""The reconciler: what was committed while the vector engine was away becomes searchable."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from builders import Rooms, WordsEmbedder, draft, vector_of
from noted import NotedDerived
from running import until

from memos.errors import CollectionMissing, EmbeddingRefused, InvalidCommand, Unavailable
from memos.events.memories import StoreMemory, StoreOutcome
from memos.ports import Vectors
from memos.projection.others import Others
from memos.projection.points import collection_of, point_of
from memos.projection.reconciler import MOST_AT_ONCE, Reconciler, keep_reconciling, refill_if_lost
from memos.records import Embedding, Generation, Point, RecordKey, Vector, VersionKey
from memos.runtime import account_in
from memos.stores.generations import PostgresGenerations
from memos.telemetry import Telemetry
from memos.testing import TwinVectors, open_twin

pytest_plugins = ["rooms"]


class Choosy(TwinVectors):
    """Vectors that refuse the points of one agent."""

    async def upsert(self, points: Sequence[Point]) -> None:
        if any(point.payload["agent_id"] == "refused" for point in points):
            raise InvalidCommand("Not this one.")
        await super().upsert(points)


def reconciler(rooms: Rooms, vectors: TwinVectors | None = None) -> Reconciler:
    return Reconciler(vectors=vectors or rooms.vectors, projections=rooms.projections, embedder=rooms.embedder)


async def accepted_while_away(rooms: Rooms, *commands: StoreMemory) -> None:
    rooms.vectors.away = True
    for outcome in await rooms.store(*commands):
        assert isinstance(outcome, StoreOutcome)
        assert outcome.status == "accepted"
    rooms.vectors.away = False


async def test_what_was_accepted_becomes_searchable(rooms: Rooms) -> None:
    await accepted_while_away(rooms, StoreMemory(content="a b c"))
    assert await rooms.recalled("a b c") == []

    assert await reconciler(rooms).reconcile() == 1

    assert await rooms.recalled("a b c") == ["a b c"]
    assert await rooms.projections.behind() == 0


async def test_with_nothing_left_to_do_nothing_is_done(rooms: Rooms) -> None:
    await rooms.store(StoreMemory(content="a"))

    assert await reconciler(rooms).reconcile() == 0


async def test_a_record_that_the_engine_refuses_holds_up_no_other(rooms: Rooms) -> None:
    refused = StoreMemory(content="a", agent_id="refused")
    await accepted_while_away(rooms, StoreMemory(content="b"), refused, StoreMemory(content="c"))
    choosy = Choosy(rooms.vectors.collection)

    assert await reconciler(rooms, choosy).reconcile() == 2

    assert await choosy.count({}) == 2
    assert await rooms.projections.behind() == 1


async def test_behind_more_refused_records_than_fit_in_a_page_the_others_have_their_turn(rooms: Rooms) -> None:
    refused = [StoreMemory(content=str(number), agent_id="refused") for number in range(MOST_AT_ONCE + 10)]
    await accepted_while_away(rooms, *refused, *[StoreMemory(content=f"kept {number}") for number in range(20)])
    choosy = Choosy(rooms.vectors.collection)
    going_round = reconciler(rooms, choosy)

    await going_round.reconcile()
    await going_round.reconcile()

    assert await choosy.count({}) == 20
    assert await rooms.projections.behind() == len(refused)


async def test_what_the_model_has_not_read_yet_is_read_and_kept(rooms: Rooms) -> None:
    one = draft("a b c", embedding=Embedding("another", [1.0], computed=True))
    await rooms.commit(one)

    await reconciler(rooms).reconcile()

    assert rooms.embedder.asked == ["a b c"]
    assert await rooms.recalled("a b c", agent_id="ada") == ["a b c"]
    await rooms.projections.empty()
    await reconciler(rooms).reconcile()
    assert rooms.embedder.asked.count("a b c") == 2  # by the first round and by the query


async def test_a_text_that_the_model_refuses_holds_up_no_other(rooms: Rooms) -> None:
    class Refusing(WordsEmbedder):
        async def embed(self, texts: Sequence[str]) -> list[Vector]:
            if "too long" in texts:
                raise EmbeddingRefused("Not this one.")
            return await super().embed(texts)

    unread = Embedding("another", [1.0], computed=True)
    await rooms.commit(*[draft(text, embedding=unread) for text in ("a", "too long", "c", "d")])

    await Reconciler(vectors=rooms.vectors, projections=rooms.projections, embedder=Refusing()).reconcile()

    assert await rooms.vectors.count({}) == 3
    assert await rooms.projections.behind() == 1


async def test_an_engine_that_is_still_away_is_said_to_be(rooms: Rooms) -> None:
    await accepted_while_away(rooms, StoreMemory(content="a"))
    rooms.vectors.away = True

    with pytest.raises(Unavailable):
        await reconciler(rooms).reconcile()


async def test_a_vector_engine_that_lost_everything_is_filled_again(rooms: Rooms) -> None:
    await rooms.store(StoreMemory(content="a b"), StoreMemory(content="c d"))
    empty = TwinVectors(rooms.vectors.collection)

    await refill_if_lost(vectors=empty, projections=rooms.projections)

    assert await reconciler(rooms, empty).reconcile() == 2
    assert await empty.count({}) == 2


async def test_a_collection_that_is_gone_is_made_anew_and_filled_again(rooms: Rooms) -> None:
    await rooms.store(StoreMemory(content="a b"))
    await rooms.vectors.drop()

    await refill_if_lost(vectors=rooms.vectors, projections=rooms.projections)
    await reconciler(rooms).reconcile()

    assert await rooms.recalled("a b") == ["a b"]


async def test_a_vector_engine_that_has_something_is_not_filled_again(rooms: Rooms) -> None:
    await rooms.store(StoreMemory(content="a"))

    await refill_if_lost(vectors=rooms.vectors, projections=rooms.projections)

    assert await rooms.projections.behind() == 0


async def test_a_memory_whose_time_is_over_is_buried_with_a_fact(rooms: Rooms) -> None:
    now = datetime.now(UTC)
    old, _ = await rooms.store(
        StoreMemory(content="old", expires_at=now - timedelta(seconds=1)),
        StoreMemory(content="young", expires_at=now + timedelta(hours=1)),
    )

    assert isinstance(old, StoreOutcome)
    assert await rooms.memories.bury_expired(10) == [RecordKey("default", old.memory_id)]
    assert await rooms.memories.bury_expired(10) == []

    await reconciler(rooms).reconcile()
    assert await rooms.vectors.count({}) == 1
    reason = await rooms.pool.fetchval("select data ->> 'reason' from facts where type = 'memos.memory.deleted.v1'")
    assert reason == "expired"


@asynccontextmanager
async def reconciling(
    rooms: Rooms, telemetry: Telemetry | None = None, answers: NotedDerived | None = None
) -> AsyncIterator[None]:
    """A worker that keeps the projection true meanwhile."""

    @asynccontextmanager
    async def open_generation(generation: Generation) -> AsyncIterator[Vectors]:
        async with open_twin(collection_of(generation), kept={}) as twin:
            yield twin

    generations = PostgresGenerations(rooms.pool, "memories")
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(
            keep_reconciling(
                stopping,
                memories=rooms.memories,
                **rooms.engines,
                others=Others(1, generations, open_generation, partial(account_in, rooms.pool)),
                answers=answers or NotedDerived(),
                embedder=rooms.embedder,
                retired_seconds=60,
                telemetry=telemetry,
            )
        )
        yield
        stopping.set()


async def test_reconciling_goes_on_until_it_is_told_to_stop(rooms: Rooms) -> None:
    await accepted_while_away(rooms, StoreMemory(content="a"))

    async def nothing_is_left() -> bool:
        return await rooms.projections.behind() == 0

    async with reconciling(rooms):
        await until(nothing_is_left)


async def test_the_answers_made_from_what_expired_are_forgotten(rooms: Rooms) -> None:
    expired = draft("old", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    [stored] = await rooms.commit(expired)
    answers = NotedDerived()

    async def told() -> bool:
        return answers.forgotten == [RecordKey("default", stored.memory_id)]

    async with reconciling(rooms, answers=answers):
        await until(told)


async def test_how_much_is_left_to_be_done_is_told(rooms: Rooms) -> None:
    await accepted_while_away(rooms, StoreMemory(content="a"), StoreMemory(content="b", agent_id="refused"))
    telemetry = Telemetry()

    async def told() -> bool:
        return telemetry.registry.get_sample_value("memos_projection_behind", {"projection": "memories"}) == 1

    async with reconciling(replace(rooms, vectors=Choosy(rooms.vectors.collection)), telemetry):
        await until(told)


async def test_an_engine_that_loses_everything_meanwhile_is_filled_again(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.projection.reconciler.PAUSE_SECONDS", 0.05)
    await rooms.store(*[StoreMemory(content=f"a {number}") for number in range(3)])

    async with reconciling(rooms):
        await rooms.vectors.drop()
        await until(lambda: searchable(rooms, 3))


async def test_what_differs_and_nobody_knows_is_found_and_mended(rooms: Rooms) -> None:
    await rooms.store(*[StoreMemory(content=f"a {number}") for number in range(3)])
    lost, *_ = [one.key.record for one in await rooms.vectors.scroll(None, 1)]
    await rooms.vectors.delete([lost])
    orphan = draft("nowhere in the ledger")
    await rooms.vectors.upsert([point_of(VersionKey("default", orphan.memory_id, 1), orphan, vector_of("nowhere"))])

    async with reconciling(rooms):
        await until(lambda: mended(rooms, lost, RecordKey("default", orphan.memory_id)))


async def searchable(rooms: Rooms, number: int) -> bool:
    try:
        return await rooms.vectors.count({}) == number
    except CollectionMissing:
        return False


async def mended(rooms: Rooms, lost: RecordKey, orphan: RecordKey) -> bool:
    there = await rooms.vectors.present([lost, orphan])
    return lost in there and orphan not in there


async def test_while_the_engine_is_away_it_is_asked_only_now_and_then(
    rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    rooms.vectors.away = True

    async def audit_is_put_off() -> bool:
        return "Auditing is put off" in caplog.text

    async with reconciling(rooms):
        await until(audit_is_put_off)
        await rooms.memories.ping()
        await rooms.memories.ping()

    assert caplog.text.count("Auditing is put off") == 1
