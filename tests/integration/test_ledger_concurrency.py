"""Many transactions at once on the same memories: all succeed, and their effects add up."""

import asyncio
import random
from uuid import UUID

import asyncpg
import pytest
from builders import Rooms, change, count, draft, origin, succeeded

from memos.errors import Unavailable
from memos.records import Draft, VersionKey
from memos.stores.postgres import Connection, Pool, transacted

pytest_plugins = ["rooms"]


@pytest.mark.parametrize("sessions", [0, 5])
async def test_batches_with_the_same_texts_in_any_order_all_succeed(rooms: Rooms, sessions: int) -> None:
    order = random.Random(7)  # noqa: S311

    def turn(number: int) -> Draft:
        session_id = f"s{number % sessions}" if sessions else None
        return draft(f"text {number}", session_id=session_id, sequence=order.choice([None, number]))

    batches = [order.sample([turn(number) for number in range(200)], 200) for _ in range(24)]

    results = await asyncio.gather(*(rooms.memories.store(batch) for batch in batches))

    stored = [succeeded(outcome) for batch in results for outcome in batch]
    assert sum(not one.duplicate for one in stored) == 200
    assert await rooms.pool.fetchval("select sum(times_stored) from agent_memories") == 24 * 200
    assert await count(rooms.pool, "facts") == 200


async def test_batches_that_cross_over_given_and_drawn_sequences_all_succeed(rooms: Rooms) -> None:
    one = [[draft(f"a{n}", session_id="s", sequence=n), draft(f"b{n}", session_id="t")] for n in range(20)]
    other = [[draft(f"c{n}", session_id="t", sequence=n), draft(f"d{n}", session_id="s")] for n in range(20)]

    results = await asyncio.gather(*(rooms.memories.store(batch) for batch in one + other))

    assert all(succeeded(outcome) for batch in results for outcome in batch)


async def test_projections_marked_in_any_order_all_succeed(rooms: Rooms) -> None:
    order = random.Random(7)  # noqa: S311
    drafts = [draft(f"text {number}") for number in range(60)]
    await rooms.memories.store(drafts)
    keys = [VersionKey("default", one.memory_id, 1) for one in drafts]

    moved = await asyncio.gather(*(rooms.projections.mark(order.sample(keys, 50)) for _ in range(24)))

    assert moved == [[]] * 24


async def test_changes_of_one_memory_at_once_make_one_version_each(rooms: Rooms) -> None:
    one = draft()
    await rooms.memories.store([one])

    await asyncio.gather(*(rooms.memories.update(change(one.memory_id, tags=[f"{n}"])) for n in range(12)))

    versions = await rooms.memories.history("default", "ada", one.memory_id)
    assert [version.version for version in versions] == list(range(1, 14))
    assert len({tuple(version.tags) for version in versions}) == 13


async def test_a_store_and_a_deletion_of_one_id_at_once_leave_it_deleted(rooms: Rooms) -> None:
    drafts = [draft(f"text {number}") for number in range(20)]

    await asyncio.gather(
        *(rooms.memories.store([one]) for one in drafts),
        *(rooms.memories.delete(origin(), b"d", "ada", one.memory_id) for one in drafts),
    )

    assert await rooms.memories.visible("default", "ada", [one.memory_id for one in drafts]) == {}


async def test_the_victim_of_a_deadlock_is_run_again(rooms: Rooms) -> None:
    one, other = await two_memories(rooms)
    first, second = asyncio.Event(), asyncio.Event()

    async def lock(connection: Connection, memory_id: UUID) -> None:
        await connection.execute("set local deadlock_timeout = '10ms'")
        await connection.execute("select from agent_memories where memory_id = $1 for update", memory_id)

    async def forwards(connection: Connection) -> str:
        await lock(connection, one)
        first.set()
        await second.wait()
        await lock(connection, other)
        return "forwards"

    async def backwards(connection: Connection) -> str:
        await lock(connection, other)
        second.set()
        await first.wait()
        await lock(connection, one)
        return "backwards"

    async with asyncio.timeout(10):
        done = await asyncio.gather(transacted(rooms.pool, forwards), transacted(rooms.pool, backwards))

    assert list(done) == ["forwards", "backwards"]


async def two_memories(rooms: Rooms) -> tuple[UUID, UUID]:
    one, other = await rooms.memories.store([draft("one"), draft("other")])
    return succeeded(one).memory_id, succeeded(other).memory_id


async def test_a_deadlock_that_comes_back_every_time_is_unavailable(pool: Pool) -> None:
    attempts = 0

    async def work(_: Connection) -> None:
        nonlocal attempts
        attempts += 1
        raise asyncpg.DeadlockDetectedError("again")

    with pytest.raises(Unavailable, match="again"):
        await transacted(pool, work)
    assert attempts == 5


async def test_a_connection_that_breaks_is_unavailable_and_replaced(pool: Pool) -> None:
    async def break_off(connection: Connection) -> None:
        await connection.execute("select pg_terminate_backend(pg_backend_pid())")

    async def work(connection: Connection) -> object:
        return await connection.fetchval("select 1")

    with pytest.raises(Unavailable):
        await transacted(pool, break_off)
    assert await transacted(pool, work) == 1
