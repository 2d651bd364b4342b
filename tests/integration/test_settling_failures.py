"""What Redis does not take is tried again by itself: it holds up no other, and what went out is not sent again."""

import asyncio
import json
import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast
from uuid import UUID, uuid4

from lanes import POLICY, OpenLane, Wire, event
from running import until

from memos.broker.bindings import Verdict
from memos.broker.deliveries import Delivery
from memos.broker.entries import Entry
from memos.broker.settling import Settlement, Settler
from memos.errors import InternalError, Unavailable
from memos.events.envelope import FIELD, decode
from memos.events.memories import DeleteMemory, DeleteOutcome, StoreMemory, StoreOutcome
from memos.events.streams import GROUP, STREAM_OF, Stream
from memos.handlers import Handler
from memos.records import Origin
from memos.telemetry import Telemetry

pytest_plugins = ["bus_fixtures"]

DELETES = STREAM_OF[DeleteMemory]
STORES = STREAM_OF[StoreMemory]
CHANNEL = "memos:reply:live"


class Gated:
    """Handlers that are done once they are let through."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.open = asyncio.Event()

    async def store(self, commands: Sequence[StoreMemory], *, origins: Sequence[Origin]) -> list[StoreOutcome]:
        self.arrived.set()
        await self.open.wait()
        return [StoreOutcome(memory_id=UUID(int=0), status="stored", message="") for _ in commands]


async def delete(command: DeleteMemory) -> DeleteOutcome:
    return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")


def storing(command_id: str, **attributes: object) -> dict[str, object]:
    return event(StoreMemory, {"content": "text"}, id=command_id, **attributes)


@asynccontextmanager
async def full(wire: Wire) -> AsyncIterator[None]:
    """A Redis that takes nothing which needs memory, as lists do; channels go on."""
    await wire.redis.config_set("maxmemory", "1")
    try:
        yield
    finally:
        await wire.redis.config_set("maxmemory", "0")


async def heard(wire: Wire, channel_id: str) -> AsyncGenerator[str | None]:
    """The commands whose replies come to a channel."""
    async with wire.redis.pubsub() as channel:
        await channel.subscribe(channel_id)
        async for each in channel.listen():
            if each["type"] == "subscribe":
                yield None
            else:
                yield decode(each["data"]).correlationid


async def following(replies: AsyncGenerator[str | None]) -> str | None:
    return await asyncio.wait_for(anext(replies), 20)


async def refusals(wire: Wire, number: int) -> None:
    """Return when Redis has refused as many writes for want of memory since now."""

    async def refused() -> int:
        statistics = await wire.redis.info("errorstats")
        return int(statistics.get("errorstat_OOM", {"count": 0})["count"])

    before = await refused()

    async def enough() -> bool:
        return await refused() >= before + number

    await until(enough)


async def test_a_reply_that_redis_has_no_room_for_goes_out_later_and_its_entry_is_kept_until_then(
    wire: Wire, open_lane: OpenLane
) -> None:
    gated = Gated()
    async with open_lane(Handler(StoreMemory, gated.store, batch=64)):
        await wire.put(STORES, storing("7"))
        await gated.arrived.wait()
        async with full(wire):
            gated.open.set()
            await refusals(wire, 4)
            assert (await wire.redis.xpending(STORES.name, GROUP))["pending"] == 1
        assert (await wire.reply()).correlationid == "7"
        await wire.nothing_left(STORES)
    assert await wire.redis.llen(wire.inbox) == 0


async def test_a_reply_that_went_out_is_not_sent_again_while_its_neighbours_is(
    wire: Wire, open_lane: OpenLane
) -> None:
    gated, replies = Gated(), heard(wire, CHANNEL)
    assert await following(replies) is None
    await wire.put(STORES, storing("by channel", replyto=f"channel:{CHANNEL}"))
    await wire.put(STORES, storing("by list"))
    async with open_lane(Handler(StoreMemory, gated.store, batch=64)):
        await gated.arrived.wait()
        async with full(wire):
            gated.open.set()
            assert await following(replies) == "by channel"
            await refusals(wire, 6)
        assert (await wire.reply()).correlationid == "by list"
        await wire.nothing_left(STORES)
        await wire.redis.publish(CHANNEL, storing_end())
    assert await following(replies) == "end"
    await replies.aclose()
    assert await wire.redis.llen(wire.inbox) == 0


def storing_end() -> bytes:
    return decode(b'{"id": "end", "source": "tests", "type": "end"}').answer("end", {}).encode()


async def test_a_settlement_that_keeps_failing_holds_up_no_other(wire: Wire, open_lane: OpenLane) -> None:
    gated, replies = Gated(), heard(wire, CHANNEL)
    assert await following(replies) is None
    async with open_lane(Handler(StoreMemory, gated.store, batch=64), Handler(DeleteMemory, delete)):
        await wire.put(STORES, storing("stuck"))
        await gated.arrived.wait()
        deletions = [
            event(DeleteMemory, {"memory_id": str(uuid4())}, id=str(number), replyto=f"channel:{CHANNEL}")
            for number in range(20)
        ]
        async with wire.redis.pipeline(transaction=True) as at_once:
            for each in deletions:
                at_once.xadd(DELETES.name, {FIELD: json.dumps(each)})
            at_once.config_set("maxmemory", "1")
            await at_once.execute()
        async with full(wire):
            gated.open.set()
            assert {await following(replies) for _ in range(20)} == {str(number) for number in range(20)}
            await wire.nothing_left(DELETES)
            assert (await wire.redis.xpending(STORES.name, GROUP))["pending"] == 1
        assert (await wire.reply()).correlationid == "stuck"
        await wire.nothing_left(STORES)
    await replies.aclose()


async def test_what_is_to_be_tried_again_is_kept_until_redis_has_room_for_it(
    wire: Wire, open_lane: OpenLane
) -> None:
    arrived, gate, runs = asyncio.Event(), asyncio.Event(), 0

    async def fail_once(command: DeleteMemory) -> DeleteOutcome:
        nonlocal runs
        runs += 1
        arrived.set()
        await gate.wait()
        if runs == 1:
            raise Unavailable("The ledger is away.")
        return await delete(command)

    async with open_lane(Handler(DeleteMemory, fail_once)):
        await wire.put(DELETES, event(DeleteMemory, {"memory_id": str(uuid4())}, id="7"))
        await arrived.wait()
        async with full(wire):
            gate.set()
            await refusals(wire, 4)
            assert (await wire.redis.xpending(DELETES.name, GROUP))["pending"] == 1
        assert (await wire.reply()).correlationid == "7"
        await wire.nothing_left(DELETES)
    assert runs == 2
    assert await wire.redis.llen(wire.inbox) == 0


def verdict(number: int, *, reply: bytes | None = b"{}") -> Verdict:
    delivery = Delivery(Entry(b"1-%d" % number, {}), None, InternalError("None."))
    return Verdict(delivery, reply)


def test_an_entry_is_finished_only_once_its_reply_has_gone_out() -> None:
    answered, unanswered, silent = verdict(1), verdict(2), verdict(3, reply=None)
    settlement = Settlement(STORES, [answered, unanswered, silent])
    assert (settlement.unanswered, settlement.unfinished) == ([answered, unanswered], [silent])

    settlement.advance({id(unanswered)}, now=10.0)
    assert (settlement.unanswered, settlement.unfinished) == ([unanswered], [answered])
    assert settlement.due > 10.0

    settlement.advance(set(), now=20.0)
    assert (settlement.unanswered, settlement.unfinished) == ([], [unanswered])
    assert not settlement.done.is_set()

    settlement.advance(set(), now=30.0)
    assert settlement.done.is_set()


async def pending_entry(wire: Wire, stream: Stream, document: bytes = b"{}") -> Entry:
    """An entry that the settler's consumer has in hand."""
    await wire.redis.xgroup_create(stream.name, GROUP, id="0", mkstream=True)
    entry = await wire.redis.xadd(stream.name, {FIELD: document})
    await wire.redis.xreadgroup(GROUP, "settler", {stream.name: ">"})
    return Entry(entry, {FIELD.encode(): document})


def answered(entry: Entry, inbox: str) -> Verdict:
    envelope = decode(json.dumps(storing("7", replyto=inbox)).encode())
    return Verdict(Delivery(entry, envelope, InternalError("None.")), b"the reply")


async def test_what_cannot_be_written_down_becomes_a_plain_dead_letter_and_harms_no_neighbour(wire: Wire) -> None:
    endless = replace(POLICY, retry_first=math.inf, retry_longest=math.inf)
    settler = Settler(wire.redis, "settler", endless, Telemetry())
    faulty = await pending_entry(wire, STORES, b"a document")
    fault = Verdict(Delivery(faulty, None, InternalError("None.")), fault=Unavailable("Away."), again=True)
    good = answered(await pending_entry(wire, DELETES), wire.inbox)
    async with asyncio.timeout(20):
        await asyncio.gather(settler.settle(STORES, [fault]), settler.settle(DELETES, [good]))
    [letter] = await wire.dead(STORES)
    assert (letter[FIELD], letter["memos:code"]) == (b"a document", b"internal")
    assert letter["memos:entry"] == faulty.id
    assert await wire.redis.lrange(wire.inbox, 0, -1) == [b"the reply"]
    for stream in (STORES, DELETES):
        await wire.nothing_left(stream)


async def test_a_plain_dead_letter_that_finds_no_room_is_put_off_and_not_lost(wire: Wire) -> None:
    full_up = replace(POLICY, retry_first=math.inf, retry_longest=math.inf, dead_letters_limit=1)
    await wire.redis.xadd(STORES.dead, {"an": "old one"})
    faulty = await pending_entry(wire, STORES)
    fault = Verdict(Delivery(faulty, None, InternalError("None.")), fault=Unavailable("Away."), again=True)
    await asyncio.wait_for(Settler(wire.redis, "settler", full_up, Telemetry()).settle(STORES, [fault]), 20)
    assert await wire.redis.zcard(STORES.delayed) == 1


async def test_a_reply_that_cannot_be_sent_harms_no_neighbour_and_is_not_tried_for_ever(wire: Wire) -> None:
    settler = Settler(wire.redis, "settler", POLICY, Telemetry())
    odd = answered(await pending_entry(wire, STORES), wire.inbox)
    assert odd.delivery.envelope
    nowhere = odd.delivery.envelope.model_copy(update={"replyto": "memos:reply:\ud800"})
    odd = odd._replace(delivery=odd.delivery._replace(envelope=nowhere))
    good = answered(await pending_entry(wire, DELETES), wire.inbox)
    async with asyncio.timeout(20):
        await asyncio.gather(settler.settle(STORES, [odd]), settler.settle(DELETES, [good]))
    assert await wire.redis.lrange(wire.inbox, 0, -1) == [b"the reply"]
    for stream in (STORES, DELETES):
        await wire.nothing_left(stream)


async def test_a_settlement_that_is_none_is_left_pending_and_harms_no_other(wire: Wire) -> None:
    settler = Settler(wire.redis, "settler", POLICY, Telemetry())
    none = Verdict(cast("Delivery", None), b"the reply")
    await pending_entry(wire, STORES)
    good = answered(await pending_entry(wire, DELETES), wire.inbox)
    async with asyncio.timeout(20):
        await asyncio.gather(settler.settle(DELETES, [good]), settler.settle(STORES, [none]))
    assert await wire.redis.lrange(wire.inbox, 0, -1) == [b"the reply"]
    await wire.nothing_left(DELETES)
    assert (await wire.redis.xpending(STORES.name, GROUP))["pending"] == 1
