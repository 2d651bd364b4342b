"""Whatever a dead worker left behind is done by a living one."""

import asyncio
import json
from uuid import uuid4

import pytest
from lanes import OpenLane, Wire, event
from running import until

from memos.broker.leases import LEASE_PREFIX, consumer_name
from memos.events.envelope import FIELD
from memos.events.memories import DeleteMemory, DeleteOutcome
from memos.events.streams import GROUP, STREAM_OF
from memos.handlers import Handler

pytest_plugins = ["bus_fixtures"]

DELETES = STREAM_OF[DeleteMemory]
LONG_IDLE_MS = 60_000


async def delete(command: DeleteMemory) -> DeleteOutcome:
    return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")


def deletion(command_id: str) -> str:
    return json.dumps(event(DeleteMemory, {"memory_id": str(uuid4())}, id=command_id))


async def taken(wire: Wire, consumer: str, *ids: str, idle: int = LONG_IDLE_MS) -> list[bytes]:
    """Commands that a consumer has read and not finished, since `idle` milliseconds."""
    if not await wire.redis.exists(DELETES.name):
        await wire.redis.xgroup_create(DELETES.name, GROUP, id="0", mkstream=True)
    entries = [await wire.redis.xadd(DELETES.name, {FIELD: deletion(each)}) for each in ids]
    await wire.redis.xreadgroup(GROUP, consumer, {DELETES.name: ">"})
    await wire.redis.xclaim(DELETES.name, GROUP, consumer, 0, entries, idle=idle, justid=True)
    return entries


async def test_entries_of_a_worker_without_a_lease_are_handled_and_its_consumer_is_removed(
    wire: Wire, open_lane: OpenLane
) -> None:
    await taken(wire, "dead", *map(str, range(250)))
    async with open_lane(Handler(DeleteMemory, delete)):
        replies = await wire.replies(250)
        await wire.nothing_left(DELETES)

        async def removed() -> bool:
            return b"dead" not in await wire.consumers(DELETES)

        await until(removed)
    assert {reply.correlationid for reply in replies} == set(map(str, range(250)))


async def test_entries_of_a_worker_with_a_lease_are_left_to_it_until_the_lease_ends(
    wire: Wire, open_lane: OpenLane
) -> None:
    await wire.redis.set(f"{LEASE_PREFIX}alive", "1")
    await taken(wire, "alive", "its own")
    async with open_lane(Handler(DeleteMemory, delete), lease_seconds=0.15):
        await wire.redis.xadd(DELETES.name, {FIELD: deletion("new")})
        assert (await wire.reply()).correlationid == "new"

        async def only_one_left() -> bool:
            return bool((await wire.redis.xpending(DELETES.name, GROUP))["pending"] == 1)

        await until(only_one_left)
        [pending] = await wire.redis.xpending_range(DELETES.name, GROUP, "-", "+", 10)
        assert pending["consumer"] == b"alive"

        await wire.redis.delete(f"{LEASE_PREFIX}alive")
        assert (await wire.reply()).correlationid == "its own"
        await wire.nothing_left(DELETES)


async def test_a_consumer_without_a_lease_that_has_just_read_is_not_robbed(wire: Wire, open_lane: OpenLane) -> None:
    """It may be about to write its lease."""
    await taken(wire, "newborn", "its own", idle=0)
    async with open_lane(Handler(DeleteMemory, delete)):
        await wire.redis.xadd(DELETES.name, {FIELD: deletion("new")})
        assert (await wire.reply()).correlationid == "new"
        assert b"newborn" in await wire.consumers(DELETES)


async def test_of_two_workers_only_one_takes_over(wire: Wire, open_lane: OpenLane) -> None:
    await taken(wire, "dead", *map(str, range(150)))
    lane = Handler(DeleteMemory, delete)
    async with open_lane(lane, lease_seconds=0.15), open_lane(lane, lease_seconds=0.15):
        await wire.replies(150)
        await wire.nothing_left(DELETES)
    assert await wire.redis.llen(wire.inbox) == 0


async def test_a_consumer_whose_name_is_no_text_is_taken_over_as_well(wire: Wire, open_lane: OpenLane) -> None:
    await taken(wire, b"\xff".decode("latin-1"), "one")
    await wire.redis.xgroup_createconsumer(DELETES.name, GROUP, b"\xff\xfe")
    async with open_lane(Handler(DeleteMemory, delete)):
        assert (await wire.reply()).correlationid == "one"


async def test_a_worker_keeps_its_lease_as_long_as_it_runs(wire: Wire, open_lane: OpenLane) -> None:
    async with open_lane(Handler(DeleteMemory, delete), lease_seconds=0.15):

        async def held() -> list[bytes]:
            return list(await wire.redis.keys(f"{LEASE_PREFIX}*"))

        await until(held)
        [lease] = await held()
        await wire.redis.delete(lease)
        await until(held)
        assert 0 < await wire.redis.pttl(lease) <= 150
    assert await held() == []


async def test_a_long_command_is_not_done_twice_while_its_worker_lives(wire: Wire, open_lane: OpenLane) -> None:
    started, gate, runs = asyncio.Event(), asyncio.Event(), 0

    async def slow(command: DeleteMemory) -> DeleteOutcome:
        nonlocal runs
        runs += 1
        started.set()
        await gate.wait()
        return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")

    async with (
        open_lane(Handler(DeleteMemory, slow), lease_seconds=0.6),
        open_lane(Handler(DeleteMemory, slow), lease_seconds=0.6),
    ):
        entry = await wire.redis.xadd(DELETES.name, {FIELD: deletion("slow")})
        await started.wait()
        [pending] = await wire.redis.xpending_range(DELETES.name, GROUP, "-", "+", 1)
        await wire.redis.xclaim(
            DELETES.name, GROUP, pending["consumer"].decode(), 0, [entry], idle=LONG_IDLE_MS, justid=True
        )
        for number in range(20):
            await wire.redis.set(f"{LEASE_PREFIX}tick", str(number))
            await wire.renewed()
        gate.set()
        await wire.reply()
        await wire.nothing_left(DELETES)
    assert runs == 1


def test_no_two_consumers_of_a_process_have_one_name() -> None:
    assert len({consumer_name() for _ in range(1000)}) == 1000


@pytest.mark.parametrize("command", ["FLUSHDB", f"DEL {DELETES.name}"])
async def test_a_stream_that_is_gone_does_not_keep_a_worker_from_its_lease(
    wire: Wire, open_lane: OpenLane, command: str
) -> None:
    async with open_lane(Handler(DeleteMemory, delete), lease_seconds=0.15) as running:
        await wire.redis.execute_command(*command.split())
        await wire.renewed()
        await wire.renewed()
        assert not running.done()
