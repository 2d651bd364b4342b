"""Answers that were made from what changes are forgotten by whatever changes it."""

import logging
from uuid import UUID

import pytest
from builders import Rooms, origin
from noted import NotedAnswers
from toolbox import Toolbox

from memos.events.memories import MemoryChanges, StoreMemories, StoreMemory, UpdateMemory
from memos.events.tools import RegisterTool
from memos.handlers.memories.change import update_memory
from memos.handlers.memories.store import store_memories
from memos.records import AnswerSource

pytest_plugins = ["rooms"]

TOOL = {"tool_id": "clock", "name": "Clock", "endpoint_url": "http://127.0.0.1:9/clock"}


def memory_of(memory_id: UUID, tenant: str = "default") -> tuple[str, AnswerSource]:
    return tenant, AnswerSource("memory", str(memory_id))


async def update(rooms: Rooms, memory_id: UUID, content: str, tenant: str = "default") -> None:
    command = UpdateMemory(memory_id=memory_id, changes=MemoryChanges(content=content))
    await update_memory(command, origin=origin(tenant=tenant), **rooms.ports)


async def test_a_change_forgets_the_answers_made_from_the_memory_in_its_tenant_alone(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a", tenant="ada")
    assert rooms.answers.stale == []

    await update(rooms, memory_id, "b", tenant="ada")

    assert rooms.answers.stale == [memory_of(memory_id, "ada")]


async def test_a_store_forgets_the_answers_made_from_what_it_supersedes(rooms: Rooms) -> None:
    former, other = await rooms.remember("a"), await rooms.remember("b")

    await rooms.remember("c", supersedes=[former])
    batch = StoreMemories(memories=[StoreMemory(content="d"), StoreMemory(content="e", supersedes=[other])])
    await store_memories([batch], origins=[origin()], **rooms.storing)

    assert rooms.answers.stale == [memory_of(former), memory_of(other)]


async def test_a_store_that_is_refused_forgets_nothing(rooms: Rooms) -> None:
    [refused] = await rooms.store(StoreMemory(content="a", supersedes=[UUID(int=7)]))

    assert isinstance(refused, Exception)
    assert rooms.answers.stale == []


async def test_a_change_succeeds_when_the_cache_is_away_and_that_is_logged(
    rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    memory_id = await rooms.remember("a")
    rooms.answers.away = True

    with caplog.at_level(logging.WARNING):
        await update(rooms, memory_id, "b")

    assert (await rooms.memories.get("default", "default_agent", memory_id)).content == "b"
    assert "stay until they are found: The cache is away." in caplog.text


async def test_tools_that_change_or_go_forget_the_answers_made_from_them(rooms: Rooms) -> None:
    answers = NotedAnswers()
    toolbox = Toolbox(rooms.pool, answers=answers)
    clock = ("default", AnswerSource("tool", "clock"))

    await toolbox.register(RegisterTool(**TOOL, description="Tells the time."))
    answers.stale.clear()
    unchanged = await toolbox.register(RegisterTool(**TOOL, description="Tells the time."))
    assert (unchanged, answers.stale) == (["unchanged"], [])
    await toolbox.register(RegisterTool(**TOOL, description="Tells the time of day."))
    assert answers.stale == [clock]
    await toolbox.deregister("clock")
    assert answers.stale == [clock, clock]
