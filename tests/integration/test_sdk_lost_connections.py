"""Commands that are awaited over the bus while connections, or Redis itself, are lost."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from conftest import Engines
from lanes import OpenLane, Wire, opener, own_redis
from redis.asyncio import Redis
from running import until

from memos.client import Client, connect
from memos.client.bus import Bus, open_bus
from memos.client.redis import open_redis
from memos.errors import Closed, DeadlineExceeded, Unavailable
from memos.events.envelope import FIELD, Envelope, decode
from memos.events.memories import DeleteMemory, DeleteOutcome, GetMemory
from memos.events.streams import STREAM_OF
from memos.handlers import Handler
from memos.records import Fact

pytest_plugins = ["bus_fixtures"]

DELETES = STREAM_OF[DeleteMemory]
GETS = STREAM_OF[GetMemory]
JUNK = b"no reply"


@pytest.fixture
async def bus(engines: Engines, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bus]:
    """A bus that looks for what it awaits whenever anything comes into its inbox."""
    monkeypatch.setattr("memos.client.awaited.FIRST_LOOK", 0.0)
    monkeypatch.setattr("memos.client.awaited.LONGEST_LOOK", 0.0)
    async with open_bus(engines.redis_url, "tests") as opened:
        yield opened


async def delete(command: DeleteMemory) -> DeleteOutcome:
    return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")


def deletion() -> DeleteMemory:
    return DeleteMemory(memory_id=uuid4())


async def command_on(wire: Wire, stream: str) -> tuple[bytes, Envelope]:
    """The one command on a stream, once it is there, with the id that it has there."""

    async def arrived() -> bool:
        return bool(await wire.redis.xlen(stream))

    await until(arrived)
    [(entry, fields)] = await wire.redis.xrange(stream)
    return entry, decode(fields[FIELD.encode()])


async def answer(wire: Wire, command: Envelope) -> None:
    outcome = DeleteOutcome(memory_id=UUID(int=1), status="deleted", message="")
    await wire.redis.rpush(command.replyto, command.answer(DELETES.reply_type, outcome).encode())


async def looked(wire: Wire, command: Envelope) -> None:
    """Return when the bus has looked for its commands, which it does after something came."""

    async def scripts() -> int:
        stats = await wire.redis.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))

    before = await scripts()
    await wire.redis.rpush(command.replyto, JUNK)

    async def more() -> bool:
        return await scripts() > before

    await until(more)


async def test_a_command_that_is_gone_without_an_answer_is_sent_again_under_its_id(bus: Bus, wire: Wire) -> None:
    sending = asyncio.create_task(bus.send(deletion(), "7", 20, "acme"))
    entry, first = await command_on(wire, DELETES.name)
    await wire.redis.xdel(DELETES.name, entry)
    await wire.redis.rpush(first.replyto, JUNK)

    again, second = await command_on(wire, DELETES.name)
    await answer(wire, second)

    assert again != entry
    assert (await sending)["status"] == "deleted"
    assert second.model_copy(update={"time": first.time}) == first


async def test_what_waits_for_its_turn_is_not_sent_again_however_long_that_takes(bus: Bus, wire: Wire) -> None:
    sending = asyncio.create_task(bus.send(deletion(), "7", 20))
    _, command = await command_on(wire, DELETES.name)
    for _ in range(3):
        await looked(wire, command)
    assert await wire.redis.xlen(DELETES.name) == 1
    await answer(wire, command)
    assert (await sending)["status"] == "deleted"


async def test_what_waits_to_be_tried_again_by_a_worker_is_not_sent_again(bus: Bus, wire: Wire) -> None:
    sending = asyncio.create_task(bus.send(deletion(), "7", 20))
    entry, command = await command_on(wire, DELETES.name)
    await wire.redis.zadd(DELETES.delayed, {"later": 1})
    await wire.redis.xdel(DELETES.name, entry)
    for _ in range(3):
        await looked(wire, command)
    assert await wire.redis.xlen(DELETES.name) == 0
    await answer(wire, command)
    assert (await sending)["status"] == "deleted"


async def test_a_command_whose_answer_is_in_the_inbox_already_is_not_sent_again(bus: Bus, wire: Wire) -> None:
    sending = asyncio.create_task(bus.send(deletion(), "7", 20))
    entry, command = await command_on(wire, DELETES.name)
    outcome = DeleteOutcome(memory_id=UUID(int=1), status="deleted", message="")
    async with wire.redis.pipeline(transaction=True) as at_once:
        at_once.rpush(command.replyto, *[JUNK] * 256, command.answer(DELETES.reply_type, outcome).encode())
        at_once.xdel(DELETES.name, entry)
        await at_once.execute()
    assert (await sending)["status"] == "deleted"
    assert await wire.redis.xlen(DELETES.name) == 0


async def test_a_read_that_is_sent_again_may_take_no_longer_than_its_sender_waits(bus: Bus, wire: Wire) -> None:
    sending = asyncio.create_task(bus.send(GetMemory(memory_id=UUID(int=1)), "7", 1))
    entry, first = await command_on(wire, GETS.name)
    await wire.redis.xdel(GETS.name, entry)
    await wire.redis.rpush(first.replyto, JUNK)
    _, second = await command_on(wire, GETS.name)
    with pytest.raises(DeadlineExceeded, match="command 7 within 1 s"):
        await sending
    assert first.ttlms == 1000
    assert second.ttlms is not None
    assert 0 < second.ttlms < 1000


async def flush(redis: Redis) -> None:
    await redis.flushdb()


async def delete_the_stream(redis: Redis) -> None:
    await redis.delete(DELETES.name)


@pytest.mark.parametrize("harm", [flush, delete_the_stream])
async def test_what_was_queued_when_redis_was_emptied_is_done_all_the_same(
    engines: Engines, wire: Wire, open_lane: OpenLane, harm: object
) -> None:
    async with connect(engines.redis_url, timeout=20) as client:
        deleting = [asyncio.create_task(client.delete(uuid4())) for _ in range(5)]

        async def queued() -> bool:
            return bool(await wire.redis.xlen(DELETES.name) == 5)

        await until(queued)
        await harm(wire.redis)  # type: ignore[operator]
        async with open_lane(Handler(DeleteMemory, delete)):
            assert {one.status for one in await asyncio.gather(*deleting)} == {"deleted"}


async def test_what_is_awaited_when_every_connection_is_killed_again_and_again_is_answered(
    engines: Engines, wire: Wire, open_lane: OpenLane
) -> None:
    async with connect(engines.redis_url, timeout=20) as client, open_lane(Handler(DeleteMemory, delete)):
        for _ in range(3):
            deleting = [asyncio.create_task(client.delete(uuid4())) for _ in range(50)]
            await asyncio.sleep(0)
            await wire.redis.client_kill_filter(_type="normal", skipme=True)
            assert {one.status for one in await asyncio.gather(*deleting)} == {"deleted"}


async def test_what_is_awaited_when_redis_is_killed_and_comes_back_empty_is_answered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "memos.client")
    async with own_redis(tmp_path) as (url, process), connect(url, timeout=20) as client:
        queued = asyncio.create_task(client.delete(uuid4(), command_id="queued"))
        async with open_redis(url) as redis:
            await command_on(Wire(redis), DELETES.name)
        process.kill()
        await process.wait()
        refused = asyncio.create_task(client.delete(uuid4(), command_id="refused"))

        async def tried() -> bool:
            return "Command refused is sent again" in caplog.text

        await until(tried)
        async with own_redis(tmp_path), opener(url)(Handler(DeleteMemory, delete)):
            assert [one.status for one in await asyncio.gather(queued, refused)] == ["deleted", "deleted"]


async def next_fact(client: Client, group: str | None) -> Fact:
    return await anext(client.follow(after=0, group=group))


async def test_closing_ends_the_waiting_for_answers_and_says_so(engines: Engines, wire: Wire) -> None:
    async with asyncio.timeout(10):
        async with connect(engines.redis_url, timeout=60) as client:
            waiting = asyncio.create_task(client.delete(uuid4()))
            following = [asyncio.create_task(next_fact(client, group)) for group in ("closing", None)]
            await command_on(wire, DELETES.name)
        for one in (waiting, *following):
            with pytest.raises(Closed, match="closed"):
                await one
        with pytest.raises(Closed):
            await client.delete(uuid4())
        with pytest.raises(Closed):
            await client.store_later("Too late.")


async def test_a_client_without_retries_says_at_once_that_redis_is_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "memos.client.retrying")
    async with connect(f"unix://{tmp_path}/none.sock", retries=0) as client:
        with pytest.raises(Unavailable, match="see that Redis runs"):
            await client.delete(uuid4())
    assert [record for record in caplog.records if record.name == "memos.client.retrying"] == []
