"""What Redis does not take is tried again by itself: it holds up no other, and what went out is not sent again."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from lanes import OpenLane, Wire, event
from running import until

from memos.broker.bindings import Verdict
from memos.broker.deliveries import Delivery
from memos.broker.entries import Entry
from memos.broker.settling import Settlement
from memos.errors import InternalError, Unavailable
from memos.events.envelope import FIELD, decode
from memos.events.memories import DeleteMemory, DeleteOutcome, StoreMemory, StoreOutcome
from memos.events.streams import GROUP, STREAM_OF
from memos.handlers import Handler
from memos.records import Origin

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
