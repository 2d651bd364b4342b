"""A stream takes so many commands and no more; what it refuses was not written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import httpx
import pytest
from conftest import Engines
from lanes import OpenLane, Wire
from redis.asyncio import Redis

from memos.api.app import create_app
from memos.client.bus import Bus, open_bus
from memos.client.publisher import MOST_BYTES_TOGETHER, MOST_TOGETHER, Addition, Publisher, portions
from memos.errors import DeadlineExceeded, MemosError, Overloaded
from memos.events.envelope import FIELD, decode
from memos.events.health import CheckHealth
from memos.events.memories import DeleteMemory, DeleteOutcome, GetMemory, StoreMemory
from memos.events.streams import STREAM_OF
from memos.handlers import Handler
from memos.settings import Settings

pytest_plugins = ["bus_fixtures"]

DELETES = STREAM_OF[DeleteMemory]
HEALTH = STREAM_OF[CheckHealth]
STORES = STREAM_OF[StoreMemory]
LIMIT = 5


@pytest.fixture
async def bus(engines: Engines, wire: Wire) -> AsyncIterator[Bus]:
    async with open_bus(engines.redis_url, "tests", LIMIT) as opened:
        yield opened


async def post(bus: Bus, number: int) -> MemosError | None:
    """Post a command; what it was refused with, if it was."""
    try:
        await bus.post(StoreMemory(content="text"), str(number))
    except MemosError as error:
        return error
    return None


async def test_a_full_stream_refuses_a_command_and_says_so(bus: Bus, wire: Wire) -> None:
    assert [await post(bus, number) for number in range(LIMIT)] == [None] * LIMIT
    with pytest.raises(Overloaded, match=r"5 commands wait on memos:store.*Nothing was written.*after a pause"):
        await bus.post(StoreMemory(content="text"), "one too many")
    assert await wire.redis.xlen(STORES.name) == LIMIT


async def test_of_many_at_once_as_many_are_taken_as_there_is_room_for_in_their_order(bus: Bus, wire: Wire) -> None:
    refused = await asyncio.gather(*(post(bus, number) for number in range(20)))
    assert [number for number in range(20) if refused[number] is None] == list(range(LIMIT))
    assert {type(error) for error in refused[LIMIT:]} == {Overloaded}
    entries = await wire.redis.xrange(STORES.name)
    assert [decode(fields[FIELD.encode()]).id for _, fields in entries] == [str(number) for number in range(LIMIT)]


async def test_two_clients_at_once_do_not_fill_a_stream_beyond_its_limit(engines: Engines, wire: Wire) -> None:
    url = engines.redis_url
    async with open_bus(url, "a", LIMIT) as first, open_bus(url, "b", LIMIT) as second:
        each = [post(bus, number) for number in range(20) for bus in (first, second)]
        refused = await asyncio.gather(*each)
    assert refused.count(None) == await wire.redis.xlen(STORES.name) == LIMIT


async def test_what_waits_to_be_tried_again_counts(bus: Bus, wire: Wire) -> None:
    await wire.redis.zadd(STORES.delayed, {"a": 1, "b": 2, "c": 3})
    refused = [await post(bus, number) for number in range(4)]
    assert [error is None for error in refused] == [True, True, False, False]


LARGE = 100_000
"""Bytes of a document that is no short one."""


async def refused_large(bus: Bus, number: int) -> MemosError | None:
    try:
        await bus.post(StoreMemory(content="x" * LARGE), str(number))
    except MemosError as error:
        return error
    return None


async def test_a_stream_whose_commands_take_too_much_memory_refuses_more_and_says_so(
    engines: Engines, wire: Wire
) -> None:
    async with open_bus(engines.redis_url, "tests", most_bytes=5 * LARGE) as bus:
        one_by_one = [await refused_large(bus, number) for number in range(8)]
        assert await wire.redis.xlen(STORES.name) == one_by_one.count(None) == 5
        with pytest.raises(Overloaded, match=r"The 5 commands on memos:store take 5\d\d,\d+ bytes.*Nothing was wr"):
            await bus.post(StoreMemory(content="text"), "one too many")


async def test_of_many_large_ones_at_once_as_many_are_taken_as_there_is_room_for(
    engines: Engines, wire: Wire
) -> None:
    async with open_bus(engines.redis_url, "tests", most_bytes=5 * LARGE) as bus:
        refused = await asyncio.gather(*(refused_large(bus, number) for number in range(8)))
    assert [error is None for error in refused] == [True] * 5 + [False] * 3
    assert await wire.redis.xlen(STORES.name) == 5


async def test_the_memory_of_what_waits_to_be_tried_again_counts(engines: Engines, wire: Wire) -> None:
    await wire.redis.zadd(STORES.delayed, {"x" * LARGE: 1})
    async with open_bus(engines.redis_url, "tests", most_bytes=LARGE) as bus:
        assert type(await post(bus, 1)) is Overloaded
        await bus.post(DeleteMemory(memory_id=UUID(int=1)), "7")
    assert await wire.redis.xlen(DELETES.name) == 1


async def test_an_empty_stream_takes_a_command_however_large(engines: Engines, wire: Wire) -> None:
    async with open_bus(engines.redis_url, "tests", most_bytes=LARGE // 2) as bus:
        refused = [await refused_large(bus, number) for number in range(2)]
    assert (refused[0], type(refused[1])) == (None, Overloaded)


async def test_an_addition_that_fails_in_an_unforeseen_way_keeps_nobody_waiting(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = Publisher(wire.redis)
    odd = replace(STORES, name="no text: \ud800")
    async with asyncio.timeout(20):
        adding = (publisher.add(stream, b"{}") for stream in (odd, STORES, odd))
        first, good, last = await asyncio.gather(*adding, return_exceptions=True)
        await publisher.add(STORES, b"{}")
    assert (type(first), type(good), type(last)) == (UnicodeEncodeError, bytes, UnicodeEncodeError)
    assert await wire.redis.xlen(STORES.name) == 2
    assert "could not be added" in caplog.text


async def test_one_full_stream_fills_no_other(bus: Bus, wire: Wire) -> None:
    for number in range(LIMIT):
        await post(bus, number)
    command = DeleteMemory(memory_id=UUID(int=1))
    refused, none = await asyncio.gather(post(bus, 5), bus.post(command, "7"))
    assert (type(refused), none) == (Overloaded, None)
    assert await wire.redis.xlen(DELETES.name) == 1


async def test_reads_and_checks_of_health_are_bounded_as_well(bus: Bus, wire: Wire) -> None:
    for command in (CheckHealth(), GetMemory(memory_id=UUID(int=1))):
        for number in range(LIMIT):
            with pytest.raises(DeadlineExceeded):
                await bus.send(command, str(number), 0.02)
        with pytest.raises(Overloaded):
            await bus.send(command, "one too many", 20)
    assert await wire.redis.xlen(HEALTH.name) == LIMIT


async def test_a_stream_that_was_full_takes_commands_again_when_they_are_handled(
    bus: Bus, wire: Wire, open_lane: OpenLane
) -> None:
    async def delete(command: DeleteMemory) -> DeleteOutcome:
        return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")

    for number in range(LIMIT):
        await bus.post(DeleteMemory(memory_id=uuid4()), str(number))
    with pytest.raises(Overloaded):
        await bus.send(DeleteMemory(memory_id=uuid4()), "5", 20)
    async with open_lane(Handler(DeleteMemory, delete)):
        await wire.nothing_left(DELETES)
        assert (await bus.send(DeleteMemory(memory_id=uuid4()), "5", 20))["status"] == "deleted"


async def test_scripts_forgotten_by_redis_are_loaded_again(bus: Bus, wire: Wire) -> None:
    for number in range(3):
        await wire.redis.script_flush()
        assert await post(bus, number) is None
    assert await wire.redis.xlen(STORES.name) == 3


@asynccontextmanager
async def facade(redis_url: str, **bounds: int) -> AsyncIterator[httpx.AsyncClient]:
    """A facade whose streams are bounded, and no worker behind it."""
    app = create_app(Settings.model_validate(bounds), redis_url)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://memos") as client,
    ):
        yield client


async def test_over_http_a_full_stream_is_429_with_a_time_to_come_back(engines: Engines, redis: Redis) -> None:
    body = {"content": "text", "wait": False}
    async with facade(engines.redis_url, queue_limit=2) as client:
        for _ in range(2):
            assert (await client.post("/memory/store", json=body)).status_code == 202
        refused = await client.post("/memory/store", json={"content": "text"}, headers={"Idempotency-Key": "me"})
    assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
    assert int(refused.headers["retry-after"]) >= 1
    assert (refused.json()["code"], refused.json()["command_id"]) == ("overloaded", "me")
    assert await redis.xlen(STORES.name) == 2


async def test_over_http_a_stream_of_too_many_bytes_is_429_as_well(engines: Engines, redis: Redis) -> None:
    body = {"content": "x" * LARGE, "wait": False}
    async with facade(engines.redis_url, queue_bytes=10 * LARGE) as client:
        answers = [await client.post("/memory/store", json=body) for _ in range(12)]
    codes = [answer.status_code for answer in answers]
    assert (codes[0], codes[-1], codes) == (202, 429, sorted(codes))


async def test_many_documents_go_in_portions_that_hold_nobody_up() -> None:
    done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    small = [Addition(STORES, b"x", done)] * (MOST_TOGETHER + 1)
    large = [Addition(STORES, b"x" * (MOST_BYTES_TOGETHER // 2), done)] * 3
    assert [len(portion) for portion in portions(small)] == [MOST_TOGETHER, 1]
    assert [len(portion) for portion in portions(large)] == [2, 1]
    assert [len(portion) for portion in portions([Addition(STORES, b"x" * MOST_BYTES_TOGETHER * 2, done)])] == [1]
