"""The lane on a real Redis: what is published is handled, answered, acknowledged and deleted."""

import asyncio
import json
from uuid import UUID, uuid4

import pytest
from conftest import Engines
from faststream.redis import RedisBroker
from lanes import OpenLane, Wire, event
from running import until

from memos.broker.leases import LEASE_PREFIX
from memos.errors import NotFound
from memos.events.memories import DeleteMemory, DeleteOutcome, GetMemory, StoreMemory, StoreOutcome
from memos.events.problems import PROBLEM_TYPE
from memos.events.streams import GROUP, STREAM_OF
from memos.handlers import Handler
from memos.records import Origin

pytest_plugins = ["bus_fixtures"]

DELETES = STREAM_OF[DeleteMemory]
GETS = STREAM_OF[GetMemory]
STORES = STREAM_OF[StoreMemory]


async def delete(command: DeleteMemory, *, origin: Origin, seen: list[Origin]) -> DeleteOutcome:
    seen.append(origin)
    return DeleteOutcome(memory_id=command.memory_id, status="deleted", message=origin.tenant)


async def store(commands: list[StoreMemory], *, origins: list[Origin], seen: list[Origin]) -> list[StoreOutcome]:
    seen.extend(origins)
    return [StoreOutcome(memory_id=UUID(int=n), status="stored", message="") for n, _ in enumerate(commands)]


class Gate:
    """A handler of deletions that waits until it is let through."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, command: DeleteMemory) -> DeleteOutcome:
        self.arrived.set()
        await self.open.wait()
        return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")


@pytest.fixture
def seen() -> list[Origin]:
    return []


async def test_a_command_is_handled_answered_acknowledged_and_deleted(
    wire: Wire, open_lane: OpenLane, seen: list[Origin]
) -> None:
    memory_id = str(uuid4())
    async with open_lane(Handler(DeleteMemory, delete), seen=seen):
        await wire.put(DELETES, event(DeleteMemory, {"memory_id": memory_id}, id="7", tenant="acme"))
        reply = await wire.reply()
        await wire.nothing_left(DELETES)

    assert seen == [Origin("acme", "wire", "7")]
    assert (reply.type, reply.correlationid, reply.tenant) == ("memos.delete.reply.v1", "7", "acme")
    outcome = DeleteOutcome(memory_id=UUID(memory_id), status="deleted", message="acme")
    assert DeleteOutcome.model_validate(reply.data) == outcome


async def test_a_reply_carries_the_correlation_id_and_the_trace_that_were_given(
    wire: Wire, open_lane: OpenLane, seen: list[Origin]
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with open_lane(Handler(DeleteMemory, delete), seen=seen):
        data = {"memory_id": str(uuid4())}
        await wire.put(DELETES, event(DeleteMemory, data, correlationid="abc", traceparent=trace, unknown="x"))
        reply = await wire.reply()
    assert (reply.correlationid, reply.traceparent) == ("abc", trace)


async def test_what_was_published_before_the_first_worker_came_is_handled(
    wire: Wire, open_lane: OpenLane, seen: list[Origin]
) -> None:
    for _ in range(3):
        await wire.put(DELETES, event(DeleteMemory, {"memory_id": str(uuid4())}))
    async with open_lane(Handler(DeleteMemory, delete), seen=seen):
        await wire.replies(3)
        await wire.nothing_left(DELETES)
    assert len(seen) == 3


async def test_a_command_that_nobody_waits_for_is_handled_all_the_same(
    wire: Wire, open_lane: OpenLane, seen: list[Origin]
) -> None:
    async with open_lane(Handler(DeleteMemory, delete), seen=seen):
        await wire.put(DELETES, event(DeleteMemory, {"memory_id": str(uuid4())}, replyto=None))
        await wire.nothing_left(DELETES)
    assert len(seen) == 1


async def test_an_entry_published_by_faststreams_own_broker_is_read(
    engines: Engines, wire: Wire, open_lane: OpenLane, seen: list[Origin]
) -> None:
    async with open_lane(Handler(DeleteMemory, delete), seen=seen), RedisBroker(engines.redis_url) as broker:
        await broker.publish(event(DeleteMemory, {"memory_id": str(uuid4())}, id="é"), stream=DELETES.name)
        reply = await wire.reply()
    assert reply.type == "memos.delete.reply.v1"
    assert [origin.command_id for origin in seen] == ["é"]


async def test_what_is_not_found_is_answered_with_a_problem_and_is_no_dead_letter(
    wire: Wire, open_lane: OpenLane
) -> None:
    async def missing(command: DeleteMemory) -> DeleteOutcome:
        raise NotFound(f"No memory {command.memory_id}.")

    async with open_lane(Handler(DeleteMemory, missing)):
        await wire.put(DELETES, event(DeleteMemory, {"memory_id": str(UUID(int=1))}, id="7"))
        reply = await wire.reply()
        await wire.nothing_left(DELETES)

    assert reply.type == PROBLEM_TYPE
    assert reply.data["code"] == "not-found"
    assert reply.data["command_id"] == "7"
    assert await wire.redis.xlen(DELETES.dead) == 0


async def test_a_read_that_nobody_waits_for_any_more_is_dropped_and_a_write_is_not(
    wire: Wire, open_lane: OpenLane, seen: list[Origin]
) -> None:
    async def get(command: GetMemory, *, origin: Origin, seen: list[Origin]) -> DeleteOutcome:
        seen.append(origin)
        return DeleteOutcome(memory_id=command.memory_id, status="absent", message="")

    data = {"memory_id": str(uuid4())}
    await wire.put(GETS, event(GetMemory, data, id="late", ttlms=1))
    await wire.put(GETS, event(GetMemory, data, id="in time", ttlms=60_000))
    await wire.put(DELETES, event(DeleteMemory, data, id="write", ttlms=1))
    written = float(b".".join(str(part).zfill(6).encode() for part in await wire.redis.time()))

    async def late() -> bool:
        seconds, microseconds = await wire.redis.time()
        return bool(seconds + microseconds / 1e6 > written + 0.005)

    await until(late)
    async with open_lane(Handler(GetMemory, get), Handler(DeleteMemory, delete), seen=seen):
        replies = await wire.replies(2)
        await wire.nothing_left(GETS)
        await wire.nothing_left(DELETES)
    assert {reply.correlationid for reply in replies} == {origin.command_id for origin in seen}
    assert {origin.command_id for origin in seen} == {"in time", "write"}
    assert await wire.redis.llen(wire.inbox) == 0


async def test_one_slow_command_holds_up_no_other(wire: Wire, open_lane: OpenLane) -> None:
    slow, gate = str(uuid4()), asyncio.Event()

    async def handle(command: DeleteMemory) -> DeleteOutcome:
        if str(command.memory_id) == slow:
            await gate.wait()
        return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")

    async with open_lane(Handler(DeleteMemory, handle)):
        await wire.put(DELETES, event(DeleteMemory, {"memory_id": slow}))
        for _ in range(50):
            await wire.put(DELETES, event(DeleteMemory, {"memory_id": str(uuid4())}))
        assert slow not in [reply.data["memory_id"] for reply in await wire.replies(50)]
        gate.set()
        assert (await wire.reply()).data["memory_id"] == slow


async def test_when_told_to_stop_it_finishes_what_is_under_way_and_gives_up_its_lease(
    wire: Wire, open_lane: OpenLane
) -> None:
    gate = Gate()

    async def released() -> None:
        await asyncio.sleep(0)
        assert await wire.redis.keys(f"{LEASE_PREFIX}*")
        gate.open.set()

    async with open_lane(Handler(DeleteMemory, gate)):
        await wire.put(DELETES, event(DeleteMemory, {"memory_id": str(uuid4())}))
        await gate.arrived.wait()
        releasing = asyncio.create_task(released())
    await releasing
    assert (await wire.reply()).type == DELETES.reply_type
    await wire.nothing_left(DELETES)
    assert await wire.redis.keys(f"{LEASE_PREFIX}*") == []


async def test_what_came_after_the_stop_is_left_to_the_next_worker(
    wire: Wire, open_lane: OpenLane, seen: list[Origin]
) -> None:
    async with open_lane(Handler(DeleteMemory, delete), seen=seen):
        pass
    await wire.put(DELETES, event(DeleteMemory, {"memory_id": str(uuid4())}))
    assert seen == []
    async with open_lane(Handler(DeleteMemory, delete), seen=seen):
        await wire.reply()
    assert len(seen) == 1


async def test_two_lanes_share_the_work_of_a_stream(wire: Wire, open_lane: OpenLane) -> None:
    first, second = Gate(), Gate()
    async with open_lane(Handler(DeleteMemory, first)), open_lane(Handler(DeleteMemory, second)):
        for _ in range(200):
            await wire.put(DELETES, event(DeleteMemory, {"memory_id": str(uuid4())}))
        async with asyncio.timeout(20):
            await first.arrived.wait()
            await second.arrived.wait()
        first.open.set()
        second.open.set()
        replies = await wire.replies(200)
        assert len(await wire.consumers(DELETES)) == 2
        await wire.nothing_left(DELETES)
    assert len({reply.correlationid for reply in replies}) == 200


@pytest.mark.parametrize("loss", ["FLUSHDB", f"XGROUP DESTROY {DELETES.name} {GROUP}", f"DEL {DELETES.name}"])
async def test_a_group_lost_under_a_running_worker_is_made_again(
    wire: Wire, open_lane: OpenLane, seen: list[Origin], loss: str
) -> None:
    async with open_lane(Handler(DeleteMemory, delete), seen=seen):
        await wire.put(DELETES, event(DeleteMemory, {"memory_id": str(uuid4())}))
        await wire.reply()
        await wire.redis.execute_command(*loss.split())
        await wire.put(DELETES, event(DeleteMemory, {"memory_id": str(uuid4())}))
        await wire.reply()
        await wire.nothing_left(DELETES)
    assert len(seen) == 2


async def test_entries_whose_delivery_was_lost_with_the_connection_are_handled_after_the_reconnect(
    wire: Wire, open_lane: OpenLane, seen: list[Origin]
) -> None:
    async with open_lane(Handler(DeleteMemory, delete), seen=seen):
        await wire.put(DELETES, event(DeleteMemory, {"memory_id": str(uuid4())}))
        await wire.reply()
        [consumer] = await wire.consumers(DELETES)
        async with wire.redis.pipeline(transaction=True) as lost:
            lost.xadd(DELETES.name, {"__data__": json.dumps(event(DeleteMemory, {"memory_id": str(uuid4())}))})
            lost.xreadgroup(GROUP, consumer.decode(), {DELETES.name: ">"})
            lost.client_kill_filter(_type="normal", skipme=True)
            await lost.execute()
        await wire.reply()
        await wire.nothing_left(DELETES)
    assert len(seen) == 2


async def test_no_command_is_lost_while_connections_are_killed_again_and_again(
    wire: Wire, open_lane: OpenLane, seen: list[Origin]
) -> None:
    async with open_lane(Handler(StoreMemory, store, batch=16), seen=seen):
        for number in range(300):
            await wire.put(STORES, event(StoreMemory, {"content": f"{number}"}, id=str(number)))
            if number % 60 == 0:
                await wire.redis.client_kill_filter(_type="normal", skipme=True)
        await wire.nothing_left(STORES)
    replies = await wire.replies(await wire.redis.llen(wire.inbox))
    assert {reply.correlationid for reply in replies} == {str(number) for number in range(300)}
    assert {origin.command_id for origin in seen} == {str(number) for number in range(300)}


async def test_a_lane_that_starts_while_redis_is_away_begins_when_it_is_there(
    wire: Wire, open_lane: OpenLane, seen: list[Origin]
) -> None:
    await wire.redis.client_pause(300)
    async with open_lane(Handler(DeleteMemory, delete), seen=seen):
        await wire.put(DELETES, event(DeleteMemory, {"memory_id": str(uuid4())}))
        await wire.reply()
    assert len(seen) == 1
