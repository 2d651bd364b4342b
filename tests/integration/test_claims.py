"""Which entries are claimed from whom: those of dead workers, stalled ones, and suspects one at a time."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from uuid import UUID, uuid4

from lanes import OpenLane, Wire, event
from running import until

from memos.broker.leases import LEASE_PREFIX
from memos.errors import Unavailable
from memos.events.envelope import FIELD
from memos.events.memories import DeleteMemory, DeleteOutcome, GetMemory, StoreMemory, StoreOutcome
from memos.events.problems import PROBLEM_TYPE
from memos.events.streams import GROUP, STREAM_OF, Stream
from memos.handlers import Handler
from memos.records import Origin
from memos.telemetry import Telemetry

pytest_plugins = ["bus_fixtures"]

DELETES = STREAM_OF[DeleteMemory]
GETS = STREAM_OF[GetMemory]
STORES = STREAM_OF[StoreMemory]
LONG_IDLE_MS = 60_000


class Hanging:
    """A handler of deletions in whose hands commands stay until they are let go, one way or the other."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.arrived = asyncio.Event()
        self.open = asyncio.Event()
        self.runs = 0
        self._fault = fault

    async def __call__(self, command: DeleteMemory) -> DeleteOutcome:
        self.runs += 1
        self.arrived.set()
        await self.open.wait()
        if self._fault:
            raise self._fault
        return await delete(command)


class Storing:
    """Notes which commands came together, and holds what comes until as many are in as are expected."""

    def __init__(self, expected: int) -> None:
        self.batches: list[set[str]] = []
        self._expected = expected
        self._in = asyncio.Event()

    async def __call__(self, commands: Sequence[StoreMemory], *, origins: Sequence[Origin]) -> list[StoreOutcome]:
        self.batches.append({origin.command_id for origin in origins})
        if sum(map(len, self.batches)) >= self._expected:
            self._in.set()
        await self._in.wait()
        return [StoreOutcome(memory_id=UUID(int=0), status="stored", message="") for _ in commands]


async def delete(command: DeleteMemory) -> DeleteOutcome:
    return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")


def deletion(command_id: str) -> bytes:
    return json.dumps(event(DeleteMemory, {"memory_id": str(uuid4())}, id=command_id)).encode()


def text(command_id: str) -> bytes:
    return json.dumps(event(StoreMemory, {"content": "text"}, id=command_id)).encode()


async def taken(
    wire: Wire, stream: Stream, consumer: str, *documents: bytes, idle: int = LONG_IDLE_MS, deliveries: int = 1
) -> list[bytes]:
    """Entries that a consumer has had for some time, as the last of some to whom they were delivered."""
    if not await wire.redis.exists(stream.name):
        await wire.redis.xgroup_create(stream.name, GROUP, id="0", mkstream=True)
    async with wire.redis.pipeline(transaction=True) as before_any_other:
        for each in documents:
            before_any_other.xadd(stream.name, {FIELD: each})
        before_any_other.xreadgroup(GROUP, consumer, {stream.name: ">"})
        *added, _ = await before_any_other.execute()
    entries: list[bytes] = added
    await wire.redis.xclaim(stream.name, GROUP, consumer, 0, entries, idle=idle, retrycount=deliveries, justid=True)
    return entries


async def test_work_in_living_hands_is_left_there_while_what_has_stalled_is_claimed(
    wire: Wire, open_lane: OpenLane
) -> None:
    slow, telemetry = Hanging(), Telemetry()

    async def handle(command: DeleteMemory, *, origin: Origin) -> DeleteOutcome:
        return await slow(command) if origin.command_id == "slow" else await delete(command)

    lane = partial(open_lane, Handler(DeleteMemory, handle), lease_seconds=1.0, stalled_seconds=0.6)
    async with lane(telemetry=telemetry), lane(telemetry=telemetry):
        await wire.put(DELETES, deletion("slow"))
        await slow.arrived.wait()
        await wire.redis.set(f"{LEASE_PREFIX}alive", "1")
        await taken(wire, DELETES, "alive", deletion("stalled"), idle=0)
        assert (await wire.reply()).correlationid == "stalled"
        slow.open.set()
        assert (await wire.reply()).correlationid == "slow"
        await wire.nothing_left(DELETES)
    assert slow.runs == 1
    labels = {"stream": DELETES.name, "reason": "stalled"}
    assert telemetry.registry.get_sample_value("memos_entries_claimed_total", labels) == 1


async def test_a_stalled_entry_of_its_own_that_it_has_not_in_hand_is_taken_up_again(
    wire: Wire, open_lane: OpenLane
) -> None:
    async with open_lane(Handler(DeleteMemory, delete), lease_seconds=1.0, stalled_seconds=0.5):
        await wire.put(DELETES, deletion("first"))
        await wire.reply()
        [consumer] = await wire.consumers(DELETES)
        async with wire.redis.pipeline(transaction=True) as behind_its_back:
            behind_its_back.xadd(DELETES.name, {FIELD: deletion("lost")})
            behind_its_back.xreadgroup(GROUP, consumer.decode(), {DELETES.name: ">"})
            await behind_its_back.execute()
        assert (await wire.reply()).correlationid == "lost"
        await wire.nothing_left(DELETES)


async def test_a_worker_that_slept_while_its_entry_became_anothers_puts_nothing_off_and_buries_nothing(
    wire: Wire, open_lane: OpenLane
) -> None:
    sleeper = Hanging(Unavailable("The ledger is away."))
    async with open_lane(Handler(DeleteMemory, sleeper), lease_seconds=0.5):
        entry = await wire.put(DELETES, deletion("7"))
        await sleeper.arrived.wait()
        await wire.redis.set(f"{LEASE_PREFIX}other", "1")
        await wire.redis.xclaim(DELETES.name, GROUP, "other", 0, [entry])
        sleeper.open.set()
        await wire.put(DELETES, deletion("8"))
        await until(lambda: wire.redis.zcard(DELETES.delayed))
        await wire.redis.delete(DELETES.delayed)
        [pending] = await wire.redis.xpending_range(DELETES.name, GROUP, "-", "+", 10)
    assert (pending["message_id"], pending["consumer"]) == (entry, b"other")
    assert sleeper.runs == 2
    assert await wire.redis.xlen(DELETES.name) == 1
    assert not await wire.redis.exists(DELETES.dead)


async def test_a_worker_that_slept_does_not_take_its_entry_back_and_answers_what_it_did(
    wire: Wire, open_lane: OpenLane
) -> None:
    sleeper = Hanging()
    async with open_lane(Handler(DeleteMemory, sleeper), lease_seconds=0.25):
        entry = await wire.put(DELETES, deletion("7"))
        await sleeper.arrived.wait()
        await wire.redis.set(f"{LEASE_PREFIX}other", "1")
        await wire.redis.xclaim(DELETES.name, GROUP, "other", 0, [entry])
        for _ in range(3):
            await wire.renewed()
        [pending] = await wire.redis.xpending_range(DELETES.name, GROUP, "-", "+", 10)
        assert pending["consumer"] == b"other"
        sleeper.open.set()
        assert (await wire.reply()).correlationid == "7"
        await wire.nothing_left(DELETES)
    assert sleeper.runs == 1


async def test_what_several_dead_workers_had_is_tried_one_at_a_time_and_the_rest_together(
    wire: Wire, open_lane: OpenLane
) -> None:
    storing = Storing(expected=6)  # the others, and the first of the suspects
    await taken(wire, STORES, "dead", *(text(f"suspect {number}") for number in range(5)), deliveries=3)
    await taken(wire, STORES, "dead", *(text(f"other {number}") for number in range(5)), deliveries=2)
    async with open_lane(Handler(StoreMemory, storing, batch=64), lease_seconds=1.0):
        await wire.replies(10)
        await wire.nothing_left(STORES)

        async def removed() -> bool:
            return b"dead" not in await wire.consumers(STORES)

        await until(removed)
    suspects = [batch for batch in storing.batches if any("suspect" in name for name in batch)]
    assert suspects == [{f"suspect {number}"} for number in range(5)]
    assert {f"other {number}" for number in range(5)} in storing.batches


async def test_the_next_suspect_is_claimed_when_the_one_before_is_settled(wire: Wire, open_lane: OpenLane) -> None:
    hanging = Hanging()
    await taken(wire, DELETES, "dead", *(deletion(str(number)) for number in range(3)), deliveries=5)
    async with open_lane(Handler(DeleteMemory, hanging), lease_seconds=0.25):
        await hanging.arrived.wait()
        for _ in range(3):
            await wire.renewed()
        owners = [each["consumer"] for each in await wire.redis.xpending_range(DELETES.name, GROUP, "-", "+", 10)]
        assert owners.count(b"dead") == 2
        assert hanging.runs == 1
        hanging.open.set()
        assert [reply.correlationid for reply in await wire.replies(3)] == ["0", "1", "2"]
        await wire.nothing_left(DELETES)


async def test_what_eight_workers_died_with_is_a_dead_letter_and_never_tried_again(
    wire: Wire, open_lane: OpenLane
) -> None:
    hanging = Hanging()
    await taken(wire, DELETES, "dead", deletion("killer"), deliveries=8)
    async with open_lane(Handler(DeleteMemory, hanging), lease_seconds=1.0):
        reply = await wire.reply()
        [letter] = await wire.dead(DELETES)
        await wire.nothing_left(DELETES)
    assert (reply.type, reply.data["code"]) == (PROBLEM_TYPE, "internal")
    assert (letter["memos:code"], hanging.runs) == (b"internal", 0)
    assert letter["memos:reason"].startswith(b"8 workers died or stalled with this command")


async def test_a_read_that_eight_workers_died_with_is_a_dead_letter_as_well(
    wire: Wire, open_lane: OpenLane
) -> None:
    document = json.dumps(event(GetMemory, {"memory_id": str(uuid4())})).encode()
    await taken(wire, GETS, "dead", document, deliveries=8)
    async with open_lane(Handler(GetMemory, Hanging()), lease_seconds=1.0):
        assert (await wire.reply()).data["code"] == "internal"
        [letter] = await wire.dead(GETS)
    assert letter[FIELD] == document


async def test_an_entry_that_vanished_from_its_stream_while_a_dead_worker_had_it_is_let_go(
    wire: Wire, open_lane: OpenLane
) -> None:
    entries = await taken(wire, DELETES, "dead", deletion("gone"), deletion("there"))
    suspects = await taken(wire, DELETES, "dead", deletion("gone suspect"), deliveries=4)
    await wire.redis.xdel(DELETES.name, entries[0], *suspects)
    async with open_lane(Handler(DeleteMemory, delete), lease_seconds=1.0):
        assert (await wire.reply()).correlationid == "there"
        await wire.nothing_left(DELETES)
    assert not await wire.redis.exists(DELETES.dead)


async def test_a_stream_that_is_none_keeps_no_other_from_being_taken_over(wire: Wire, open_lane: OpenLane) -> None:
    await wire.redis.set(GETS.name, "not a stream")
    await taken(wire, DELETES, "dead", deletion("left"))
    async with open_lane(Handler(GetMemory, delete), Handler(DeleteMemory, delete), lease_seconds=1.0):
        assert (await wire.reply()).correlationid == "left"


async def test_what_was_delivered_again_after_a_broken_connection_is_not_counted_as_a_death(
    wire: Wire, open_lane: OpenLane
) -> None:
    hanging = Hanging()
    async with open_lane(Handler(DeleteMemory, hanging), lease_seconds=0.5):
        await wire.put(DELETES, deletion("7"))
        await hanging.arrived.wait()
        for number in range(3):
            await wire.redis.client_kill_filter(_type="normal", skipme=True)
            await wire.redis.set("memos:lease:tick", str(number))
            await wire.renewed()
        [pending] = await wire.redis.xpending_range(DELETES.name, GROUP, "-", "+", 10)
        hanging.open.set()
        await wire.reply()
    assert pending["times_delivered"] == 1
