"""A lane that is told to stop: it takes nothing more, finishes what it can in its time, and returns the rest."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from conftest import Engines
from lanes import OpenLane, Wire, event, new_lane, own_redis
from running import until

from memos.broker.claims import SETTLED_MS
from memos.broker.leases import LEASE_PREFIX
from memos.client.redis import open_redis
from memos.events.memories import DeleteMemory, DeleteOutcome
from memos.events.streams import GROUP, STREAM_OF
from memos.handlers import Handler

pytest_plugins = ["bus_fixtures"]

DELETES = STREAM_OF[DeleteMemory]
SPARE = 2.5
"""Seconds that a stop may take beyond its time on a machine that is busy."""


class Hanging:
    """A handler of deletions that ends only by being cancelled."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.cancelled = False

    async def __call__(self, command: DeleteMemory) -> DeleteOutcome:
        self.arrived.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled = True
        return await delete(command)


async def delete(command: DeleteMemory) -> DeleteOutcome:
    return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")


def deletion(command_id: str = "7") -> dict[str, object]:
    return event(DeleteMemory, {"memory_id": str(uuid4())}, id=command_id)


async def seconds_to(end: Callable[[], Awaitable[object]]) -> float:
    started = time.monotonic()
    await end()
    return time.monotonic() - started


async def test_work_that_does_not_end_is_cancelled_in_time_and_left_to_the_next_worker(
    wire: Wire, open_lane: OpenLane
) -> None:
    hanging = Hanging()
    lane = open_lane(Handler(DeleteMemory, hanging), stop_seconds=0.4)
    await lane.__aenter__()
    await wire.put(DELETES, deletion())
    await hanging.arrived.wait()
    taken = await seconds_to(lambda: lane.__aexit__(None, None, None))
    assert 0.4 <= taken < 0.4 + SPARE
    assert hanging.cancelled
    assert (await wire.redis.xpending(DELETES.name, GROUP))["pending"] == 1
    assert await wire.redis.keys(f"{LEASE_PREFIX}*") == []
    async with open_lane(Handler(DeleteMemory, delete), lease_seconds=0.5):
        assert (await wire.reply()).correlationid == "7"
        await wire.nothing_left(DELETES)


async def test_work_that_cannot_even_be_cancelled_does_not_keep_the_lane_from_stopping(
    engines: Engines, wire: Wire
) -> None:
    hanging, stopping, ended = Hanging(), asyncio.Event(), asyncio.Event()

    async def handle(command: DeleteMemory) -> DeleteOutcome:
        try:
            return await hanging(command)
        finally:
            await ended.wait()

    async with open_redis(engines.redis_url, retries=0) as redis:
        lane = new_lane(redis, engines.redis_url, Handler(DeleteMemory, handle), stop_seconds=0.2)
        running = asyncio.create_task(lane.run(stopping))
        await wire.put(DELETES, deletion())
        await hanging.arrived.wait()
        stopping.set()
        assert await seconds_to(lambda: running) < 0.2 + SPARE
        assert hanging.cancelled
        ended.set()


async def test_what_a_stopped_worker_returns_is_free_at_once_and_does_not_count_as_what_it_died_with(
    wire: Wire, open_lane: OpenLane
) -> None:
    for _ in range(3):
        hanging = Hanging()
        async with open_lane(Handler(DeleteMemory, hanging), stop_seconds=0.05, lease_seconds=1.0):
            if not await wire.redis.xlen(DELETES.name):
                await wire.put(DELETES, deletion())
            await asyncio.wait_for(hanging.arrived.wait(), 20)
        [pending] = await wire.redis.xpending_range(DELETES.name, GROUP, "-", "+", 10)
        assert pending["times_delivered"] == 0
        assert pending["time_since_delivered"] >= SETTLED_MS


async def test_the_lease_is_kept_while_what_is_under_way_is_finished(engines: Engines, wire: Wire) -> None:
    arrived, gate, stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(command: DeleteMemory) -> DeleteOutcome:
        arrived.set()
        await gate.wait()
        return await delete(command)

    async with open_redis(engines.redis_url, retries=0) as redis:
        lane = new_lane(redis, engines.redis_url, Handler(DeleteMemory, slow), lease_seconds=0.3)
        running = asyncio.create_task(lane.run(stopping))
        await wire.put(DELETES, deletion())
        await arrived.wait()
        stopping.set()
        key = LEASE_PREFIX + lane.consumer
        for _ in range(3):
            await wire.redis.delete(key)
            await until(lambda: wire.redis.exists(key))
        gate.set()
        await running
        assert (await wire.reply()).correlationid == "7"
        assert not await wire.redis.exists(key)
        await wire.nothing_left(DELETES)


async def test_what_a_read_brings_after_the_stop_is_returned(
    engines: Engines, wire: Wire, open_lane: OpenLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.broker.consumer.BLOCK_MS", 1500)
    seen = []

    async def handle(command: DeleteMemory) -> DeleteOutcome:
        seen.append(command)
        return await delete(command)

    stopping = asyncio.Event()
    async with open_redis(engines.redis_url, retries=0) as redis:
        running = asyncio.create_task(
            new_lane(redis, engines.redis_url, Handler(DeleteMemory, handle)).run(stopping)
        )
        await wire.put(DELETES, deletion("before"))
        assert (await wire.reply()).correlationid == "before"
        await wire.nothing_left(DELETES)
        await until(lambda: blocked(wire))
        stopping.set()
        await wire.put(DELETES, deletion("after"))
        await running
    assert (await wire.redis.xpending(DELETES.name, GROUP))["pending"] == 1
    assert len(seen) == 1
    async with open_lane(Handler(DeleteMemory, delete), lease_seconds=0.5):
        assert (await wire.reply()).correlationid == "after"


async def blocked(wire: Wire) -> bool:
    """Whether somebody waits for entries."""
    return bool((await wire.redis.info("clients"))["blocked_clients"])


async def test_nothing_is_claimed_after_the_stop(engines: Engines, wire: Wire) -> None:
    hanging, stopping = Hanging(), asyncio.Event()
    async with open_redis(engines.redis_url, retries=0) as redis:
        handler = Handler(DeleteMemory, hanging)
        lane = new_lane(redis, engines.redis_url, handler, lease_seconds=0.25, stop_seconds=1.5)
        running = asyncio.create_task(lane.run(stopping))
        await wire.put(DELETES, deletion("under way"))
        await hanging.arrived.wait()
        stopping.set()
        await asyncio.sleep(0)
        entry = await wire.put(DELETES, deletion("left behind"))
        await wire.redis.xgroup_createconsumer(DELETES.name, GROUP, "dead")
        await wire.redis.xreadgroup(GROUP, "dead", {DELETES.name: ">"})
        await wire.redis.xclaim(DELETES.name, GROUP, "dead", 0, [entry], idle=60_000, force=True, justid=True)
        await running
    owners = {
        each["message_id"]: each["consumer"]
        for each in await wire.redis.xpending_range(DELETES.name, GROUP, "-", "+", 10)
    }
    assert owners[entry] == b"dead"


@pytest.mark.parametrize("away", [signal.SIGSTOP, signal.SIGKILL])
async def test_a_stop_ends_in_time_though_redis_is_away(tmp_path: Path, away: signal.Signals) -> None:
    arrived, gate, stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(command: DeleteMemory) -> DeleteOutcome:
        arrived.set()
        await gate.wait()
        return await delete(command)

    async def stopped() -> None:
        stopping.set()
        await running

    async with own_redis(tmp_path) as (url, process), open_redis(url, retries=0) as redis:
        lane = new_lane(redis, url, Handler(DeleteMemory, handle), stop_seconds=0.5, lease_seconds=1.0)
        running = asyncio.create_task(lane.run(stopping))
        await Wire(redis).put(DELETES, deletion())
        await arrived.wait()
        process.send_signal(away)
        gate.set()
        assert await seconds_to(stopped) < 0.5 + SPARE


async def test_a_lane_goes_on_when_redis_was_frozen_and_thaws(tmp_path: Path) -> None:
    stopping = asyncio.Event()
    async with own_redis(tmp_path) as (url, process), open_redis(url, retries=0) as redis, open_redis(url) as other:
        wire = Wire(other)
        running = asyncio.create_task(new_lane(redis, url, Handler(DeleteMemory, delete)).run(stopping))
        await wire.put(DELETES, deletion("before"))
        await wire.reply()
        process.send_signal(signal.SIGSTOP)
        waiting = asyncio.create_task(wire.put(DELETES, deletion("after")))
        await asyncio.sleep(0)
        process.send_signal(signal.SIGCONT)
        await waiting
        assert (await wire.reply()).correlationid == "after"
        stopping.set()
        await running
