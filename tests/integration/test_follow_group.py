"""Following facts as a consumer group: at least once, and Redis knows how far it is."""

import asyncio

import pytest
from conftest import Engines
from relaying import STORED, UPDATED, FactsOfTest, MakeReader, one_to
from running import until

from memos.client import Client, connect
from memos.client.bus import open_bus
from memos.errors import Conflict, InvalidCommand
from memos.events.streams import FACTS_STREAM

pytest_plugins = ["bus_fixtures", "facts_fixtures"]


async def test_a_fact_is_finished_when_the_next_one_is_asked_for(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    await log.happen(10)
    await log.relay()
    first = reader(bus.follow(group="audit"))
    assert await first.take(3) == [1, 2, 3]
    await first.leave()

    again = reader(bus.follow(group="audit"))
    assert await again.take(8) == list(range(3, 11))


async def test_the_position_is_the_group_s_whatever_it_is_asked_to_follow_after(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    await log.happen(10)
    await log.relay()
    one = reader(bus.follow(group="audit", after=4))
    assert await one.take(2) == [5, 6]
    await one.leave()
    assert await reader(bus.follow(group="audit", after=0)).take(1) == [6]


async def test_a_new_group_may_begin_now(log: FactsOfTest, bus: Client, reader: MakeReader) -> None:
    await log.happen(4)
    await log.relay()
    one = reader(bus.follow(group="audit", after=None))
    waiting = asyncio.create_task(one.take(1))

    async def opened() -> bool:
        return len(await log.redis.xinfo_groups(FACTS_STREAM)) == 1

    await until(opened)
    async with log.relayed():
        await log.happen()
        assert await waiting == [5]


async def test_each_fact_goes_to_one_consumer_of_a_group(log: FactsOfTest, bus: Client, reader: MakeReader) -> None:
    async with log.relayed():
        ann, bob = (reader(bus.follow(group="audit", consumer=name)) for name in ("ann", "bob"))
        tasks = [asyncio.create_task(each.take(1000)) for each in (ann, bob)]
        for _ in range(20):
            await log.happen(15)
        await log.until_relayed()

        async def all_read() -> bool:
            return len(ann.read) + len(bob.read) >= 300

        await until(all_read)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    positions = [fact.position for each in (ann, bob) for fact in each.read]
    assert sorted(positions) == one_to(300)


async def test_what_a_consumer_took_and_did_not_finish_waits_for_it(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    await log.happen(10)
    await log.relay()
    ann = reader(bus.follow(group="audit", consumer="ann"))
    await ann.take(2)
    await ann.leave()
    await log.happen(5)
    await log.relay()
    assert await reader(bus.follow(group="audit", consumer="bob")).take(5) == list(range(11, 16))
    assert await reader(bus.follow(group="audit", consumer="ann")).take(9) == list(range(2, 11))


async def test_a_group_that_fell_behind_the_capped_stream_reads_the_ledger_first(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    await log.redis.xgroup_create(FACTS_STREAM, "default:audit", id="0", mkstream=True)
    await log.happen(1300)
    async with log.relayed(kept=100):
        await log.until_relayed()
        assert (await log.streamed())[0][0] > 1000
        one = reader(bus.follow(group="audit"))
        assert await one.take(700) == one_to(700)
        await one.leave()
        [group] = await log.redis.xinfo_groups(FACTS_STREAM)
        assert group["last-delivered-id"] == b"699-0"

        again = reader(bus.follow(group="audit"))
        assert await again.take(601) == list(range(700, 1301))
        await log.happen()
        assert await again.take(1) == [1301]


async def test_what_was_taken_is_still_given_when_the_stream_has_dropped_it(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    await log.happen(20)
    await log.relay()
    one = reader(bus.follow(group="audit"))
    await one.take(6)
    await one.leave()
    await log.redis.xtrim(FACTS_STREAM, maxlen=2, approximate=False)
    assert await reader(bus.follow(group="audit")).take(15) == list(range(6, 21))


async def test_a_flushed_redis_loses_nothing(log: FactsOfTest, bus: Client, reader: MakeReader) -> None:
    async with log.relayed(kept=100):
        one = reader(bus.follow(group="audit"))
        for nth in range(1, 4):
            await log.happen(160)
            await one.take(40)
            await log.redis.flushdb()
            await one.take_until(nth * 160)
    assert [fact.position for fact in one.read] == one_to(480)


async def test_a_group_that_redis_forgot_goes_on_where_it_was_and_not_where_it_was_told_to_begin(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    await log.happen(10)
    await log.relay()
    first = reader(bus.follow(group="audit"))
    await first.take(3)
    await first.leave()
    one = reader(bus.follow(group="audit", after=None))
    assert await one.take(1) == [3]
    await log.redis.flushdb()
    async with log.relayed():
        await log.happen(1200)
        assert await one.take_until(1210) == list(range(4, 1211))


async def test_connections_that_are_killed_lose_nothing(log: FactsOfTest, bus: Client, reader: MakeReader) -> None:
    async with log.relayed():
        one = reader(bus.follow(group="audit"))
        for nth in range(1, 6):
            waiting = asyncio.create_task(one.take_until(nth * 30))
            await log.happen(15)
            await log.redis.client_kill_filter(_type="normal", skipme=True)
            await log.happen(15)
            await waiting
    assert sorted({fact.position for fact in one.read}) == one_to(150)


async def test_tenants_may_name_their_groups_alike(
    log: FactsOfTest, engines: Engines, bus: Client, reader: MakeReader
) -> None:
    async with log.relayed(), open_bus(engines.redis_url, "tests") as other:
        for _ in range(3):
            await log.happen(tenant="acme")
            await log.happen()
        acme = reader(other.follow(0, group="audit", tenant="acme"))
        default = reader(bus.follow(group="audit"))
        assert (await acme.take(3), await default.take(3)) == ([1, 3, 5], [2, 4, 6])
        await acme.leave()


async def test_facts_that_a_group_does_not_want_are_finished_without_being_given(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    async with log.relayed():
        one = reader(bus.follow(group="audit", types=[UPDATED]))
        waiting = asyncio.create_task(one.take(2))
        for kind in (STORED, UPDATED, STORED, STORED, UPDATED, STORED):
            await log.happen(kind=kind)
        assert await waiting == [2, 5]
        waiting = asyncio.create_task(one.take(1))
        await log.happen(kind=UPDATED)
        assert await waiting == [7]
        await one.leave()
        assert await reader(bus.follow(group="audit")).take(1) == [7]


async def test_a_group_is_told_when_the_ledger_was_restored(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    await log.happen(9)
    await log.relay()
    one = reader(bus.follow(group="audit"))
    await one.take(9)
    await log.pool.execute("delete from facts where position > 4")
    async with log.relayed():
        with pytest.raises(Conflict, match="ends at position 4, before 9"):
            await one.take(1)


async def test_a_group_goes_on_with_the_log_of_a_ledger_that_was_restored_and_misses_nothing(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    await log.happen(9)
    await log.relay()
    one = reader(bus.follow(group="audit"))
    await one.take(9)
    await one.leave()
    await log.pool.execute("delete from facts where position > 4")
    await log.relay()
    await log.happen(20)
    await log.relay()

    assert await reader(bus.follow(group="audit")).take(20) == list(range(5, 25))


async def test_a_group_that_never_reads_holds_up_nobody(log: FactsOfTest, bus: Client, reader: MakeReader) -> None:
    async with log.relayed(kept=200):
        await log.happen(20)
        lagging = reader(bus.follow(group="lagging"))
        await lagging.take(1)
        await log.redis.xgroup_create(FACTS_STREAM, "default:dead", id="0")
        live, group = reader(bus.follow()), reader(bus.follow(group="live"))
        for nth in range(1, 6):
            await log.happen(300)
            await asyncio.gather(live.take_until(20 + nth * 300), group.take_until(20 + nth * 300))
        assert await log.redis.xlen(FACTS_STREAM) < 500
        assert await lagging.take(1519) == list(range(2, 1521))


async def test_groups_are_refused_over_http() -> None:
    async with connect("http://127.0.0.1:1") as client:
        with pytest.raises(InvalidCommand, match="cannot be followed over HTTP"):
            client.follow(group="audit")
