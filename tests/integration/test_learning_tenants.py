"""Tenants teach each other nothing, whatever ids and names they share."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from running import Memos

from memos.client.bus import Bus, open_bus
from memos.errors import NotFound
from memos.events.commands import Command
from memos.events.context import RequestContext
from memos.events.learning import Lesson, ListLearnings, MemoryUse, RecordLearning, ToolUse
from memos.events.memories import GetMemory, StoreMemory
from memos.events.tools import RegisterTool

pytest_plugins = ["bus_fixtures"]

TASK = "Open the vault."


class Tenant:
    """A tenant's commands, all from one agent that both tenants have."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.name = f"tenant-{uuid4().hex[:8]}"

    async def send(self, command: Command, command_id: str | None = None) -> Any:
        return await self._bus.send(command, command_id or str(uuid4()), 20, self.name)

    async def learn(self, *lessons: str, command_id: str | None = None, **uses: Any) -> Any:
        """What is told of a task that is over."""
        said = [Lesson(content=lesson) for lesson in lessons]
        return await self.send(RecordLearning(task=TASK, outcome="success", lessons=said, **uses), command_id)


@pytest.fixture
async def tenants(memos: Memos) -> AsyncIterator[tuple[Tenant, Tenant]]:
    async with open_bus(memos.redis_url, "tests") as bus:
        yield Tenant(bus), Tenant(bus)


async def test_each_learns_for_itself(tenants: tuple[Tenant, Tenant]) -> None:
    one, other = tenants

    first = await one.learn("Turn it left.", command_id="same")
    second = await other.learn("Turn it left.", command_id="same")

    assert [reply["lessons"][0]["status"] for reply in (first, second)] == ["stored", "stored"]
    assert first["learning_id"] != second["learning_id"]
    assert first["lessons"][0]["memory_id"] != second["lessons"][0]["memory_id"]


async def test_nothing_of_one_is_in_the_contexts_and_lists_of_the_other(tenants: tuple[Tenant, Tenant]) -> None:
    one, other = tenants
    learned = await one.learn("Turn it left.")

    own, others = [await tenant.send(RequestContext(task=TASK)) for tenant in tenants]
    lists = [await tenant.send(ListLearnings()) for tenant in tenants]

    assert [len(found["lessons"]) for found in (own, others)] == [1, 0]
    assert (others["context"], others["missing"]) == ("", [])
    assert [found["count"] for found in lists] == [1, 0]
    with pytest.raises(NotFound):
        await other.send(ListLearnings(before=UUID(learned["learning_id"])))


async def test_what_the_other_has_is_not_known_and_stays_as_it_is(tenants: tuple[Tenant, Tenant]) -> None:
    one, other = tenants
    memory_id = UUID((await one.send(StoreMemory(content="The vault is old.", visibility="shared")))["memory_id"])
    tool = RegisterTool(tool_id="lever", name="Lever", description="lifts", endpoint_url="http://tools.test")
    await one.send(tool)

    uses: dict[str, Any] = {
        "memories": [MemoryUse(memory_id=memory_id, helped=False)],
        "tools": [ToolUse(tool_id="lever")],
    }
    learned = await other.learn("Do not.", **uses)
    [lesson] = (await one.learn("Do.", memories=[MemoryUse(memory_id=memory_id)]))["lessons"]
    flagged = Lesson(content="Never.", contradicts=[UUID(lesson["memory_id"])])
    await other.send(RecordLearning(task=TASK, outcome="failure", lessons=[flagged]))

    assert [learned[part][0]["code"] for part in ("memories", "tools")] == ["not-found", "not-found"]
    assert (await one.send(GetMemory(memory_id=memory_id)))["usefulness"] > 0
    assert (await one.send(RequestContext(task=TASK)))["lessons"][0]["contradicts"] == []
