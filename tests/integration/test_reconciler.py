"""The reconciler: what was committed while the vector engine was away becomes searchable."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from builders import Rooms
from running import until

from memos.errors import InvalidCommand, Unavailable
from memos.events.memories import StoreMemory, StoreOutcome
from memos.projection.reconciler import keep_reconciling, reconcile, refill_if_lost
from memos.records import Point
from memos.testing import TwinVectors

pytest_plugins = ["rooms"]


class Choosy(TwinVectors):
    """Vectors that refuse the points of one agent."""

    async def upsert(self, points: Sequence[Point]) -> None:
        if any(point.payload["agent_id"] == "refused" for point in points):
            raise InvalidCommand("Not this one.")
        await super().upsert(points)


async def accepted_while_away(rooms: Rooms, *commands: StoreMemory) -> None:
    rooms.vectors.away = True
    for outcome in await rooms.store(*commands):
        assert isinstance(outcome, StoreOutcome)
        assert outcome.status == "accepted"
    rooms.vectors.away = False


async def test_what_was_accepted_becomes_searchable(rooms: Rooms) -> None:
    await accepted_while_away(rooms, StoreMemory(content="a b c"))
    assert await rooms.recalled("a b c") == []

    assert await reconcile(vectors=rooms.vectors, projections=rooms.projections) == 1

    assert await rooms.recalled("a b c") == ["a b c"]
    assert await rooms.projections.behind() == 0


async def test_with_nothing_left_to_do_nothing_is_done(rooms: Rooms) -> None:
    await rooms.store(StoreMemory(content="a"))

    assert await reconcile(vectors=rooms.vectors, projections=rooms.projections) == 0


async def test_a_record_that_the_engine_refuses_holds_up_no_other(rooms: Rooms) -> None:
    refused = StoreMemory(content="a", agent_id="refused")
    await accepted_while_away(rooms, StoreMemory(content="b"), refused, StoreMemory(content="c"))
    choosy = Choosy(rooms.vectors.collection)

    assert await reconcile(vectors=choosy, projections=rooms.projections) == 2

    assert await choosy.count({}) == 2
    assert await rooms.projections.behind() == 1


async def test_an_engine_that_is_still_away_is_said_to_be(rooms: Rooms) -> None:
    await accepted_while_away(rooms, StoreMemory(content="a"))
    rooms.vectors.away = True

    with pytest.raises(Unavailable):
        await reconcile(vectors=rooms.vectors, projections=rooms.projections)


async def test_a_vector_engine_that_lost_everything_is_filled_again(rooms: Rooms) -> None:
    await rooms.store(StoreMemory(content="a b"), StoreMemory(content="c d"))
    empty = TwinVectors(rooms.vectors.collection)

    await refill_if_lost(vectors=empty, projections=rooms.projections)

    assert await reconcile(vectors=empty, projections=rooms.projections) == 2
    assert await empty.count({}) == 2


async def test_a_vector_engine_that_has_something_is_not_filled_again(rooms: Rooms) -> None:
    await rooms.store(StoreMemory(content="a"))

    await refill_if_lost(vectors=rooms.vectors, projections=rooms.projections)

    assert await rooms.projections.behind() == 0


async def test_a_memory_whose_time_is_over_is_buried_with_a_fact(rooms: Rooms) -> None:
    now = datetime.now(UTC)
    await rooms.store(
        StoreMemory(content="old", expires_at=now - timedelta(seconds=1)),
        StoreMemory(content="young", expires_at=now + timedelta(hours=1)),
    )

    assert await rooms.memories.bury_expired(10) == 1
    assert await rooms.memories.bury_expired(10) == 0

    await reconcile(vectors=rooms.vectors, projections=rooms.projections)
    assert await rooms.vectors.count({}) == 1
    reason = await rooms.pool.fetchval("select data ->> 'reason' from facts where type = 'memos.memory.deleted.v1'")
    assert reason == "expired"


async def test_reconciling_goes_on_until_it_is_told_to_stop(rooms: Rooms) -> None:
    await accepted_while_away(rooms, StoreMemory(content="a"))
    stopping = asyncio.Event()

    async def nothing_is_left() -> bool:
        return await rooms.projections.behind() == 0

    async with asyncio.TaskGroup() as tasks:
        reconciling = keep_reconciling(
            stopping, memories=rooms.memories, vectors=rooms.vectors, projections=rooms.projections
        )
        tasks.create_task(reconciling)
        await until(nothing_is_left)
        stopping.set()
