"""The client's side of the bus: one inbox, many requests, and a Redis that comes and goes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from conftest import Engines
from lanes import OpenLane, Wire
from running import until

from memos.client import Client
from memos.client.bus import Bus, open_bus
from memos.errors import Conflict, DeadlineExceeded, InternalError, InvalidCommand, Unavailable
from memos.events.envelope import FIELD, REPLY_PREFIX, Envelope, decode
from memos.events.memories import DeleteMemory, DeleteOutcome, GetMemory, MemoryFound, StoreMemory
from memos.events.problems import PROBLEM_TYPE, problem_of
from memos.events.streams import STREAM_OF
from memos.handlers import Handler

pytest_plugins = ["bus_fixtures"]

DELETES = STREAM_OF[DeleteMemory]
GETS = STREAM_OF[GetMemory]
STORES = STREAM_OF[StoreMemory]
SOON = 0.05
"""Seconds until a request gives up, where nobody is to answer."""


@pytest.fixture
async def bus(engines: Engines, wire: Wire) -> AsyncIterator[Bus]:
    async with open_bus(engines.redis_url, "tests") as opened:
        yield opened


async def delete(command: DeleteMemory) -> DeleteOutcome:
    return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")


def deletion() -> DeleteMemory:
    return DeleteMemory(memory_id=uuid4())


async def next_command(wire: Wire) -> Envelope:
    """The one command on the stream of deletions, taken off it."""
    found: list[tuple[bytes, dict[bytes, bytes]]] = []

    async def arrived() -> bool:
        found[:] = await wire.redis.xrange(DELETES.name)
        return bool(found)

    await until(arrived)
    [(entry, fields)] = found
    await wire.redis.xdel(DELETES.name, entry)
    return decode(fields[FIELD.encode()])


async def answer(wire: Wire, command: Envelope, reply: Envelope | None = None) -> None:
    """Answer a command by hand."""
    assert command.replyto
    outcome = DeleteOutcome(memory_id=UUID(int=1), status="deleted", message="")
    document = reply or command.answer(DELETES.reply_type, outcome)
    await wire.redis.rpush(command.replyto, document.encode())


async def test_many_requests_at_once_are_answered_each_with_its_own(
    bus: Bus, wire: Wire, open_lane: OpenLane
) -> None:
    commands = [deletion() for _ in range(300)]
    async with open_lane(Handler(DeleteMemory, delete)):
        replies = await asyncio.gather(*(bus.send(each, str(uuid4()), 20) for each in commands))
    assert [reply["memory_id"] for reply in replies] == [str(each.memory_id) for each in commands]
    assert await wire.redis.keys(f"{REPLY_PREFIX}*") == []


async def test_one_command_asked_twice_at_once_is_answered_twice(bus: Bus, open_lane: OpenLane) -> None:
    command = deletion()
    async with open_lane(Handler(DeleteMemory, delete)):
        first, second = await asyncio.gather(*(bus.send(command, "7", 20) for _ in range(2)))
    assert first == second


async def test_a_command_says_who_sent_it_for_whom_and_how_long_a_read_may_take(bus: Bus, wire: Wire) -> None:
    sending = asyncio.create_task(bus.send(deletion(), "7", 20, "acme"))
    command = await next_command(wire)
    await answer(wire, command)
    await sending
    with pytest.raises(DeadlineExceeded):
        await bus.send(GetMemory(memory_id=UUID(int=1)), "8", SOON)
    [(_, fields)] = await wire.redis.xrange(GETS.name)
    read = decode(fields[FIELD.encode()])

    assert (command.id, command.source, command.tenant, command.ttlms) == ("7", "tests", "acme", None)
    assert command.time is not None
    assert (read.id, read.tenant, read.ttlms) == ("8", "default", round(SOON * 1000))


async def test_a_problem_is_raised_as_the_error_it_stands_for(bus: Bus, wire: Wire) -> None:
    sending = asyncio.create_task(bus.send(deletion(), "7", 20))
    command = await next_command(wire)
    await answer(wire, command, command.answer(PROBLEM_TYPE, problem_of(Conflict("Taken."), "7")))
    with pytest.raises(Conflict, match=r"Taken\."):
        await sending


async def test_a_problem_that_is_none_is_an_internal_error(bus: Bus, wire: Wire) -> None:
    sending = asyncio.create_task(bus.send(deletion(), "7", 20))
    command = await next_command(wire)
    await answer(wire, command, command.answer(PROBLEM_TYPE, {"code": 5}))
    with pytest.raises(InternalError):
        await sending


async def test_an_answer_of_another_shape_is_an_internal_error(bus: Bus, wire: Wire) -> None:
    sending = asyncio.create_task(Client(bus).send(deletion(), MemoryFound))
    await answer(wire, await next_command(wire))
    with pytest.raises(InternalError, match="no MemoryFound"):
        await sending


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        (
            DeleteMemory(memory_id=UUID(int=1)),
            "stays on the stream .* tried again, which /health/ready and the metrics tell.* same id",
        ),
        (GetMemory(memory_id=UUID(int=1)), "was dropped; send it again"),
    ],
)
async def test_a_request_that_no_worker_answers_says_which_and_what_to_do(
    bus: Bus, command: DeleteMemory | GetMemory, advice: str
) -> None:
    with pytest.raises(DeadlineExceeded, match=f"command the-id within 0.05 s.*{advice}"):
        await bus.send(command, "the-id", SOON)


async def test_a_write_whose_sender_gave_up_is_done_all_the_same(bus: Bus, wire: Wire, open_lane: OpenLane) -> None:
    with pytest.raises(DeadlineExceeded):
        await bus.send(deletion(), "7", SOON)
    async with open_lane(Handler(DeleteMemory, delete)):
        await wire.nothing_left(DELETES)


async def test_what_does_not_belong_in_the_inbox_is_passed_over(bus: Bus, wire: Wire) -> None:
    sending = asyncio.create_task(bus.send(deletion(), "7", 20))
    command = await next_command(wire)
    assert command.replyto
    stranger = command.answer(DELETES.reply_type, {}).model_copy(update={"correlationid": "stranger"})
    await wire.redis.rpush(command.replyto, b"no json", b"{}", stranger.encode())
    await answer(wire, command)
    assert (await sending)["status"] == "deleted"


async def test_an_answer_that_comes_twice_is_taken_once(bus: Bus, wire: Wire) -> None:
    for _ in range(2):
        sending = asyncio.create_task(bus.send(deletion(), "7", 20))
        command = await next_command(wire)
        await answer(wire, command)
        await answer(wire, command)
        assert (await sending)["status"] == "deleted"


async def test_an_answer_that_came_while_the_connection_was_away_is_not_lost(bus: Bus, wire: Wire) -> None:
    sending = asyncio.create_task(bus.send(deletion(), "7", 20))
    command = await next_command(wire)
    assert command.replyto
    outcome = DeleteOutcome(memory_id=UUID(int=1), status="deleted", message="")
    async with wire.redis.pipeline(transaction=True) as away:
        away.client_kill_filter(_type="normal", skipme=True)
        away.rpush(command.replyto, command.answer(DELETES.reply_type, outcome).encode())
        await away.execute()
    assert (await sending)["status"] == "deleted"


async def test_requests_go_on_after_every_connection_was_killed(bus: Bus, wire: Wire, open_lane: OpenLane) -> None:
    async with open_lane(Handler(DeleteMemory, delete)):
        for _ in range(3):
            await bus.send(deletion(), str(uuid4()), 20)
            await wire.redis.client_kill_filter(_type="normal", skipme=True)
        assert (await bus.send(deletion(), str(uuid4()), 20))["status"] == "deleted"


async def test_a_flushed_redis_takes_new_commands_and_the_same_inbox(
    bus: Bus, wire: Wire, open_lane: OpenLane
) -> None:
    async with open_lane(Handler(DeleteMemory, delete)):
        await bus.send(deletion(), "1", 20)
        await wire.redis.flushdb()
        assert (await bus.send(deletion(), "2", 20))["status"] == "deleted"


async def test_without_a_redis_a_request_says_so_and_closing_does_not_hang(tmp_path: Path) -> None:
    async with asyncio.timeout(10):
        async with open_bus(f"unix://{tmp_path}/none.sock", "tests") as bus:
            with pytest.raises(Unavailable, match=r"did not take command 7.*same id.*see that Redis runs"):
                await bus.send(deletion(), "7", 5)
            with pytest.raises(Unavailable, match="did not take command 8"):
                await bus.post(deletion(), "8")


async def test_a_redis_that_takes_no_writes_is_unavailable(bus: Bus, wire: Wire) -> None:
    await wire.redis.set(DELETES.name, "not a stream")
    with pytest.raises(Unavailable, match="WRONGTYPE"):
        await bus.send(deletion(), "7", 5)


async def test_closing_does_not_wait_for_a_reply_and_leaves_no_inbox(
    engines: Engines, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.client.bus.BLOCK_SECONDS", 60)
    others = {client["id"] for client in await wire.redis.client_list()}

    async def listening() -> bool:
        clients = await wire.redis.client_list()
        return any("b" in one["flags"] and one["cmd"] == "blmpop" for one in clients if one["id"] not in others)

    async with asyncio.timeout(20), open_bus(engines.redis_url, "tests"):
        await until(listening)

    async def gone() -> bool:
        return not await wire.redis.keys(f"{REPLY_PREFIX}*")

    await until(gone)


async def test_closing_does_not_hang_when_the_connections_are_killed(engines: Engines, wire: Wire) -> None:
    async with asyncio.timeout(10), open_bus(engines.redis_url, "tests"):
        await wire.redis.client_kill_filter(_type="normal", skipme=True)


async def test_what_is_posted_names_no_inbox(bus: Bus, wire: Wire) -> None:
    await bus.post(StoreMemory(content="Later."), "7", "acme")
    [(_, fields)] = await wire.redis.xrange(STORES.name)
    command = decode(fields[FIELD.encode()])
    assert (command.id, command.tenant, command.replyto, command.correlationid) == ("7", "acme", None, None)
    assert command.data == {"content": "Later."}


async def test_a_caller_that_gives_up_disturbs_no_other(bus: Bus, wire: Wire, open_lane: OpenLane) -> None:
    cancelled = [asyncio.create_task(bus.send(deletion(), str(uuid4()), 20)) for _ in range(20)]
    kept = [asyncio.create_task(bus.send(deletion(), str(uuid4()), 20)) for _ in range(20)]
    await asyncio.sleep(0)
    for task in cancelled:
        task.cancel()
    async with open_lane(Handler(DeleteMemory, delete)):
        assert [reply["status"] for reply in await asyncio.gather(*kept)] == ["deleted"] * 20
    assert all(task.cancelled() for task in await asyncio.gather(*map(settled, cancelled)))


async def settled(task: "asyncio.Task[object]") -> "asyncio.Task[object]":
    await asyncio.wait([task])
    return task


@pytest.mark.parametrize("command_id", ["", "x" * 256, "line\nbreak", "nul\x00", "\ud800"])
async def test_a_command_id_that_no_ledger_takes_is_refused_by_name(bus: Bus, command_id: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        await Client(bus, timeout=5).delete(UUID(int=1), command_id=command_id)
    assert [fault.field for fault in refused.value.faults] == ["command_id"]
