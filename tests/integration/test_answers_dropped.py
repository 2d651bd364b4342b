"""Cached answers go as soon as what they were made from changes, before anybody looks for them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from chats import Tenant, request
from running import until
from tool_bodies import definition

from memos.events.commands import Command
from memos.events.deletions import DeleteMemories
from memos.events.memories import DeleteMemory, MemoryChanges, StoreMemories, StoreMemory, UpdateMemory
from memos.events.tools import DeregisterTool, RegisterTool, RegisterTools

pytest_plugins = ["bus_fixtures", "chats_fixtures"]

CHANGES: Mapping[str, Callable[[Any], Command]] = {
    "changed": lambda one: UpdateMemory(memory_id=one, changes=MemoryChanges(content=f"Another: {one}")),
    "superseded": lambda one: StoreMemory(content=f"Newer: {one}", supersedes=[one]),
    "superseded in a batch": lambda one: StoreMemories(
        memories=[StoreMemory(content=f"Unlike: {one}"), StoreMemory(content=f"Newer: {one}", supersedes=[one])]
    ),
    "deleted": lambda one: DeleteMemory(memory_id=one),
    "deleted with others": lambda one: DeleteMemories(memory_ids=[one], dry_run=False),
}
TOOL_CHANGES: Mapping[str, Command] = {
    "registered anew": RegisterTool(**definition("clock", description="Does something else")),
    "registered in a batch": RegisterTools(
        tools=[RegisterTool(**definition("clock", description="Does something else"))]
    ),
    "removed": DeregisterTool(tool_id="clock"),
}


async def remembered(tenant: Tenant, **fields: Any) -> str:
    """The id of a new memory."""
    stored = await tenant.send(StoreMemory(content=f"The sky is blue: {uuid4()}", **fields))
    return str(stored["memory_id"])


@pytest.mark.parametrize("how", CHANGES)
async def test_the_answers_made_from_a_memory_go_when_it_is(ours: Tenant, theirs: Tenant, how: str) -> None:
    memory_id = await remembered(ours)
    await ours.store(request(), sources=[f"memory:{memory_id}", "fact:7"])
    await ours.store(request(seed=1), sources=["fact:7"])
    await theirs.store(request(), sources=["fact:7"])

    await ours.send(CHANGES[how](memory_id))

    assert (await ours.entries(), await theirs.entries()) == (1, 1)
    assert await ours.statuses(request(), request(seed=1)) == ["miss", "hit"]


@pytest.mark.parametrize("how", TOOL_CHANGES)
async def test_the_answers_made_with_a_tool_go_when_it_is(ours: Tenant, how: str) -> None:
    await ours.send(RegisterTool(**definition("clock")))
    await ours.store(request(), sources=["tool:clock"])
    await ours.send(RegisterTool(**definition("clock")))
    assert await ours.entries() == 1

    await ours.send(TOOL_CHANGES[how])

    assert await ours.entries() == 0


async def test_the_answers_made_from_a_memory_go_when_it_expires(ours: Tenant) -> None:
    memory_id = await remembered(ours, expires_at=datetime.now(UTC) + timedelta(seconds=1))
    await ours.store(request(), sources=[f"memory:{memory_id}@1"])

    async def gone() -> bool:
        return await ours.entries() == 0

    await until(gone)


async def test_a_deletion_says_how_many_answers_went(ours: Tenant) -> None:
    first, second = await remembered(ours), await remembered(ours)
    for seed in range(3):
        await ours.store(request(seed=seed), sources=[f"memory:{first}", f"memory:{second}"])

    foretold = await ours.send(DeleteMemories(memory_ids=[first]))
    assert await ours.entries() == 3
    deleted = await ours.send(DeleteMemory(memory_id=first))
    afterwards = await ours.send(DeleteMemories(memory_ids=[second], dry_run=False))

    counts = [
        [(one["name"], one["removed"]) for one in reply["stores"]] for reply in (foretold, deleted, afterwards)
    ]
    assert counts == [[("ledger", 1), ("vectors", 1), ("answers", number)] for number in (3, 3, 0)]
