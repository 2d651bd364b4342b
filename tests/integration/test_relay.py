"""The relay: places without a gap, in order, once, whoever dies meanwhile."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from builders import change, draft
from conftest import Engines
from relaying import FactsOfTest, one_to
from running import until

from memos.errors import Unavailable
from memos.events.envelope import FIELD
from memos.events.facts import document_of
from memos.events.streams import FACTS_STREAM
from memos.projection.relay import Relay
from memos.stores import facts as stored_facts
from memos.stores.fact_stream import RedisFactStream
from memos.stores.facts import PostgresFacts
from memos.stores.memories import PostgresMemories
from memos.stores.postgres import Connection

pytest_plugins = ["bus_fixtures", "facts_fixtures"]


@asynccontextmanager
async def late(log: FactsOfTest) -> AsyncIterator[Connection]:
    """A transaction that commits only when this is left."""
    async with log.pool.acquire() as connection, connection.transaction():
        yield connection


async def holder(log: FactsOfTest) -> int | None:
    """The process of PostgreSQL whose relay has the right to place."""
    pid: int | None = await log.pool.fetchval(
        "select pid from pg_locks where locktype = 'advisory' and granted "
        "and database = (select oid from pg_database where datname = current_database())"
    )
    return pid


async def test_what_commits_late_gets_a_later_place_and_no_place_is_left_out(log: FactsOfTest) -> None:
    async with log.relayed():
        async with late(log) as one:
            first = await log.happen(within=one)
            async with late(log) as other:
                second = await log.happen(within=other)
                third = await log.happen()
                await log.until_relayed()
                assert await log.placed() == [(1, third, 1)]
            await log.until_relayed()
            assert await log.placed() == [(1, third, 1), (2, second, 1)]
        await log.until_relayed()
    assert await log.placed() == [(1, third, 1), (2, second, 1), (3, first, 1)]
    assert await log.streamed() == await log.placed()


async def test_a_transaction_that_is_taken_back_leaves_no_gap(log: FactsOfTest) -> None:
    async with log.pool.acquire() as connection:
        undone = connection.transaction()
        await undone.start()
        await log.happen(3, within=connection)
        kept = await log.happen(2)
        await undone.rollback()
    await log.relay()
    assert await log.streamed() == [(1, kept, 1), (2, kept, 2)]


async def test_facts_of_a_memory_keep_their_order_under_concurrent_writers_and_two_relays(
    log: FactsOfTest,
) -> None:
    memories = PostgresMemories(log.pool)
    stored = [memory.memory_id for memory in await memories.store([draft(f"text {n}") for n in range(5)])]  # type: ignore[union-attr]

    async def write(times: int) -> None:
        for nth in range(times):
            await memories.update(change(stored[nth % len(stored)], tags=[uuid4().hex]))

    async with log.relayed(), log.relayed():
        async with late(log) as connection:
            await log.happen(7, within=connection)
            await asyncio.gather(*(write(20) for _ in range(6)))
        await log.until_relayed()

    placed = await log.placed()
    assert [position for position, _, _ in placed] == one_to(5 + 6 * 20 + 7)
    versions: dict[UUID, list[int]] = defaultdict(list)
    for _, record, version in placed:
        versions[record].append(version)
    assert all(found == one_to(len(found)) for found in versions.values())
    assert await log.streamed() == placed


async def test_of_two_relays_one_works_and_one_takes_over_when_it_loses_its_connection(
    log: FactsOfTest,
) -> None:
    async with log.relayed(), log.relayed():
        await log.happen(10)
        await log.until_relayed()
        first = await holder(log)
        for _ in range(3):
            lost = await holder(log)
            await log.pool.execute("select pg_terminate_backend($1)", lost)
            await log.happen(10)
            await log.until_relayed()
        assert await holder(log) != first
    assert [position for position, _, _ in await log.streamed()] == one_to(40)


async def test_a_relay_stands_by_while_another_has_the_right_and_places_nothing(log: FactsOfTest) -> None:
    await log.happen(3)
    async with log.facts.placing() as mine:
        assert await mine.granted()
        async with log.facts.placing() as another:
            assert not await another.granted()
        async with log.relayed():
            await asyncio.gather(*(log.facts.newest() for _ in range(50)))
            assert await log.unplaced() == 3
    await log.relay()
    assert len(await log.streamed()) == 3


async def test_a_relay_that_sleeps_loses_the_right_and_can_place_no_more(
    log: FactsOfTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = {**stored_facts.RELAY_SESSION, "idle_session_timeout": "100ms"}
    monkeypatch.setattr(stored_facts, "RELAY_SESSION", session)
    await log.happen(5)
    async with log.facts.placing() as asleep:
        assert await asleep.granted()
        await log.relay()
        with pytest.raises(Unavailable):
            await asleep.place(10)
    assert [position for position, _, _ in await log.streamed()] == one_to(5)


async def test_what_a_relay_placed_and_did_not_copy_the_next_one_copies(log: FactsOfTest) -> None:
    await log.happen(20)
    async with log.facts.placing() as placing:
        assert await placing.granted()
        assert await placing.place(8) == 8
        await log.stream().add(await log.facts.copies(0, 3), after=0)
    assert len(await log.streamed()) == 3
    await log.relay()
    assert [position for position, _, _ in await log.streamed()] == one_to(20)


async def test_a_stream_refuses_what_it_has_and_what_would_leave_a_gap(log: FactsOfTest) -> None:
    await log.happen(10)
    await log.relay()
    copies = await log.facts.copies(0, 10)
    assert await log.stream().add(copies[:5], after=0) == 10
    assert await log.stream().add(copies[8:], after=8) == 10
    await log.redis.delete(FACTS_STREAM)
    assert await log.stream().add(copies[8:], after=8) == 0
    assert await log.streamed() == []


async def test_a_flushed_redis_gets_the_newest_facts_again_and_then_the_new_ones(log: FactsOfTest) -> None:
    await log.happen(450)
    async with log.relayed(kept=100):
        await log.until_relayed()
        await log.redis.flushdb()
        await log.until_relayed()
        assert [position for position, _, _ in await log.streamed()] == list(range(351, 451))
        assert (await log.redis.xinfo_stream(FACTS_STREAM))["entries-added"] == 100
        await log.happen(50)
        await log.until_relayed()
    assert [position for position, _, _ in await log.streamed()][-100:] == list(range(401, 501))


async def test_the_stream_keeps_about_as_many_facts_as_it_is_told(log: FactsOfTest) -> None:
    await log.happen(1500)
    await log.relay(kept=200)
    kept = [position for position, _, _ in await log.streamed()]
    assert 200 <= len(kept) < 400
    assert kept == list(range(1501 - len(kept), 1501))


async def test_a_stream_ahead_of_a_ledger_that_was_restored_is_filled_anew(
    log: FactsOfTest, caplog: pytest.LogCaptureFixture
) -> None:
    await log.happen(30)
    await log.relay()
    await log.pool.execute("delete from facts where position > 12")
    await log.happen(40)
    await log.relay()
    assert [position for position, _, _ in await log.streamed()] == one_to(52)
    assert await log.streamed() == await log.placed()
    assert "stream of facts is at 30, but the ledger only at 12" in caplog.text


async def read_by(log: FactsOfTest, group: str, number: int = 1000, *, finished: bool = True) -> list[int]:
    """The positions of the next facts of a consumer group."""
    found = await log.redis.xreadgroup(group, "one", {FACTS_STREAM: ">"}, count=number, noack=finished)
    return [int(entry.partition(b"-")[0]) for _, entries in found for entry, _ in entries]


async def test_groups_of_a_stream_whose_ledger_was_restored_stay_and_miss_nothing(log: FactsOfTest) -> None:
    await log.happen(30)
    await log.relay()
    for group in ("behind", "ahead", "at work"):
        await log.redis.xgroup_create(FACTS_STREAM, group, id="0")
    await read_by(log, "behind", 5)
    await read_by(log, "ahead")
    await read_by(log, "at work", 14, finished=False)
    await log.pool.execute("delete from facts where position > 12")
    await log.relay()

    assert await log.streamed() == await log.placed()
    assert [await read_by(log, group) for group in ("behind", "ahead", "at work")] == [one_to(12)[5:], [], []]
    pending = await log.redis.xpending(FACTS_STREAM, "at work")
    assert (pending["pending"], pending["max"]) == (12, b"12-0")
    await log.happen(40)
    await log.relay()
    for group in ("behind", "ahead", "at work"):
        assert await read_by(log, group) == one_to(52)[12:]


async def test_a_restored_ledger_larger_than_the_stream_fills_it_with_its_newest_facts(log: FactsOfTest) -> None:
    await log.happen(300)
    await log.relay(kept=50)
    await log.pool.execute("delete from facts where position > 250")
    await log.relay(kept=50)
    assert [position for position, _, _ in await log.streamed()] == list(range(201, 251))


class SlowStream(RedisFactStream):
    """The stream of a relay that sleeps before it looks at the stream, once this is told."""

    def __init__(self, log: FactsOfTest) -> None:
        super().__init__(log.redis, FACTS_STREAM, field=FIELD, document_of=document_of, kept=1000)
        self.awake, self.slept = asyncio.Event(), asyncio.Event()
        self.awake.set()

    async def last(self) -> int:
        if not self.awake.is_set():
            self.slept.set()
            await self.awake.wait()
        return await super().last()


async def test_a_relay_that_slept_while_another_went_on_leaves_the_stream_and_its_groups_alone(
    log: FactsOfTest,
) -> None:
    stream = SlowStream(log)
    asleep = asyncio.create_task(Relay(log.facts, stream, log.telemetry).run(asyncio.Event()))
    await log.happen(10)
    await log.until_relayed()
    await log.redis.xgroup_create(FACTS_STREAM, "default:billing", id="10-0")
    stream.awake.clear()
    await stream.slept.wait()
    await log.pool.execute("select pg_terminate_backend($1)", await holder(log))
    await log.happen(5)
    await log.relay()

    stream.awake.set()
    with pytest.raises(Unavailable):
        await asleep

    assert [position for position, _, _ in await log.streamed()] == one_to(15)
    assert [group["name"] for group in await log.redis.xinfo_groups(FACTS_STREAM)] == [b"default:billing"]
    assert await read_by(log, "default:billing") == [11, 12, 13, 14, 15]


async def test_a_stream_that_has_moved_on_since_it_was_seen_is_not_emptied(log: FactsOfTest) -> None:
    await log.happen(12)
    await log.relay()
    assert await log.stream().rewind(5, seen=10) == 12
    assert len(await log.streamed()) == 12
    assert await log.stream().rewind(5, seen=12) == 0
    assert await log.streamed() == []
    await log.redis.delete(FACTS_STREAM)
    assert await log.stream().rewind(5, seen=12) == 0
    assert not await log.redis.exists(FACTS_STREAM)


async def test_a_stranger_s_entry_on_the_stream_does_not_last(log: FactsOfTest) -> None:
    await log.happen(5)
    await log.relay()
    await log.redis.xadd(FACTS_STREAM, {FIELD: b"not a fact"})
    await log.relay()
    assert [position for position, _, _ in await log.streamed()] == one_to(5)


async def test_an_engine_that_cannot_be_used_is_waited_out(
    log: FactsOfTest, caplog: pytest.LogCaptureFixture
) -> None:
    await log.redis.set(FACTS_STREAM, "no stream")
    async with log.relayed():
        await log.happen(5)

        async def refused() -> bool:
            return "WRONGTYPE" in caplog.text

        await until(refused)
        await log.redis.delete(FACTS_STREAM)
        await log.until_relayed()
        await log.redis.client_kill_filter(_type="normal", skipme=True)
        await log.happen(5)
        await log.until_relayed()
    assert [position for position, _, _ in await log.streamed()] == one_to(10)


async def test_a_ledger_out_of_reach_is_waited_out(log: FactsOfTest, caplog: pytest.LogCaptureFixture) -> None:
    facts: Any = PostgresFacts(log.pool, log.dsn.replace("memos_test", "memos_nowhere"))
    broken = FactsOfTest(log.pool, facts._dsn, log.redis)
    async with broken.relayed():

        async def failed() -> bool:
            return "does not exist" in caplog.text

        await until(failed)
    assert await log.streamed() == []


async def test_the_newest_position_is_measured(log: FactsOfTest) -> None:
    await log.happen(7)
    await log.relay()
    assert log.telemetry.registry.get_sample_value("memos_facts_position") == 7


async def test_a_relay_stops_at_once_whether_it_works_or_stands_by(
    log: FactsOfTest, monkeypatch: pytest.MonkeyPatch, engines: Engines
) -> None:
    monkeypatch.setattr("memos.projection.relay.POLL_SECONDS", 30)
    monkeypatch.setattr("memos.projection.relay.STANDBY_SECONDS", 30)
    async with asyncio.timeout(20), log.relayed(), log.relayed():
        await log.happen()
        await until(lambda: holder(log))
