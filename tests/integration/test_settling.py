"""Replies, acknowledgements and dead letters, also where Redis or the asker makes it hard."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from lanes import OpenLane, Wire, event

from memos.errors import InternalError, MemosError, Unavailable
from memos.events.envelope import FIELD, decode
from memos.events.memories import DeleteMemory, DeleteOutcome, GetMemory
from memos.events.problems import PROBLEM_TYPE
from memos.events.streams import GROUP, STREAM_OF
from memos.handlers import Handler

pytest_plugins = ["bus_fixtures"]

DELETES = STREAM_OF[DeleteMemory]
GETS = STREAM_OF[GetMemory]


async def delete(command: DeleteMemory) -> DeleteOutcome:
    return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")


def deletion(**attributes: object) -> dict[str, object]:
    return event(DeleteMemory, {"memory_id": str(uuid4())}, **attributes)


async def test_a_reply_that_nobody_collects_does_not_stay_for_ever(wire: Wire, open_lane: OpenLane) -> None:
    async with open_lane(Handler(DeleteMemory, delete), reply_ttl=60):
        await wire.put(DELETES, deletion())
        await wire.nothing_left(DELETES)
    assert await wire.redis.llen(wire.inbox) == 1
    assert 0 < await wire.redis.pttl(wire.inbox) <= 60_000


async def test_a_reply_goes_to_a_channel_when_one_is_named(wire: Wire, open_lane: OpenLane) -> None:
    async with wire.redis.pubsub() as channel, open_lane(Handler(DeleteMemory, delete)):
        await channel.subscribe("memos:reply:live")
        await wire.put(DELETES, deletion(id="7", replyto="channel:memos:reply:live"))
        async with asyncio.timeout(20):
            message = await first_message(channel)
    assert decode(message).correlationid == "7"
    assert not await wire.redis.exists("memos:reply:live", "channel:memos:reply:live")


async def test_replies_to_one_inbox_come_in_the_order_of_their_commands_when_they_are_handled_together(
    wire: Wire, open_lane: OpenLane
) -> None:
    for number in range(10):
        await wire.put(DELETES, deletion(id=str(number)))
    async with open_lane(Handler(DeleteMemory, delete)):
        replies = await wire.replies(10)
    assert [reply.correlationid for reply in replies] == [str(number) for number in range(10)]


@pytest.mark.parametrize("key", ["hash", "string", "stream"])
async def test_an_inbox_that_is_no_list_holds_up_no_other(wire: Wire, open_lane: OpenLane, key: str) -> None:
    make = {
        "hash": ("HSET", "field", "value"),
        "string": ("SET", "value"),
        "stream": ("XADD", "*", "field", "value"),
    }
    command, *arguments = make[key]
    await wire.redis.execute_command(command, "memos:reply:taken", *arguments)
    async with open_lane(Handler(DeleteMemory, delete)):
        await wire.put(DELETES, deletion(replyto="memos:reply:taken"))
        await wire.put(DELETES, deletion(id="other"))
        assert (await wire.reply()).correlationid == "other"
        await wire.nothing_left(DELETES)


async def test_a_dead_letter_keeps_the_entry_and_says_why_and_when(wire: Wire, open_lane: OpenLane) -> None:
    async with open_lane(Handler(DeleteMemory, delete)):
        entry = await wire.redis.xadd(DELETES.name, {FIELD: b"no json", "note": "from a script"})
        [letter] = await wire.dead(DELETES)
        await wire.nothing_left(DELETES)
    assert (letter[FIELD], letter["note"]) == (b"no json", b"from a script")
    assert (letter["memos:entry"], letter["memos:code"]) == (entry, b"malformed")
    assert b"holds no valid JSON" in letter["memos:reason"]
    assert letter["memos:time"].startswith(b"20")


async def test_an_entry_of_ten_thousand_fields_is_a_dead_letter_like_any_other(
    wire: Wire, open_lane: OpenLane
) -> None:
    async with open_lane(Handler(DeleteMemory, delete)):
        await wire.redis.xadd(DELETES.name, {f"field {number}": "value" for number in range(10_000)})
        await wire.put(DELETES, deletion(id="other"))
        assert (await wire.reply()).correlationid == "other"
        await wire.dead(DELETES)
        await wire.nothing_left(DELETES)


async def test_a_dead_letter_stream_that_is_no_stream_holds_up_no_other(wire: Wire, open_lane: OpenLane) -> None:
    await wire.redis.set(DELETES.dead, "not a stream")
    async with open_lane(Handler(DeleteMemory, delete)):
        entry = await wire.put(DELETES, b"no json")
        await wire.put(DELETES, deletion(id="other"))
        assert (await wire.reply()).correlationid == "other"
    [pending] = await wire.redis.xpending_range(DELETES.name, GROUP, "-", "+", 10)
    assert pending["message_id"] == entry


async def test_a_write_left_undone_is_answered_and_kept_as_a_dead_letter(wire: Wire, open_lane: OpenLane) -> None:
    async def away(command: DeleteMemory) -> DeleteOutcome:
        raise Unavailable("The ledger is away.")

    async with open_lane(Handler(DeleteMemory, away), retry_attempts=1):
        await wire.put(DELETES, deletion())
        reply = await wire.reply()
        [letter] = await wire.dead(DELETES)
    assert (reply.type, reply.data["code"]) == (PROBLEM_TYPE, "unavailable")
    assert letter["memos:code"] == b"unavailable"


@pytest.mark.parametrize("failure", [Unavailable("Away."), ValueError("a bug")])
async def test_a_read_that_fails_is_answered_and_is_no_dead_letter(
    wire: Wire, open_lane: OpenLane, failure: Exception
) -> None:
    async def get(command: GetMemory) -> DeleteOutcome:
        raise failure

    async with open_lane(Handler(GetMemory, get)):
        await wire.put(GETS, event(GetMemory, {"memory_id": str(UUID(int=1))}))
        reply = await wire.reply()
        await wire.nothing_left(GETS)
    expected = failure if isinstance(failure, MemosError) else InternalError
    assert (reply.type, reply.data["code"]) == (PROBLEM_TYPE, expected.code)
    assert not await wire.redis.exists(GETS.dead)


async def test_a_reply_that_cannot_be_written_as_json_fails_its_own_command_alone(
    wire: Wire, open_lane: OpenLane
) -> None:
    async def odd(command: DeleteMemory) -> DeleteOutcome:
        message = "\ud800" if command.memory_id == UUID(int=1) else ""
        return DeleteOutcome.model_construct(memory_id=command.memory_id, status="deleted", message=message)

    async with open_lane(Handler(DeleteMemory, odd)):
        await wire.put(DELETES, event(DeleteMemory, {"memory_id": str(UUID(int=1))}, id="odd"))
        await wire.put(DELETES, deletion(id="other"))
        replies = {reply.correlationid: reply for reply in await wire.replies(2)}
        await wire.nothing_left(DELETES)
    assert replies["other"].type == DELETES.reply_type
    assert (replies["odd"].type, replies["odd"].data["code"]) == (PROBLEM_TYPE, "internal")


async def test_an_entry_that_was_deleted_by_hand_while_it_was_pending_is_let_go(
    wire: Wire, open_lane: OpenLane
) -> None:
    """Redis then delivers it without its fields."""
    async with open_lane(Handler(DeleteMemory, delete), lease_seconds=0.3):
        await wire.put(DELETES, deletion())
        await wire.reply()
        [consumer] = await wire.consumers(DELETES)
        async with wire.redis.pipeline(transaction=True) as lost:
            lost.xadd(DELETES.name, {FIELD: b"gone"})
            lost.xreadgroup(GROUP, consumer.decode(), {DELETES.name: ">"})
            lost.xtrim(DELETES.name, maxlen=0, approximate=False)
            lost.client_kill_filter(_type="normal", skipme=True)
            await lost.execute()
        await wire.nothing_left(DELETES)
        await wire.put(DELETES, deletion(id="next"))
        assert (await wire.reply()).correlationid == "next"
    assert not await wire.redis.exists(DELETES.dead)


async def first_message(channel: Any) -> bytes:
    """The first message of a subscription."""
    async for each in channel.listen():
        if each["type"] == "message":
            break
    document: bytes = each["data"]
    return document
