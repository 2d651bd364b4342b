"""A context of which a part is late, away or not there: the rest comes, and what is missing is named."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from builders import COLLECTION
from contexts import Desk, assert_adds_up, desk_on
from edge_process import EdgeServer
from redis.asyncio import Redis
from sessions import working_on
from tasks_left import own_tasks
from toolbox import tool

from memos.client.redis import open_redis
from memos.errors import EmbeddingRefused
from memos.events.context import TaskContext
from memos.records import KeptMessage, SessionKey, Vector
from memos.stores.edge import open_edge
from memos.stores.postgres import Pool

IN_TIME = 20_000
"""Milliseconds in which everything is there that comes at all."""


class Held:
    """Tools, an embedder, or working memory that never answer; they tell that they were asked, and given up."""

    model, dimension = "words", 64

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.given_up = 0

    async def of(self, tenant: str) -> None:
        await self._answer()

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        await self._answer()
        return []

    async def messages(self, session: SessionKey, **which: int) -> list[KeptMessage]:
        await self._answer()
        return []

    async def _answer(self) -> None:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise


class Broken:
    """Tools, or an embedder, that raise what they are told to."""

    model, dimension = "words", 64

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def of(self, tenant: str) -> None:
        raise self._error

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        raise self._error


@pytest.fixture
async def desk(pool: Pool, redis: Redis) -> Desk:
    made = await desk_on(pool, redis)
    await made.outfitter.register(tool("web.search", "finds pages"))
    await made.learn("Ask the index first.")
    await made.remember("Pages are in the attic.")
    await made.say("Where are the pages?")
    return made


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[EdgeServer]:
    """An Edge process of the test's own, which is let go on in the end."""
    server = EdgeServer(tmp_path)
    server.start()
    yield server
    if server.running:
        server.send(signal.SIGCONT)
        server.stop()


def missing(context: TaskContext) -> list[tuple[str, str]]:
    return [(one.section, one.reason) for one in context.missing]


def present(context: TaskContext) -> set[str]:
    """The sections in which there is something."""
    sections = {"lessons": context.lessons, "memories": context.memories, "tools": context.tools}
    at_hand = {"working"} if context.working and context.working.messages else set()
    return {section for section, some in sections.items() if some} | at_hand


async def test_what_is_late_is_named_and_given_up_and_the_rest_comes(desk: Desk) -> None:
    held, before = Held(), own_tasks()

    context = await desk.context(session_id="s", ports={"catalogs": held}, deadline_ms=2000)

    assert missing(context) == [("tools", "late")]
    assert present(context) == {"lessons", "memories", "working"}
    assert set(context.section_ms) == {"lessons", "memories", "working", "tools"}
    assert held.given_up == 1
    assert own_tasks() <= before
    assert_adds_up(context)


async def test_a_reading_that_is_late_is_given_up_once_for_all_that_wait_for_it(desk: Desk) -> None:
    held, before = Held(), own_tasks()

    context = await desk.context(ports={"embedder": held}, deadline_ms=1)

    assert missing(context) == [("lessons", "late"), ("memories", "late"), ("tools", "late")]
    assert held.given_up <= 1
    assert own_tasks() <= before
    assert (context.context, context.tokens.total) == ("", 0)


async def test_a_context_that_nobody_waits_for_any_more_leaves_nothing_behind(desk: Desk) -> None:
    held, before = Held(), own_tasks()
    asking = asyncio.create_task(desk.context(session_id="s", ports={"embedder": held}, deadline_ms=IN_TIME))
    await held.asked.wait()

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert held.given_up == 1
    assert own_tasks() <= before


async def test_what_nobody_foresaw_is_raised_as_it_is_and_the_rest_is_given_up(desk: Desk) -> None:
    held, before = Held(), own_tasks()
    ports: dict[str, Any] = {"catalogs": Broken(ZeroDivisionError("division by zero")), "working": held}

    with pytest.raises(ZeroDivisionError):
        await desk.context(session_id="s", ports=ports, deadline_ms=IN_TIME)

    assert held.given_up == 1
    assert own_tasks() <= before


async def test_what_an_engine_refuses_has_failed(desk: Desk) -> None:
    ports = {"embedder": Broken(EmbeddingRefused("The model reads no such text."))}

    context = await desk.context(session_id="s", ports=ports, deadline_ms=IN_TIME)

    assert missing(context) == [("lessons", "failed"), ("memories", "failed"), ("tools", "failed")]
    assert {one.detail for one in context.missing} == {"The model reads no such text."}
    assert present(context) == {"working"}


async def test_without_the_vector_engine_tools_and_working_memory_come(desk: Desk, edge: EdgeServer) -> None:
    async with open_edge(edge.socket, COLLECTION) as vectors:
        edge.stop(signal.SIGKILL)

        context = await desk.context(session_id="s", ports={"vectors": vectors}, deadline_ms=IN_TIME)

    assert missing(context) == [("lessons", "away"), ("memories", "away")]
    assert all("Qdrant Edge" in one.detail for one in context.missing)
    assert present(context) == {"working", "tools"}
    assert_adds_up(context)


async def test_a_vector_engine_that_hangs_is_not_waited_for_and_serves_on_afterwards(
    desk: Desk, edge: EdgeServer
) -> None:
    async with open_edge(edge.socket, COLLECTION) as vectors:
        edge.send(signal.SIGSTOP)
        context = await desk.context(session_id="s", ports={"vectors": vectors}, deadline_ms=2000)
        edge.send(signal.SIGCONT)
        later = await desk.context(session_id="s", ports={"vectors": vectors}, deadline_ms=IN_TIME)

    assert missing(context) == [("lessons", "late"), ("memories", "late")]
    assert present(context) == {"working", "tools"}
    assert missing(later) == []


async def test_without_the_ledger_working_memory_comes(desk: Desk, pool: Pool) -> None:
    await desk.outfitter.save()
    await pool.close()

    context = await desk.context(session_id="s", loadout="kit", deadline_ms=IN_TIME)

    assert missing(context) == [(one, "away") for one in ("lessons", "memories", "tools", "loadout")]
    assert present(context) == {"working"}
    assert context.system_prompt == ""


async def test_without_redis_all_but_working_memory_comes(desk: Desk) -> None:
    async with open_redis("redis://127.0.0.1:1", retries=0) as nobody:
        ports = {"working": working_on(nobody)}
        context = await desk.context(session_id="s", ports=ports, deadline_ms=IN_TIME)

    assert missing(context) == [("working", "away")]
    assert context.working is None
    assert present(context) == {"lessons", "memories", "tools"}


async def test_a_loadout_that_is_not_there_is_named_and_the_rest_comes(desk: Desk) -> None:
    context = await desk.context(session_id="s", loadout="kit", deadline_ms=IN_TIME)

    assert missing(context) == [("loadout", "not_found")]
    assert "kit" in context.missing[0].detail
    assert present(context) == {"lessons", "memories", "working", "tools"}
    assert (context.system_prompt, context.model) == ("", None)


async def test_a_tool_that_a_loadout_must_not_lack_is_named_and_the_discovered_ones_come(desk: Desk) -> None:
    await desk.outfitter.save(missing_tools="error", tools=[{"id": "nowhere"}], memories=[{"query": "attic"}])

    context = await desk.context(loadout="kit", deadline_ms=IN_TIME)

    assert missing(context) == [("tools", "not_found")]
    assert context.missing[0].detail.startswith("Of what loadout kit chooses: ")
    assert [one.tool_id for one in context.tools] == ["web.search"]
    assert context.system_prompt == "You are ada."


async def test_a_task_that_is_too_long_for_a_choice_of_the_loadout_fails_that_choice_alone(desk: Desk) -> None:
    await desk.outfitter.save(memories=[{"query": "What is known of {task}?"}])

    context = await desk.context("pages " + "x" * 15_990, loadout="kit", deadline_ms=IN_TIME)

    assert missing(context) == [("memories", "failed")]
    assert "Shorten the task." in context.missing[0].detail
    assert present(context) == {"lessons", "memories", "tools"}
