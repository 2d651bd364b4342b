"""The projector: a worker that sleeps between its commit and its write brings nothing old back."""

import asyncio
from collections.abc import Sequence
from threading import current_thread, main_thread

import pytest
from builders import Rooms, change, draft, origin

from memos.errors import Unavailable
from memos.events.memories import DeleteMemory, MemoryChanges, StoreMemory, StoreOutcome, UpdateMemory
from memos.handlers.memories.change import delete_memory, update_memory
from memos.handlers.memories.store import store_memory
from memos.lexical import terms_of
from memos.ports import Filter
from memos.projection.points import point_of
from memos.records import Draft, Point, RecordKey, Terms, VersionKey
from memos.testing import TwinVectors

pytest_plugins = ["rooms"]


class Sleeper(TwinVectors):
    """The same vectors, but for the first write, which waits to be woken."""

    def __init__(self, vectors: TwinVectors) -> None:
        super().__init__(vectors.collection, vectors._kept)
        self.asleep = asyncio.Event()
        self.wake = asyncio.Event()

    async def upsert(self, points: Sequence[Point]) -> None:
        self.asleep.set()
        await self.wake.wait()
        await super().upsert(points)


class Restless(Sleeper):
    """Vectors during whose every write the memory is changed once more."""

    def __init__(self, rooms: Rooms, one: Draft) -> None:
        super().__init__(rooms.vectors)
        self.wake.set()
        self._rooms, self._one = rooms, one
        self.writes = 0

    async def upsert(self, points: Sequence[Point]) -> None:
        await super().upsert(points)
        self.writes += 1
        await self._rooms.memories.update(change(self._one.memory_id, tags=[str(self.writes)]))


def version(number: int) -> Filter:
    return {"must": [{"key": "version", "match": {"value": number}}]}


def point(one: Draft) -> Point:
    assert one.embedding
    return point_of(VersionKey(one.origin.tenant, one.memory_id, 1), one, one.embedding.vector)


async def asleep(rooms: Rooms, command: StoreMemory) -> tuple[Sleeper, "asyncio.Task[list[object]]"]:
    """A worker that has committed a memory and sleeps before it writes the point."""
    sleeper = Sleeper(rooms.vectors)
    handling = store_memory([command], origins=[origin()], **{**rooms.storing, "vectors": sleeper})
    task = asyncio.create_task(handling)
    async with asyncio.timeout(10):
        await sleeper.asleep.wait()
    return sleeper, task  # type: ignore[return-value]


async def only_id(rooms: Rooms) -> VersionKey:
    row = await rooms.pool.fetchrow("select tenant, memory_id, version from agent_memories")
    assert row
    return VersionKey(*row)


async def test_a_sleeper_does_not_bring_back_a_deleted_memory(rooms: Rooms) -> None:
    sleeper, storing = await asleep(rooms, StoreMemory(content="a b c"))
    key = await only_id(rooms)
    deleted = await delete_memory(DeleteMemory(memory_id=key.memory_id), origin=origin(), **rooms.deleting)
    assert deleted.status == "deleted"

    sleeper.wake.set()
    await storing

    assert await rooms.vectors.count({}) == 0
    assert await rooms.projections.behind() == 0


async def test_a_sleeper_does_not_bring_back_a_former_version(rooms: Rooms) -> None:
    sleeper, storing = await asleep(rooms, StoreMemory(content="a b c"))
    key = await only_id(rooms)
    changes = MemoryChanges(content="d e f", tags=["new"])
    await update_memory(UpdateMemory(memory_id=key.memory_id, changes=changes), origin=origin(), **rooms.ports)

    sleeper.wake.set()
    await storing

    assert (await rooms.vectors.count(version(1)), await rooms.vectors.count(version(2))) == (0, 1)
    assert await rooms.recalled("d e f", filter={"tags": ["new"]}) == ["d e f"]
    assert await rooms.projections.behind() == 0


async def test_a_sleeping_change_does_not_bring_back_a_deleted_memory(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a b c")
    sleeper = Sleeper(rooms.vectors)
    command = UpdateMemory(memory_id=memory_id, changes=MemoryChanges(tags=["new"]))
    changing = asyncio.create_task(update_memory(command, origin=origin(), **{**rooms.ports, "vectors": sleeper}))
    async with asyncio.timeout(10):
        await sleeper.asleep.wait()
    await delete_memory(DeleteMemory(memory_id=memory_id), origin=origin(), **rooms.deleting)

    sleeper.wake.set()
    await changing

    assert await rooms.vectors.count({}) == 0
    assert await rooms.projections.behind() == 0


async def test_a_record_that_never_stands_still_is_left_behind(rooms: Rooms) -> None:
    one = draft()
    await rooms.memories.store([one])
    restless = Restless(rooms, one)

    await rooms.project([point(one)], vectors=restless)

    assert 1 < restless.writes < 20
    assert await rooms.projections.behind() == 1
    await rooms.reproject([point(one).key.record])
    assert await rooms.projections.behind() == 0


async def test_points_of_many_tenants_are_projected_together(rooms: Rooms) -> None:
    drafts = [draft("same", of=origin(tenant=tenant)) for tenant in ("a", "b")]
    await rooms.memories.store(drafts)

    await rooms.project([point(one) for one in drafts])

    assert await rooms.projections.behind() == 0
    assert await rooms.vectors.count({"must": [{"key": "tenant", "match": {"value": "b"}}]}) == 1


@pytest.mark.parametrize("much", [True, False])
async def test_long_texts_are_made_points_of_in_a_thread(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch, much: bool
) -> None:
    threads: list[bool] = []

    def noted(*text: object) -> Terms:
        threads.append(current_thread() is not main_thread())
        return terms_of(*text)  # type: ignore[arg-type]

    monkeypatch.setattr("memos.projection.points.terms_of", noted)
    monkeypatch.setattr("memos.projection.points.READ_AT_ONCE", 40 if much else 41)
    first = await rooms.remember("a" * 41 if much else "a")
    await rooms.remember("b" * 41, supersedes=[first])

    assert len(threads) == 3
    assert threads == [much] * 3


async def test_nothing_is_projected_from_nothing(rooms: Rooms) -> None:
    rooms.vectors.away = True

    await rooms.project([])
    await rooms.reproject([])
    await rooms.withdraw([])


async def test_what_cannot_be_written_stays_behind(rooms: Rooms) -> None:
    one = draft()
    await rooms.memories.store([one])
    rooms.vectors.away = True

    with pytest.raises(Unavailable):
        await rooms.project([point(one)])
    with pytest.raises(Unavailable):
        await rooms.reproject([point(one).key.record])

    assert await rooms.projections.behind() == 1


async def test_what_could_not_be_removed_stays_behind(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a b c")
    rooms.vectors.away = True
    deleted = await delete_memory(DeleteMemory(memory_id=memory_id), origin=origin(), **rooms.deleting)
    assert deleted.status == "accepted"
    assert await rooms.projections.behind() == 1

    rooms.vectors.away = False
    await rooms.reproject([RecordKey("default", memory_id)])

    assert await rooms.vectors.count({}) == 0
    assert await rooms.projections.behind() == 0


async def test_a_memory_that_was_only_accepted_is_searchable_when_it_is_sent_again(rooms: Rooms) -> None:
    sender, command = origin(), StoreMemory(content="a b c")
    rooms.vectors.away = True
    [accepted] = await rooms.store(command, origins=[sender])
    [still] = await rooms.store(command, origins=[sender])
    rooms.vectors.away = False

    [stored] = await rooms.store(command, origins=[sender])

    outcomes = [outcome for outcome in (accepted, still, stored) if isinstance(outcome, StoreOutcome)]
    assert [outcome.status for outcome in outcomes] == ["accepted", "accepted", "stored"]
    assert len({outcome.memory_id for outcome in outcomes}) == 1
    assert await rooms.recalled("a b c") == ["a b c"]
    assert await rooms.projections.behind() == 0
