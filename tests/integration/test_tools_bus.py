"""Tools over the bus: written by any program that speaks to Redis, and kept apart by tenant."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from lanes import Wire
from running import Memos
from tool_bodies import definition

from memos.client.bus import Bus, open_bus
from memos.client.redis import open_redis
from memos.errors import NotFound
from memos.events.commands import Command
from memos.events.envelope import FIELD
from memos.events.streams import STREAM_OF
from memos.events.tools import (
    DeregisterTool,
    DiscoverTools,
    GetTool,
    ListTools,
    RegisterTool,
    RegisterTools,
    ToolOutcome,
)

pytest_plugins = ["bus_fixtures"]


class Tenant:
    """A tenant's commands on tools."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.name = f"tenant-{uuid4().hex[:8]}"

    async def send(self, command: Command, command_id: str | None = None) -> Any:
        return await self._bus.send(command, command_id or str(uuid4()), 20, self.name)

    async def register(self, tool_id: str, command_id: str | None = None, **fields: Any) -> Any:
        return await self.send(RegisterTool(**definition(tool_id, **fields)), command_id)

    async def listed(self, **fields: Any) -> list[str]:
        """The ids of all tools that the tenant has."""
        return [tool["tool_id"] for tool in (await self.send(ListTools(**fields)))["results"]]

    async def found(self, query: str) -> list[str]:
        """The ids of all tools that the tenant finds."""
        reply = await self.send(DiscoverTools(query=query, top_k=100))
        return [tool["tool_id"] for tool in reply["results"]]


@pytest.fixture(scope="session")
async def tray(memos: Memos) -> AsyncIterator[Wire]:
    """The streams of the memOS that all tests share, with an inbox of these tests' own."""
    async with open_redis(memos.redis_url) as redis:
        yield Wire(redis, inbox=f"memos:reply:{uuid4()}")


@pytest.fixture
async def bus(memos: Memos) -> AsyncIterator[Bus]:
    async with open_bus(memos.redis_url, "tests") as opened:
        yield opened


@pytest.fixture
def ours(bus: Bus) -> Tenant:
    return Tenant(bus)


@pytest.fixture
def theirs(bus: Bus) -> Tenant:
    return Tenant(bus)


def entry(command: type[Command], data: Any, tray: Wire, tenant: str, **attributes: Any) -> dict[str, Any]:
    """A command as any program would write it."""
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "a-shell",
        "type": STREAM_OF[command].event_type,
        "tenant": tenant,
        "replyto": tray.inbox,
        "data": data,
        **attributes,
    }


async def test_a_tool_is_registered_by_an_entry_that_any_language_can_write(tray: Wire, ours: Tenant) -> None:
    document = (
        f'{{"specversion":"1.0","id":"1","source":"a-shell","type":"memos.tool-register.v1","tenant":"{ours.name}",'
        f'"replyto":"{tray.inbox}","data":{{"tool_id":"meteo","name":"Météo ☀","description":"Dit le temps.",'
        '"endpoint_url":"http://tools.test/meteo"}}'
    )
    await tray.redis.xadd("memos:tool-register", {FIELD: document})

    reply = await tray.reply()

    assert (reply.type, reply.correlationid) == ("memos.tool-register.reply.v1", "1")
    assert (reply.data["tool_id"], reply.data["status"], reply.data["version"]) == ("meteo", "registered", 1)
    assert (await ours.send(GetTool(tool_id="meteo")))["name"] == "Météo ☀"


async def test_entries_of_one_command_have_one_effect_and_one_answer(tray: Wire, ours: Tenant) -> None:
    stream = STREAM_OF[RegisterTool]
    document = json.dumps(entry(RegisterTool, definition("weather"), tray, ours.name))
    async with tray.redis.pipeline(transaction=True) as together:
        for _ in range(5):
            together.xadd(stream.name, {FIELD: document})
        await together.execute()

    replies = await tray.replies(5)

    assert all(reply.data == replies[0].data for reply in replies)
    assert (replies[0].data["status"], replies[0].data["version"]) == ("registered", 1)


async def test_among_many_entries_a_bad_tool_fails_alone(tray: Wire, ours: Tenant) -> None:
    stream = STREAM_OF[RegisterTool]
    documents = [entry(RegisterTool, definition(f"t{number}"), tray, ours.name) for number in range(20)]
    documents[7]["data"]["request_schema"] = {"type": "objekt"}
    async with tray.redis.pipeline(transaction=True) as together:
        for document in documents:
            together.xadd(stream.name, {FIELD: json.dumps(document)})
        await together.execute()

    replies = {reply.correlationid: reply.data for reply in await tray.replies(20)}

    statuses = [replies[document["id"]]["status"] for document in documents]
    assert statuses == [422 if number == 7 else "registered" for number in range(20)]
    assert len(await ours.listed()) == 19


async def test_a_batch_travels_on_the_bulk_lane_and_is_answered_by_tool(tray: Wire, ours: Tenant) -> None:
    tools = [definition("a"), definition("b"), definition("a", name="Another")]
    await tray.put(STREAM_OF[RegisterTools], entry(RegisterTools, {"tools": tools}, tray, ours.name))

    reply = await tray.reply()

    told = [(one["tool_id"], one["status"], one["version"]) for one in reply.data["results"]]
    assert told == [("a", "registered", 1), ("b", "registered", 1), ("a", "updated", 2)]


async def test_an_outcome_that_nobody_waits_for_is_counted(tray: Wire, ours: Tenant) -> None:
    await ours.register("weather")
    stream = STREAM_OF[ToolOutcome]
    told = {"tool_id": "weather", "success": True, "task": "Will it rain?"}
    await tray.put(stream, {**entry(ToolOutcome, told, tray, ours.name), "replyto": None})

    await tray.nothing_left(stream)

    assert (await ours.send(GetTool(tool_id="weather")))["statistics"]["successes"] == 1


async def test_an_outcome_of_a_tool_that_is_not_there_is_told_its_sender(tray: Wire, ours: Tenant) -> None:
    told = {"tool_id": "nobody", "success": True}
    await tray.put(STREAM_OF[ToolOutcome], entry(ToolOutcome, told, tray, ours.name))
    assert (await tray.reply()).data["code"] == "not-found"


async def test_one_tool_id_of_two_tenants_is_two_tools(ours: Tenant, theirs: Tenant) -> None:
    await asyncio.gather(ours.register("weather", name="Ours"), theirs.register("weather", name="Theirs"))
    await ours.send(ToolOutcome(tool_id="weather", success=False, error="503"))

    mine, other = await ours.send(GetTool(tool_id="weather")), await theirs.send(GetTool(tool_id="weather"))
    assert (mine["name"], other["name"]) == ("Ours", "Theirs")
    assert (mine["statistics"]["outcomes"], other["statistics"]["outcomes"]) == (1, 0)

    await ours.send(DeregisterTool(tool_id="weather"))
    assert (await ours.listed(), await theirs.listed()) == ([], ["weather"])
    assert (await ours.found("weather"), await theirs.found("weather")) == ([], ["weather"])


async def test_another_tenants_tool_is_neither_read_nor_found_nor_reported_nor_removed(
    ours: Tenant, theirs: Tenant
) -> None:
    await theirs.register("weather")

    for command in (GetTool(tool_id="weather"), ToolOutcome(tool_id="weather", success=True)):
        with pytest.raises(NotFound):
            await ours.send(command)
    assert await ours.found("Tells the weather in a city") == []
    assert (await ours.send(DeregisterTool(tool_id="weather")))["status"] == "absent"
    assert (await theirs.send(GetTool(tool_id="weather")))["statistics"]["outcomes"] == 0


async def test_one_command_id_of_two_tenants_is_two_commands(ours: Tenant, theirs: Tenant) -> None:
    first = await ours.register("a", "7")
    second = await theirs.register("b", "7")

    assert (second["status"], await ours.register("a", "7")) == ("registered", first)
    assert (await ours.listed(), await theirs.listed()) == (["a"], ["b"])
