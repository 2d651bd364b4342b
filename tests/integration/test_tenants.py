"""Two tenants on one bus never learn of each other, whichever way they ask."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from running import Memos, until

from memos.client.bus import Bus, open_bus
from memos.errors import NotFound
from memos.events.commands import Command
from memos.events.memories import (
    DeleteMemory,
    GetHistory,
    GetMemory,
    IngestBatch,
    IngestItem,
    MemoryChanges,
    QueryMemory,
    StoreMemories,
    StoreMemory,
    UpdateMemory,
)
from memos.records import Source

pytest_plugins = ["bus_fixtures"]

TEXT = "The vault opens at nine."


class Tenant:
    """A tenant's commands, all from one agent that both tenants have."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.name = f"tenant-{uuid4().hex[:8]}"

    async def send(self, command: Command, command_id: str | None = None) -> Any:
        return await self._bus.send(command, command_id or str(uuid4()), 20, self.name)

    async def store(self, content: str = TEXT, **fields: Any) -> str:
        """The id of a memory that all of the tenant's agents see."""
        reply = await self.send(StoreMemory(content=content, visibility="shared", **fields))
        return str(reply["memory_id"])

    async def found(self, query: str = TEXT, **fields: Any) -> list[str]:
        """The ids of all that the tenant finds."""
        reply = await self.send(QueryMemory(query=query, top_k=1000, **fields))
        return [memory["memory_id"] for memory in reply["memories"]["results"]]

    async def has(self, number: int) -> bool:
        """Whether so many memories are found; more never may be."""
        found = len(await self.found("number"))
        assert found <= number
        return found == number


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


async def test_a_query_finds_its_own_tenants_memories_alone(ours: Tenant, theirs: Tenant) -> None:
    mine, other = await ours.store(), await theirs.store()
    assert await ours.found() == [mine]
    assert await theirs.found() == [other]


async def test_what_another_tenant_ingested_is_not_found(ours: Tenant, theirs: Tenant) -> None:
    item = IngestItem(content=TEXT, source=Source(uri="a.py"))
    [outcome] = (await ours.send(IngestBatch(items=[item])))["results"]
    assert await ours.found(filter={"source": "a.py"}) == [outcome["memory_id"]]
    assert await theirs.found(filter={"source": "a.py"}) == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda memory_id: GetMemory(memory_id=memory_id),
        lambda memory_id: GetHistory(memory_id=memory_id),
        lambda memory_id: UpdateMemory(memory_id=memory_id, changes=MemoryChanges(content="Ours now.")),
    ],
)
async def test_another_tenants_memory_is_not_found_by_its_id(ours: Tenant, theirs: Tenant, ask: Any) -> None:
    memory_id = await theirs.store()
    with pytest.raises(NotFound):
        await ours.send(ask(memory_id))
    assert (await theirs.send(GetMemory(memory_id=memory_id)))["version"] == 1


async def test_deleting_another_tenants_id_leaves_its_memory(ours: Tenant, theirs: Tenant) -> None:
    memory_id = await theirs.store()
    assert (await ours.send(DeleteMemory(memory_id=memory_id)))["status"] == "absent"
    assert await theirs.found() == [memory_id]
    assert (await theirs.send(GetMemory(memory_id=memory_id)))["content"] == TEXT


async def test_one_text_of_two_tenants_is_no_duplicate(ours: Tenant, theirs: Tenant) -> None:
    await ours.store()
    reply = await theirs.send(StoreMemory(content=TEXT, visibility="shared"))
    assert reply["status"] == "stored"


async def test_one_command_id_of_two_tenants_is_two_commands(ours: Tenant, theirs: Tenant) -> None:
    first = await ours.send(StoreMemory(content="Ours."), "7")
    second = await theirs.send(StoreMemory(content="Theirs."), "7")
    again = await ours.send(StoreMemory(content="Ours."), "7")
    assert (second["status"], again) == ("stored", first)
    assert first["memory_id"] != second["memory_id"]


async def test_one_memory_id_of_two_tenants_is_two_memories(ours: Tenant, theirs: Tenant) -> None:
    memory_id = str(uuid4())
    await ours.store("Ours.", id=memory_id)
    await theirs.store("Theirs.", id=memory_id)
    for tenant, text in ((ours, "Ours."), (theirs, "Theirs.")):
        assert (await tenant.send(GetMemory(memory_id=memory_id)))["content"] == text
        assert await tenant.found() == [memory_id]
    await ours.send(DeleteMemory(memory_id=memory_id))
    assert await ours.found() == []
    assert await theirs.found() == [memory_id]


async def test_a_batch_belongs_to_the_tenant_of_its_envelope(ours: Tenant, theirs: Tenant) -> None:
    batch = StoreMemories(memories=[StoreMemory(content=f"{n}", visibility="shared") for n in range(3)])
    results = (await ours.send(batch))["results"]
    assert sorted(await ours.found("1")) == sorted(result["memory_id"] for result in results)
    assert await theirs.found("1") == []


async def test_commands_of_two_tenants_that_queue_together_stay_apart(
    ours: Tenant, theirs: Tenant, bus: Bus
) -> None:
    """They are handled as one batch."""
    sent = [
        bus.post(StoreMemory(content=f"{n}", visibility="shared"), f"{n}", tenant.name)
        for n in range(10)
        for tenant in (ours, theirs)
    ]
    for each in sent:
        await each
    for tenant in (ours, theirs):
        await until(partial(tenant.has, 10))
    assert not set(await ours.found("number")) & set(await theirs.found("number"))
