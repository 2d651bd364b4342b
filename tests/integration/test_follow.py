"""Following facts over the bus: in order, none left out, none twice, whatever goes away meanwhile."""

import asyncio
from pathlib import Path

import pytest
from conftest import Engines
from lanes import OpenLane
from relaying import DELETED, STORED, UPDATED, FactsOfTest, MakeReader, Reader, one_to, reading
from running import until

from memos.client import Client, connect
from memos.client.bus import open_bus
from memos.client.redis import open_redis
from memos.devstack.folder import held_home
from memos.devstack.processes import Processes
from memos.devstack.valkey import start_valkey, valkey_url
from memos.errors import Conflict, DeadlineExceeded, InvalidCommand, Unavailable
from memos.events.envelope import FIELD
from memos.events.facts import ReadFacts
from memos.events.streams import FACTS_STREAM
from memos.handlers import Handler
from memos.handlers.facts import read_facts

pytest_plugins = ["bus_fixtures", "facts_fixtures"]


async def test_a_follower_is_given_what_is_past_and_then_what_happens(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    record = await log.happen(5)
    async with log.relayed():
        one = reader(bus.follow())
        assert await one.take(5) == one_to(5)
        await log.happen(3)
        assert await one.take(3) == [6, 7, 8]
    first = one.read[0]
    assert (first.record_id, first.version, first.type, first.tenant) == (record, 1, STORED, "default")
    assert first.data["agent_id"] == "ada"
    assert first.occurred_at.tzinfo is not None


async def test_a_fact_is_the_same_from_the_ledger_and_from_the_stream(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    async with log.relayed():
        live = reader(bus.follow())
        await log.happen()
        await live.take(1)
        await log.happen()
        await live.take(1)
    later = reader(bus.follow())
    await later.take(2)
    assert later.read == live.read


async def test_a_follower_goes_on_after_a_position_or_begins_now(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    await log.happen(5)
    await log.relay()
    now = reader(bus.follow(after=None))
    waiting = asyncio.create_task(now.take(1))
    assert await reader(bus.follow(after=3)).take(2) == [4, 5]

    async def followed() -> bool:
        return bool(await log.redis.client_list(_type="normal")) and any(
            client["cmd"] == "xread" for client in await log.redis.client_list()
        )

    await until(followed)
    async with log.relayed():
        await log.happen()
        assert await waiting == [6]


async def test_tenants_are_kept_apart(log: FactsOfTest, engines: Engines, bus: Client, reader: MakeReader) -> None:
    async with log.relayed(), open_bus(engines.redis_url, "tests") as other:
        for _ in range(3):
            await log.happen(tenant="acme")
            await log.happen()
        acme, default = reader(other.follow(0, tenant="acme")), reader(bus.follow())
        assert (await acme.take(3), await default.take(3)) == ([1, 3, 5], [2, 4, 6])
        await log.happen(tenant="acme")
        await log.happen()
        assert (await acme.take(1), await default.take(1)) == ([7], [8])
    assert {fact.tenant for fact in acme.read} == {"acme"}


async def test_a_follower_may_want_some_types_only(log: FactsOfTest, bus: Client, reader: MakeReader) -> None:
    async with log.relayed():
        one = reader(bus.follow(types=[UPDATED, DELETED]))
        for _ in range(2):
            for kind in (STORED, UPDATED, DELETED):
                await log.happen(kind=kind)
            await one.take(2)
    assert [(fact.position, fact.type) for fact in one.read] == [
        (2, UPDATED),
        (3, DELETED),
        (5, UPDATED),
        (6, DELETED),
    ]


async def test_a_follower_that_pauses_loses_nothing_when_the_stream_moves_on(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    async with log.relayed(kept=100):
        one = reader(bus.follow())
        await log.happen(3)
        await one.take(3)
        await log.happen(1200)
        await log.until_relayed()
        assert (await log.streamed())[0][0] > 1000
        assert await one.take_until(1203) == list(range(4, 1204))
        await log.happen()
        assert await one.take(1) == [1204]


async def test_a_flushed_redis_loses_and_repeats_nothing(log: FactsOfTest, bus: Client, reader: MakeReader) -> None:
    async with log.relayed(kept=100):
        one = reader(bus.follow())
        for nth in range(1, 4):
            await log.happen(150)
            await one.take(75)
            await log.redis.flushdb()
            await log.happen(10)
            await one.take_until(nth * 160)
    assert [fact.position for fact in one.read] == one_to(480)


async def test_followers_go_on_when_their_connections_are_killed(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    async with log.relayed():
        one = reader(bus.follow())
        for _ in range(5):
            waiting = asyncio.create_task(one.take(2))
            await log.redis.client_kill_filter(_type="normal", skipme=True)
            await log.happen(2)
            await waiting
    assert [fact.position for fact in one.read] == one_to(10)


async def test_a_stranger_s_entry_is_passed_over(log: FactsOfTest, bus: Client, reader: MakeReader) -> None:
    await log.happen(3)
    await log.relay()
    await log.redis.xadd(FACTS_STREAM, {FIELD: b"not a fact"}, id="4-0")
    one = reader(bus.follow())
    await one.take(3)
    waiting = asyncio.create_task(one.take(1))
    async with log.relayed():
        await log.happen()
        assert await waiting == [4]


async def test_a_restart_of_redis_loses_and_repeats_nothing(
    log: FactsOfTest, tmp_path: Path, reader: MakeReader
) -> None:
    async with held_home(tmp_path / "home") as home, Processes(home.held) as processes:
        server = await start_valkey(home, processes, port=0)
        url = valkey_url(home)
        async with open_redis(url) as redis, reading(url, log.facts) as client:
            there = FactsOfTest(log.pool, log.dsn, redis)
            async with there.relayed():
                one = reader(client.follow())
                for _ in range(2):
                    await log.happen(5)
                    await one.take(5)
                    waiting = asyncio.create_task(one.take(5))
                    await server.stop()
                    await log.happen(5)
                    server = await start_valkey(home, processes, port=0)
                    await waiting
    assert [fact.position for fact in one.read] == one_to(20)


async def test_what_fails_at_first_is_raised_and_later_waited_out(
    log: FactsOfTest, engines: Engines, open_lane: OpenLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.client.bus.FACTS_PATIENCE", 0.1)
    worker = Handler(ReadFacts, read_facts)
    async with connect(engines.redis_url, source="tests") as client:
        with pytest.raises(DeadlineExceeded):
            await anext(client.follow())
        await log.happen(3)
        await log.relay()
        one = Reader(client.follow())
        async with open_lane(worker, facts=log.facts):
            await one.take(3)
        await log.redis.delete(FACTS_STREAM)  # so that a worker has to be asked
        waiting = asyncio.create_task(one.take(2))
        await log.happen(2)
        await log.relay()
        async with open_lane(worker, facts=log.facts):
            assert await waiting == [4, 5]
        await one.leave()


async def test_without_a_redis_following_says_so(tmp_path: Path) -> None:
    async with connect(f"unix://{tmp_path}/none.sock") as client:
        for facts in (client.follow(), client.follow(group="g")):
            with pytest.raises(Unavailable, match="ee that Redis runs"):
                await anext(facts)


async def test_a_position_that_no_fact_has_reached_is_a_conflict(log: FactsOfTest, bus: Client) -> None:
    await log.happen(3)
    await log.relay()
    with pytest.raises(Conflict, match="ends at position 3, before 4"):
        await anext(bus.follow(after=4))


async def test_a_follower_is_told_when_the_ledger_was_restored(
    log: FactsOfTest, bus: Client, reader: MakeReader
) -> None:
    await log.happen(9)
    await log.relay()
    one = reader(bus.follow())
    await one.take(9)
    await log.pool.execute("delete from facts where position > 4")
    async with log.relayed():
        with pytest.raises(Conflict, match="ends at position 4, before 9"):
            await one.take(1)


async def test_a_type_that_no_fact_has_is_refused_by_name(bus: Client) -> None:
    with pytest.raises(InvalidCommand, match=r"types\.0: must be one of memos\.memory\.stored\.v1"):
        bus.follow(types=["memos.memory.store.v1"])


async def test_pages_of_the_log_lead_to_one_another(log: FactsOfTest, bus: Client) -> None:
    for _ in range(10):
        await log.happen(tenant="acme")
        await log.happen()
    await log.relay()
    found, page = [], await bus.facts(limit=3)
    while page.more:
        assert len(page.facts) == 3
        found += page.facts
        page = await bus.facts(after=page.position, limit=3)
    found += page.facts
    assert [fact.position for fact in found] == list(range(2, 21, 2))
    assert (page.position, page.newest) == (20, 20)


async def test_a_page_moves_on_past_the_facts_of_others(
    log: FactsOfTest, bus: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.stores.facts.MOST_LOOKED_AT", 50)
    await log.happen(120, tenant="acme")
    await log.happen()
    await log.relay()
    seen = []
    position, more = 0, True
    while more:
        page = await bus.facts(after=position)
        position, more = page.position, page.more
        seen.append((position, [fact.position for fact in page.facts]))
    assert seen == [(50, []), (100, []), (121, [121])]
