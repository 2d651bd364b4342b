"""No key is left in Redis without a TTL or an owner, whatever has happened."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from conftest import Engines
from lanes import Wire, event, new_lane
from redis.asyncio import Redis
from running import Memos, Served, own_edge, ready, until, with_redis_database

from memos.broker.leases import Lease
from memos.client import connect
from memos.client.metrics import PublishedMetrics
from memos.client.redis import open_redis
from memos.errors import Unavailable
from memos.events.memories import DeleteMemory, DeleteOutcome, GetMemory, QueryMemory, StoreMemory
from memos.events.streams import FACTS_STREAM, GROUP, LASTING_KEYS, STREAM_OF, STREAMS
from memos.handlers import Handler
from memos.settings import Settings
from memos.telemetry import Telemetry

DATABASE = "3"
"""Of Redis; nobody else uses it."""

REPLY_SECONDS = 120.0
KILLED = "killed-1-2"


async def lasting(redis: Redis) -> set[str]:
    """The keys that do not end by themselves."""
    keys = [key async for key in redis.scan_iter()]
    return {key.decode() for key in keys if await redis.ttl(key) == -1}


async def longest(redis: Redis) -> float:
    """The longest time, in seconds, until a key that ends by itself does."""
    return max([await redis.ttl(key) async for key in redis.scan_iter()])


@pytest.fixture
async def bus(engines: Engines) -> AsyncIterator[Redis]:
    """An empty Redis of the test's own."""
    async with open_redis(with_redis_database(engines.redis_url, DATABASE)) as client:
        await client.flushdb()
        yield client
        await client.flushdb()


@asynccontextmanager
async def running_memos(engines: Engines, postgres_dsn: str) -> AsyncIterator[Memos]:
    redis_url = with_redis_database(engines.redis_url, DATABASE)
    async with own_edge(redis_url, postgres_dsn) as edge_socket:
        settings = Settings(
            redis_url=redis_url,
            postgres_dsn=postgres_dsn,
            edge_socket=edge_socket,
            embedding_threads=1,
            lease_seconds=1,
            retry_first=0.05,
            reply_ttl=REPLY_SECONDS,
        )
        served = Served(settings)
        served.start()
        try:
            await ready(served.url)
            yield Memos(served.url, settings)
        finally:
            await asyncio.to_thread(served.stop)


async def fail(command: DeleteMemory) -> DeleteOutcome:
    raise Unavailable("The ledger is away.")


async def leave_retries(bus: Redis, url: str, attempts: int) -> None:
    """Have a lane fail with a deletion: put off when it is to be tried again, else a dead letter."""
    stopping, deletions = asyncio.Event(), STREAM_OF[DeleteMemory]
    patient: dict[str, Any] = {"retry_attempts": attempts, "retry_first": 30.0, "retry_longest": 30.0}
    async with open_redis(url, retries=0) as redis:
        running = asyncio.create_task(new_lane(redis, url, Handler(DeleteMemory, fail), **patient).run(stopping))
        await Wire(bus).put(deletions, event(DeleteMemory, {"memory_id": str(uuid4())}, replyto=None))

        async def left() -> bool:
            return bool(await bus.zcard(deletions.delayed) if attempts > 1 else await bus.xlen(deletions.dead))

        await until(left)
        stopping.set()
        await asyncio.wait_for(running, 20)


async def leave_what_a_killed_worker_had(bus: Redis) -> None:
    """A store in the hands of a worker whose lease has ended, and what it had published."""
    stores = STREAM_OF[StoreMemory]
    await bus.xgroup_create(stores.name, GROUP, id="0", mkstream=True)
    await Wire(bus).put(stores, event(StoreMemory, {"content": "Left by a worker that was killed."}))
    await bus.xreadgroup(GROUP, KILLED, {stores.name: ">"}, count=1)
    await Lease(bus, KILLED, 0.05).renew()
    await PublishedMetrics(bus, KILLED, "interactive", Telemetry().registry, seconds=1).publish()


async def use(memos: Memos, bus: Redis) -> None:
    """A bit of everything, well-formed and not."""
    async with connect(memos.url) as http, connect(memos.redis_url, source="keys") as client:
        for each in (http, client):
            first = await each.store("A kettle trips the fuse.")
            await each.update(first.memory_id, content="The kettle trips the fuse.")
            await each.query("fuse")
            await each.delete(first.memory_id)
            with pytest.raises(Exception, match=str(first.memory_id)):
                await each.get(first.memory_id)
        await client.ingest([{"content": "A passage.", "source": {"uri": "a.py"}, "sequence": 0}])
        await http.health()
        async for _ in client.follow(group="readers", consumer="one"):
            break
    wire = Wire(bus)
    await wire.put(STREAM_OF[StoreMemory], b"no JSON")
    await wire.put(STREAM_OF[GetMemory], event(GetMemory, {"memory_id": "odd"}, replyto=None))
    nobody = "memos:reply:nobody-collects-this"
    await wire.put(STREAM_OF[QueryMemory], event(QueryMemory, {"query": "fuse"}, replyto=nobody))
    await until(lambda: bus.exists(nobody))


async def test_every_key_has_a_ttl_or_is_one_that_is_kept(engines: Engines, bus: Redis, postgres_dsn: str) -> None:
    url = with_redis_database(engines.redis_url, DATABASE)
    await leave_retries(bus, url, attempts=1)
    await leave_retries(bus, url, attempts=5)
    await leave_what_a_killed_worker_had(bus)
    async with running_memos(engines, postgres_dsn) as memos:
        await use(memos, bus)

        async def all_is_done() -> bool:
            return not any([await bus.xlen(stream.name) for stream in STREAMS])

        await until(all_is_done)
        async with httpx.AsyncClient(base_url=memos.url) as http:
            assert "memos_engine_up" in (await http.get("/metrics")).text
        assert await lasting(bus) <= LASTING_KEYS
        assert 0 < await longest(bus) <= REPLY_SECONDS
        assert KILLED.encode() not in await consumers(bus)

    assert await lasting(bus) <= LASTING_KEYS
    deletions, stores = STREAM_OF[DeleteMemory], STREAM_OF[StoreMemory]
    assert await bus.zcard(deletions.delayed) == 1
    assert (await bus.xlen(deletions.dead), await bus.xlen(stores.dead)) == (1, 1)
    assert await bus.xlen(FACTS_STREAM) > 0


async def consumers(bus: Redis) -> set[Any]:
    """The names of those that read any stream."""
    return {row["name"] for stream in STREAMS for row in await bus.xinfo_consumers(stream.name, GROUP)}


async def test_a_key_that_nobody_owns_would_be_found(bus: Redis) -> None:
    await bus.set("memos:lease:x", "1", ex=10)
    await bus.set("memos:stray", "1")
    assert await lasting(bus) - LASTING_KEYS == {"memos:stray"}


def test_every_stream_keeps_its_queue_its_delayed_and_its_dead() -> None:
    assert len(LASTING_KEYS) == 3 * len(STREAMS) + 1
    assert {"memos:store", "{memos:store}:delayed", "{memos:store}:dead", FACTS_STREAM} <= LASTING_KEYS
