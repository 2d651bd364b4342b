"""A write that fails for a reason that may pass is tried again, alone at last, and holds up nothing."""

import asyncio
import json
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from lanes import OpenLane, Wire, event
from running import until

from memos.broker.delayed import MOVE
from memos.broker.work import SLOTS_FOR_RETRIES
from memos.errors import InvalidCommand, MemosError, Unavailable
from memos.events.envelope import FIELD
from memos.events.memories import DeleteMemory, DeleteOutcome, GetMemory, StoreMemory, StoreOutcome
from memos.events.problems import PROBLEM_TYPE
from memos.events.streams import GROUP, STREAM_OF
from memos.handlers import Handler
from memos.records import Origin
from memos.telemetry import Telemetry

pytest_plugins = ["bus_fixtures"]

DELETES = STREAM_OF[DeleteMemory]
GETS = STREAM_OF[GetMemory]
STORES = STREAM_OF[StoreMemory]


class Failing:
    """A handler of deletions that fails a number of times, and then succeeds."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.seen: list[Origin] = []

    async def __call__(self, command: DeleteMemory, *, origin: Origin) -> DeleteOutcome:
        self.seen.append(origin)
        if len(self.seen) <= self.times:
            raise Unavailable("The ledger is away.")
        return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")


class Storing:
    """Notes which commands came together; some fail whatever they come with."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    async def __call__(
        self, commands: Sequence[StoreMemory], *, origins: Sequence[Origin]
    ) -> list[StoreOutcome | MemosError]:
        self.batches.append([origin.command_id for origin in origins])
        if any(command.content == "poison" for command in commands):
            raise Unavailable("The embedder did not answer in time.")
        return [StoreOutcome(memory_id=UUID(int=0), status="stored", message="") for _ in commands]


def deletion(**attributes: object) -> dict[str, object]:
    return event(DeleteMemory, {"memory_id": str(uuid4())}, **attributes)


def document(text: str, command_id: str) -> bytes:
    return json.dumps(event(StoreMemory, {"content": text}, id=command_id)).encode()


async def delayed(wire: Wire) -> None:
    """Return when a deletion is put off."""

    async def put_off() -> bool:
        return bool(await wire.redis.zcard(DELETES.delayed))

    await until(put_off)


async def test_a_write_that_succeeds_at_last_is_answered_once_and_never_with_its_failures(
    wire: Wire, open_lane: OpenLane
) -> None:
    failing, telemetry = Failing(times=3), Telemetry()
    async with open_lane(Handler(DeleteMemory, failing), telemetry=telemetry):
        await wire.put(DELETES, deletion(id="7", tenant="acme"))
        reply = await wire.reply()
        await wire.nothing_left(DELETES)
    assert (reply.type, reply.correlationid) == (DELETES.reply_type, "7")
    assert await wire.redis.llen(wire.inbox) == 0
    assert failing.seen == [Origin("acme", "wire", "7")] * 4
    assert not await wire.redis.exists(DELETES.delayed, DELETES.dead)
    assert telemetry.registry.get_sample_value("memos_retries_total", {"stream": DELETES.name}) == 3


async def test_a_write_that_ran_out_of_attempts_is_answered_and_a_dead_letter_with_its_history(
    wire: Wire, open_lane: OpenLane
) -> None:
    failing = Failing(times=99)
    async with open_lane(Handler(DeleteMemory, failing), retry_attempts=4):
        entry = await wire.put(DELETES, deletion(id="7"))
        reply = await wire.reply()
        [letter] = await wire.dead(DELETES)
        await wire.nothing_left(DELETES)
    assert (reply.type, reply.data["code"]) == (PROBLEM_TYPE, "unavailable")
    assert len(failing.seen) == 4
    assert (letter["memos:attempts"], letter["memos:entry"]) == (b"4", entry)
    assert letter["memos:stream"] == DELETES.name.encode()
    assert letter["memos:first"] < letter["memos:time"]
    assert not await wire.redis.exists(DELETES.delayed)


async def test_attempts_are_counted_across_workers(wire: Wire, open_lane: OpenLane) -> None:
    patient = {"retry_first": 600.0, "retry_longest": 600.0}
    async with open_lane(Handler(DeleteMemory, Failing(times=1)), **patient):
        await wire.put(DELETES, deletion())
        await delayed(wire)
    [member] = await wire.redis.zrange(DELETES.delayed, 0, -1)
    await wire.redis.zadd(DELETES.delayed, {member: 0})
    async with open_lane(Handler(DeleteMemory, Failing(times=1)), retry_attempts=2):
        [letter] = await wire.dead(DELETES)
    assert letter["memos:attempts"] == b"2"


async def test_an_engine_that_asked_to_be_left_alone_is_not_tried_before_its_time(
    wire: Wire, open_lane: OpenLane
) -> None:
    async def busy(command: DeleteMemory) -> DeleteOutcome:
        raise Unavailable("The embedder is busy.", retry_after=600)

    async with open_lane(Handler(DeleteMemory, busy)):
        await wire.put(DELETES, deletion())
        await delayed(wire)
    [(_, due)] = await wire.redis.zrange(DELETES.delayed, 0, -1, withscores=True)
    seconds, _ = await wire.redis.time()
    assert due / 1000 - seconds > 500


@pytest.mark.parametrize("given", [b"\x00\xff\xfe", b"\x89BIN\r\n\x1a\n", b"", b"{}" * 50_000])
async def test_what_is_put_off_comes_back_byte_for_byte(wire: Wire, given: bytes) -> None:
    fields = [FIELD.encode(), given, b"\xffname", b"\x00"]
    pack = "redis.call('ZADD', KEYS[1], 0, cmsgpack.pack(ARGV))"
    await wire.redis.eval(pack, 1, DELETES.delayed, *fields)
    assert await wire.redis.eval(MOVE, 2, DELETES.name, DELETES.delayed, 10, 10**9) == 1
    [(_, found)] = await wire.redis.xrange(DELETES.name)
    assert found == dict(zip(fields[::2], fields[1::2], strict=True))


async def test_a_mover_takes_few_at_a_time_and_only_what_is_due(wire: Wire) -> None:
    pack = "redis.call('ZADD', KEYS[1], ARGV[1], cmsgpack.pack({'field', ARGV[2]}))"
    for number in range(5):
        await wire.redis.eval(pack, 1, DELETES.delayed, number, "x" * 1000 + str(number))
    await wire.redis.eval(pack, 1, DELETES.delayed, 10**14, "not due")
    bounds = [(2, 9999), (9, 1500), (9, 9999)]
    moved = [await wire.redis.eval(MOVE, 2, DELETES.name, DELETES.delayed, *most) for most in bounds]
    assert moved == [2, 2, 1]
    assert await wire.redis.zcard(DELETES.delayed) == 1


async def test_a_read_that_fails_is_answered_at_once(wire: Wire, open_lane: OpenLane) -> None:
    seen = []

    async def get(command: GetMemory) -> DeleteOutcome:
        seen.append(command)
        raise Unavailable("The ledger is away.")

    async with open_lane(Handler(GetMemory, get)):
        await wire.put(GETS, event(GetMemory, {"memory_id": str(uuid4())}))
        assert (await wire.reply()).data["code"] == "unavailable"
        await wire.nothing_left(GETS)
    assert len(seen) == 1
    assert not await wire.redis.exists(GETS.delayed, GETS.dead)


async def test_a_write_that_can_never_succeed_is_not_tried_again(wire: Wire, open_lane: OpenLane) -> None:
    seen = []

    async def refuse(command: DeleteMemory) -> DeleteOutcome:
        seen.append(command)
        raise InvalidCommand("Never.") if len(seen) == 1 else ValueError("a bug")

    async with open_lane(Handler(DeleteMemory, refuse)):
        for code in ("invalid", "internal"):
            await wire.put(DELETES, deletion())
            assert (await wire.reply()).data["code"] == code
        [letter] = await wire.dead(DELETES)
    assert len(seen) == 2
    assert letter["memos:attempts"] == b"1"
    assert letter["memos:traceback"].decode().split(" ", 1)[1].startswith("memos/broker/bindings.py:")


async def test_one_poison_command_fails_no_neighbour_though_it_looks_as_if_it_would_pass(
    wire: Wire, open_lane: OpenLane
) -> None:
    storing = Storing()
    for number in range(64):
        text = "poison" if number == 40 else "text"
        await wire.put(STORES, event(StoreMemory, {"content": text}, id=str(number)))
    async with open_lane(Handler(StoreMemory, storing, batch=64), retry_attempts=6):
        replies = {reply.correlationid: reply for reply in await wire.replies(64)}
        [letter] = await wire.dead(STORES)
        await wire.nothing_left(STORES)
    failed = {name for name, reply in replies.items() if reply.type == PROBLEM_TYPE}
    assert (len(replies), failed) == (64, {"40"})
    assert letter["memos:attempts"] == b"6"
    assert await wire.redis.llen(wire.inbox) == 0
    with_poison = [len(batch) for batch in storing.batches if "40" in batch]
    assert with_poison[0] == 64
    assert with_poison[1] <= 16
    assert with_poison[2] <= 4
    assert with_poison[3:] == [1, 1, 1]


async def test_what_is_fresh_is_not_handled_with_what_failed(wire: Wire, open_lane: OpenLane) -> None:
    storing = Storing()
    await wire.redis.xadd(
        STORES.name, {FIELD: document("poison", "retried"), "memos:attempts": "1", "memos:entry": "1-0"}
    )
    await wire.put(STORES, event(StoreMemory, {"content": "text"}, id="fresh"))
    async with open_lane(Handler(StoreMemory, storing, batch=64), retry_attempts=2):
        replies = {reply.correlationid: reply.type for reply in await wire.replies(2)}
    assert replies == {"fresh": STORES.reply_type, "retried": PROBLEM_TYPE}
    assert sorted(storing.batches) == [["fresh"], ["retried"]]


async def test_retries_that_hang_hold_up_nothing_fresh(wire: Wire, open_lane: OpenLane) -> None:
    gate, hanging = asyncio.Event(), asyncio.Semaphore(0)

    async def store(commands: Sequence[StoreMemory], *, origins: Sequence[Origin]) -> list[StoreOutcome]:
        if commands[0].content == "slow":
            hanging.release()
            await gate.wait()
        return [StoreOutcome(memory_id=UUID(int=0), status="stored", message="") for _ in commands]

    for number in range(20):
        fields = {FIELD: document("slow", f"slow {number}"), "memos:attempts": "4"}
        await wire.redis.xadd(STORES.name, fields)
    async with open_lane(Handler(StoreMemory, store, batch=64)):
        await asyncio.wait_for(hanging.acquire(), 20)
        for number in range(10):
            await wire.put(STORES, event(StoreMemory, {"content": "text"}, id=str(number)))
            assert (await wire.reply()).correlationid == str(number)
        gate.set()
        await wire.replies(20)
        await wire.nothing_left(STORES)


async def test_retries_that_wait_for_a_slot_are_in_hand_by_their_ids_alone(wire: Wire, open_lane: OpenLane) -> None:
    gate, hanging = asyncio.Event(), asyncio.Semaphore(0)
    handled: list[str] = []
    entries: list[bytes] = []

    async def store(commands: Sequence[StoreMemory], *, origins: Sequence[Origin]) -> list[StoreOutcome]:
        hanging.release()
        await gate.wait()
        handled.extend(origin.command_id for origin in origins)
        return [StoreOutcome(memory_id=UUID(int=0), status="stored", message="") for _ in commands]

    async def all_in_hand() -> bool:
        return bool((await wire.redis.xpending(STORES.name, GROUP))["pending"] == len(entries))

    for number in range(SLOTS_FOR_RETRIES + 3):
        fields = {FIELD: document("text", str(number)), "memos:attempts": "4"}
        entries.append(await wire.redis.xadd(STORES.name, fields))
    async with open_lane(Handler(StoreMemory, store, batch=64), lease_seconds=30):
        for _ in range(SLOTS_FOR_RETRIES):
            await asyncio.wait_for(hanging.acquire(), 20)
        await until(all_in_hand)
        vanished, anothers, kept = entries[-3:]
        await wire.redis.xdel(STORES.name, vanished)
        await wire.redis.xclaim(STORES.name, GROUP, "other", 0, [anothers])
        gate.set()
        await wire.replies(SLOTS_FOR_RETRIES + 1)

        async def settled() -> bool:
            return bool((await wire.redis.xpending(STORES.name, GROUP))["pending"] == 1)

        await until(settled)
    assert sorted(map(int, handled)) == [*range(SLOTS_FOR_RETRIES), entries.index(kept)]


async def test_where_dead_letters_are_full_the_faulty_is_thrown_away_and_the_valid_goes_on_being_tried(
    wire: Wire, open_lane: OpenLane
) -> None:
    failing, telemetry = Failing(times=6), Telemetry()
    full = {"retry_attempts": 2, "dead_letters_limit": 1}
    await wire.redis.xadd(DELETES.dead, {"an": "old one"})
    async with open_lane(Handler(DeleteMemory, failing), telemetry=telemetry, **full):
        await wire.put(DELETES, event(DeleteMemory, {"no": "command"}, id="faulty"))
        assert (await wire.reply()).data["code"] == "invalid"
        await wire.nothing_left(DELETES)
        await wire.put(DELETES, deletion(id="valid"))
        first, last = await wire.replies(2)
        await wire.nothing_left(DELETES)
    assert (first.data["code"], last.type) == ("unavailable", DELETES.reply_type)
    assert len(failing.seen) == 7
    assert await wire.redis.llen(wire.inbox) == 0
    assert await wire.redis.xlen(DELETES.dead) == 1
    discarded = telemetry.registry.get_sample_value("memos_discarded_total", {"stream": DELETES.name})
    assert discarded == 1


@pytest.mark.parametrize("loss", ["FLUSHDB", f"XGROUP DESTROY {DELETES.name} {GROUP}", f"DEL {DELETES.name}"])
@pytest.mark.parametrize("fails", [True, False])
async def test_a_stream_or_group_lost_under_a_command_in_hand_does_not_keep_the_worker_from_the_next(
    wire: Wire, open_lane: OpenLane, loss: str, fails: bool
) -> None:
    arrived, gate = asyncio.Event(), asyncio.Event()

    async def handle(command: DeleteMemory) -> DeleteOutcome:
        if not arrived.is_set():
            arrived.set()
            await gate.wait()
            if fails:
                raise Unavailable("The ledger is away.")
        return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")

    async with open_lane(Handler(DeleteMemory, handle), lease_seconds=0.5):
        await wire.put(DELETES, deletion(replyto="memos:reply:lost"))
        await arrived.wait()
        await wire.redis.execute_command(*loss.split())
        gate.set()
        await wire.put(DELETES, deletion(id="next"))
        assert (await wire.reply()).correlationid == "next"
        await wire.nothing_left(DELETES)


async def test_two_lanes_move_each_delayed_entry_once(wire: Wire, open_lane: OpenLane) -> None:
    failing = Failing(times=100)
    async with open_lane(Handler(DeleteMemory, failing)), open_lane(Handler(DeleteMemory, failing)):
        for number in range(100):
            await wire.put(DELETES, deletion(id=str(number)))
        replies = await wire.replies(100)
        await wire.nothing_left(DELETES)
    assert {reply.correlationid for reply in replies} == {str(number) for number in range(100)}
    assert len(failing.seen) == 200
    assert await wire.redis.llen(wire.inbox) == 0
