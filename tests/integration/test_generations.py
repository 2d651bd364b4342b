"""The generations of a projection in the ledger: begun beside the current one, switched to, retired and dropped."""

import asyncio
from dataclasses import replace

import pytest
from builders import COLLECTION, DIMENSION, MODEL, Rooms, change, count, draft, origin
from running import until

from memos.errors import ConfigurationError, Conflict, Unavailable
from memos.records import Generation, RecordKey, VersionKey
from memos.stores.generations import PostgresGenerations
from memos.stores.postgres import Pool
from memos.stores.projections import PostgresProjections

pytest_plugins = ["rooms"]


@pytest.fixture
def generations(rooms: Rooms) -> PostgresGenerations:
    return PostgresGenerations(rooms.pool, "memories")


def account(rooms: Rooms, generation: Generation) -> PostgresProjections:
    return PostgresProjections(rooms.pool, replace(COLLECTION, generation=generation.number))


async def test_a_ledger_without_a_generation_begins_one(pool: Pool) -> None:
    generations = PostgresGenerations(pool, "memories")
    assert (await generations.current(), await generations.known()) == (None, [])

    first = await generations.first("openai", "m", 8)

    assert first == Generation("memories", 1, "openai", "m", 8, is_current=True)
    assert await generations.first("minilm", "other", 4) == await generations.current() == first


async def test_a_ledger_whose_generations_are_none_of_them_current_is_refused(
    rooms: Rooms, generations: PostgresGenerations
) -> None:
    await rooms.pool.execute("update generations set is_current = false")

    with pytest.raises(ConfigurationError, match="No generation of memories is current"):
        await generations.first("minilm", MODEL, DIMENSION)


async def test_what_is_stored_changed_and_deleted_is_noted_for_every_generation(
    rooms: Rooms, generations: PostgresGenerations
) -> None:
    shadow = await generations.begin("openai", "new", 8)
    assert (shadow.number, shadow.is_current) == (2, False)
    kept, changed, deleted = drafts = [draft(text) for text in "abc"]
    await rooms.memories.store(drafts)
    await rooms.memories.update(change(changed.memory_id, tags=["new"]))
    await rooms.memories.delete(origin(), b"d", "ada", deleted.memory_id)

    keys = [RecordKey("default", one.memory_id) for one in drafts]
    for projections in (rooms.projections, account(rooms, shadow)):
        accounts = await projections.accounts(keys)
        assert [accounts[key].version for key in keys] == [1, 2, None]
        assert {one.standing for one in accounts.values()} == {"behind"}
    await account(rooms, shadow).mark([VersionKey("default", kept.memory_id, 1)])
    assert (await rooms.projections.behind(), await account(rooms, shadow).behind()) == (3, 2)


async def test_a_new_generation_waits_for_what_was_under_way_when_it_began(
    rooms: Rooms, generations: PostgresGenerations
) -> None:
    async with rooms.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.fetch("select * from generations")
        beginning = asyncio.create_task(generations.begin("openai", "new", 8))

        async def begun() -> bool:
            return await count(rooms.pool, "generations") == 2

        await until(begun)
        assert not beginning.done()
        await transaction.commit()
        assert (await beginning).number == 2


async def test_a_transaction_that_never_ends_is_not_waited_for_for_ever(
    rooms: Rooms, generations: PostgresGenerations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.stores.generations.LONGEST_WAIT", 0.1)
    async with rooms.pool.acquire() as connection, connection.transaction():
        await connection.fetch("select * from generations")
        with pytest.raises(Unavailable, match="under way"):
            await generations.begin("openai", "new", 8)


async def test_live_records_are_enrolled_once_and_with_the_version_that_they_have(
    rooms: Rooms, generations: PostgresGenerations
) -> None:
    changed, deleted, *others = drafts = [draft(str(number)) for number in range(7)]
    await rooms.memories.store(drafts)
    await rooms.memories.update(change(changed.memory_id, tags=["new"]))
    await rooms.memories.delete(origin(), b"d", "ada", deleted.memory_id)
    shadow = account(rooms, await generations.begin("openai", "new", 8))
    last, noted = None, 0

    for _ in range(2):
        while (page := await shadow.enrol(3, last))[1]:
            noted, last = noted + page[0], page[1]
        last = None

    assert (noted, await shadow.behind()) == (12, 6)
    behind = [RecordKey("default", one.memory_id) for one in (changed, *others)]
    assert await shadow.mark([VersionKey(*key, 1) for key in behind]) == [behind[0]]


async def test_a_change_that_is_under_way_is_enrolled_as_what_it_becomes(
    rooms: Rooms, generations: PostgresGenerations
) -> None:
    one = draft()
    await rooms.memories.store([one])
    generation = await generations.begin("openai", "new", 8)
    async with rooms.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("update agent_memories set version = version + 1")
        enrolling = asyncio.create_task(account(rooms, generation).enrol(10, None))
        await until(lambda: waits_for_a_lock(rooms))
        await transaction.commit()
        await enrolling

    wanted = "select wanted from projections where generation = 2"
    assert await rooms.pool.fetchval(wanted) == 2


async def waits_for_a_lock(rooms: Rooms) -> bool:
    return bool(await rooms.pool.fetchval("select exists (select from pg_locks where not granted)"))


async def test_a_switch_retires_the_former_generation(rooms: Rooms, generations: PostgresGenerations) -> None:
    shadow = await generations.begin("openai", "new", 8)

    await generations.switch(shadow)

    former, current = await generations.known()
    assert (former.is_current, former.retired_at is None, former.dropped_at) == (False, False, None)
    assert (current.is_current, current.retired_at) == (True, None)
    assert await generations.retired_for(0) == [former]
    assert await generations.retired_for(3600) == []


async def test_only_what_is_being_built_can_become_current(rooms: Rooms, generations: PostgresGenerations) -> None:
    former = await generations.current()
    assert former is not None
    shadow = await generations.begin("openai", "new", 8)
    await generations.switch(shadow)

    for one in (former, shadow):
        with pytest.raises(Conflict):
            await generations.switch(one)

    current = await generations.current()
    assert current is not None
    assert current.number == shadow.number


async def test_of_a_dropped_generation_only_its_name_remains(
    rooms: Rooms, generations: PostgresGenerations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.stores.generations.MOST_AT_ONCE", 3)
    await rooms.memories.store([draft(str(number)) for number in range(7)])
    former = await generations.current()
    assert former is not None
    shadow = await generations.begin("openai", "new", 8)
    await account(rooms, shadow).enrol(100, None)
    await generations.switch(shadow)

    for _ in range(2):
        await generations.strike(former)

    assert (await generations.known())[0].dropped_at is not None
    assert await generations.retired_for(0) == []
    assert [one.number for one in await generations.lately_dropped(3600)] == [1]
    assert await generations.lately_dropped(-1) == []
    await rooms.memories.store([draft("after")])
    assert await rooms.pool.fetchval("select count(*) from projections where generation = 1") == 0
    assert await account(rooms, shadow).behind() == 8


async def test_the_current_generation_is_never_marked_as_dropped(
    rooms: Rooms, generations: PostgresGenerations
) -> None:
    current = await generations.current()
    assert current is not None

    await generations.strike(current)

    assert await generations.current() == current


async def test_what_was_noted_late_for_a_dropped_generation_is_tidied_away(
    rooms: Rooms, generations: PostgresGenerations
) -> None:
    await generations.begin("openai", "new", 8)
    await rooms.memories.store([draft()])
    await rooms.pool.execute("update generations set dropped_at = now() where generation = 2")

    await generations.tidy()

    assert await rooms.pool.fetchval("select array_agg(generation) from projections") == [1]


async def test_one_process_rebuilds_at_a_time(rooms: Rooms, generations: PostgresGenerations) -> None:
    async with generations.rebuilding():
        with pytest.raises(Conflict, match="Another process is rebuilding memories"):
            async with generations.rebuilding():
                pass
    async with generations.rebuilding():
        pass


async def test_the_right_to_rebuild_ends_with_its_connection(
    rooms: Rooms, generations: PostgresGenerations
) -> None:
    end = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
    async with generations.rebuilding():
        await rooms.pool.execute(end)

    async with generations.rebuilding():
        pass
