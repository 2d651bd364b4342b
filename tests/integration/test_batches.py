"""Commands that queued together are handled together, and fail one by one."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest
from lanes import OpenLane, Wire, event

from memos.errors import Conflict, MemosError, Unavailable
from memos.events.memories import StoreMemory, StoreOutcome
from memos.events.problems import PROBLEM_TYPE
from memos.events.streams import STREAM_OF
from memos.handlers import Handler
from memos.ports import Ready
from memos.records import Origin

pytest_plugins = ["bus_fixtures"]

STORES = STREAM_OF[StoreMemory]


class Storing:
    """Notes which commands came together; the text of a command says how it ends."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    async def __call__(
        self, commands: Sequence[StoreMemory], *, origins: Sequence[Origin]
    ) -> list[StoreOutcome | MemosError]:
        self.batches.append([origin.command_id for origin in origins])
        texts = [command.content for command in commands]
        if "crash" in texts:
            raise RuntimeError("a bug that one command finds")
        if "away" in texts:
            raise Unavailable("The ledger is away.")
        return [Conflict("taken") if text == "taken" else _stored() for text in texts]


def _stored() -> StoreOutcome:
    return StoreOutcome(memory_id=UUID(int=0), status="stored", message="")


async def put(wire: Wire, *texts: str, replyto: str | None = Wire.inbox) -> None:
    """Commands whose ids are their places."""
    for place, text in enumerate(texts):
        await wire.put(STORES, event(StoreMemory, {"content": text}, id=str(place), replyto=replyto))


async def codes(wire: Wire, number: int) -> dict[str | None, str]:
    """What came back for each command: the code of its problem, or `stored`."""
    replies = await wire.replies(number)
    return {
        reply.correlationid: reply.data["code"] if reply.type == PROBLEM_TYPE else reply.data["status"]
        for reply in replies
    }


async def test_what_queued_before_the_worker_came_is_one_batch(wire: Wire, open_lane: OpenLane) -> None:
    storing = Storing()
    await put(wire, *["text"] * 20)
    async with open_lane(Handler(StoreMemory, storing, batch=64)):
        assert set((await codes(wire, 20)).values()) == {"stored"}
        await wire.nothing_left(STORES)
    assert storing.batches == [[str(place) for place in range(20)]]


async def test_a_batch_is_never_larger_than_the_handler_takes(wire: Wire, open_lane: OpenLane) -> None:
    storing = Storing()
    await put(wire, *["text"] * 20)
    async with open_lane(Handler(StoreMemory, storing, batch=8)):
        await wire.replies(20)
    assert [len(batch) for batch in storing.batches] == [8, 8, 4]


async def test_what_queues_while_a_batch_is_under_way_comes_together_after_it(
    wire: Wire, open_lane: OpenLane
) -> None:
    storing, gate, arrived = Storing(), asyncio.Event(), asyncio.Event()

    async def gated(
        commands: Sequence[StoreMemory], *, origins: Sequence[Origin]
    ) -> list[StoreOutcome | MemosError]:
        arrived.set()
        await gate.wait()
        return await storing(commands, origins=origins)

    async with open_lane(Handler(StoreMemory, gated, batch=64)):
        await put(wire, "first")
        await asyncio.wait_for(arrived.wait(), 20)
        await put(wire, *["later"] * 30)
        gate.set()
        await wire.replies(31)
    assert [len(batch) for batch in storing.batches] == [1, 30]


async def test_of_a_handler_in_parts_a_backlog_is_not_taken_at_once(wire: Wire, open_lane: OpenLane) -> None:
    storing = Storing()

    async def in_parts(
        commands: Sequence[StoreMemory], *, origins: Sequence[Origin], ready: Ready
    ) -> list[StoreOutcome | MemosError]:
        ready()
        return await storing(commands, origins=origins)

    await put(wire, *["text"] * 40)
    async with open_lane(Handler(StoreMemory, in_parts, batch=64)):
        await wire.replies(40)
    assert len(storing.batches[0]) == 16
    assert sum(map(len, storing.batches)) == 40


async def test_a_command_refused_among_others_fails_alone(wire: Wire, open_lane: OpenLane) -> None:
    await put(wire, "text", "taken", "text")
    async with open_lane(Handler(StoreMemory, Storing(), batch=64)):
        assert await codes(wire, 3) == {"0": "stored", "1": "conflict", "2": "stored"}
        await wire.nothing_left(STORES)
    assert not await wire.redis.exists(STORES.dead)


async def test_an_entry_that_is_no_command_fails_alone(wire: Wire, open_lane: OpenLane) -> None:
    await put(wire, "text", "", "text")
    async with open_lane(Handler(StoreMemory, Storing(), batch=64)):
        assert await codes(wire, 3) == {"0": "stored", "1": "invalid", "2": "stored"}
        await wire.dead(STORES)
        await wire.nothing_left(STORES)


async def test_an_error_that_nobody_foresaw_fails_the_command_that_causes_it_alone(
    wire: Wire, open_lane: OpenLane, caplog: pytest.LogCaptureFixture
) -> None:
    storing = Storing()
    await put(wire, *["text"] * 5, "crash", *["text"] * 5)
    async with open_lane(Handler(StoreMemory, storing, batch=64)):
        found = await codes(wire, 11)
        [letter] = await wire.dead(STORES)
        await wire.nothing_left(STORES)
    assert found == {str(place): "internal" if place == 5 else "stored" for place in range(11)}
    assert letter["memos:code"] == b"internal"
    assert b"RuntimeError: a bug that one command finds" in letter["memos:reason"]
    assert len(storing.batches) < 11
    assert "a bug that one command finds" in caplog.text


async def test_an_engine_that_is_away_fails_all_of_a_batch_and_is_not_asked_again_for_each(
    wire: Wire, open_lane: OpenLane
) -> None:
    storing = Storing()
    await put(wire, "text", "away", "text", "text")
    async with open_lane(Handler(StoreMemory, storing, batch=64), retry_attempts=1):
        assert set((await codes(wire, 4)).values()) == {"unavailable"}
        assert len(await wire.dead(STORES, 4)) == 4
    assert len(storing.batches) == 1


async def test_a_write_refused_unheard_is_a_dead_letter(wire: Wire, open_lane: OpenLane) -> None:
    await put(wire, "text", "taken", replyto=None)
    async with open_lane(Handler(StoreMemory, Storing(), batch=64)):
        [letter] = await wire.dead(STORES)
        await wire.nothing_left(STORES)
    assert (letter["memos:code"], letter["memos:reason"]) == (b"conflict", b"taken")
