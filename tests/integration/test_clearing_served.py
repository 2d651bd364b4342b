"""Working memory of a whole memOS that becomes memories, facts and summaries."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from chat_server import ChatServer, chat_server
from conftest import Engines
from running import served, until

from memos.client import Client, connect
from memos.events.memories import RecalledMemory

pytest_plugins = ["bus_fixtures"]


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[ChatServer]:
    async with chat_server() as running:
        yield running


@pytest.fixture(scope="module")
async def summarising(engines: Engines, template: str, server: ChatServer) -> AsyncIterator[Client]:
    """The SDK of a memOS with a language model, on a database of Redis that no other test uses."""
    kept: dict[str, Any] = {"working_window_messages": 4, "working_promote": "window"}
    told = {"llm_url": server.url, "llm_model": "teller", **kept}
    async with served(engines, template, "7", **told) as memos, connect(memos.url) as client:
        yield client


async def facts_of(client: Client, agent: str) -> list[tuple[str, Any]]:
    """Type and data of the facts of working memory that tell of an agent."""
    found: list[tuple[str, Any]] = []
    position, more = 0, True
    while more:
        page = await client.facts(after=position, limit=1000)
        found += [(one.type, one.data) for one in page.facts if one.data.get("agent_id") == agent]
        position, more = page.position, page.more
    return [one for one in found if one[0].startswith(("memos.working.", "memos.session."))]


async def own_memories(client: Client, agent: str, query: str) -> list[RecalledMemory]:
    """What an agent recalls of its own; those that others share may be in the same memOS."""
    found = await client.query(query, agent_id=agent, filter={"agent_id": agent})
    return found.memories.results


async def test_a_session_that_ends_is_recalled_and_told_of(client: Client, agent: str) -> None:
    await client.working.configure("s", agent_id=agent, promote="end")
    await client.working.say("s", "The roses get water on Fridays.", name="Ines", agent_id=agent)
    await client.working.set("s", "brief", 1, ttl=1, agent_id=agent)
    await client.working.set("s", "lasting", 1, agent_id=agent)

    async def told() -> bool:
        return bool(await facts_of(client, agent))

    await until(told)
    await client.working.end("s", agent_id=agent)

    async def recalled() -> bool:
        return bool(await own_memories(client, agent, "When do the roses get water?"))

    await until(recalled)

    async def ended() -> bool:
        return len(await facts_of(client, agent)) > 1

    await until(ended)
    [memory] = await own_memories(client, agent, "roses")
    assert (memory.session_id, memory.sequence, memory.metadata["speaker"]) == ("s", 1, "Ines")
    expired, over = await facts_of(client, agent)
    assert (expired[0], expired[1]["key"]) == ("memos.working.expired.v1", "brief")
    assert (over[0], over[1]["reason"], over[1]["messages"]) == ("memos.session.ended.v1", "requested", 1)


async def test_a_session_is_promoted_when_asked(client: Client, agent: str) -> None:
    appended = await client.working.say("s", "a", agent_id=agent)

    first, again = [await client.working.promote("s", agent_id=agent) for _ in range(2)]

    assert [one.memory_id for one in first.results] == appended.message_ids
    assert (first.count, again.count, again.results) == (1, 0, first.results)
    assert (await client.get(appended.message_ids[0], agent_id=agent)).content == "a"


async def test_an_agent_is_equipped_with_a_session(client: Client, agent: str) -> None:
    name = f"k{uuid4().hex}"
    await client.loadouts.save({"name": name, "working": {"values": {"goal": "{task}"}}})

    first, again = [
        await client.loadouts.equip(name, task="plant roses", agent_id=agent, session_id="s") for _ in range(2)
    ]

    assert (first.seeded, again.seeded) == (["goal"], [])
    assert (await client.working.get("s", "goal", agent_id=agent)).value == "plant roses"


async def test_what_leaves_a_log_is_summarised_by_the_model_of_the_settings(summarising: Client) -> None:
    said = [f"message {number}" for number in range(1, 11)]
    appended = await summarising.working.say_many("s", [{"content": one} for one in said])

    async def summarised() -> bool:
        return (await summarising.working.read("s")).summary is not None

    await until(summarised)
    session = await summarising.working.read("s")
    assert session.summary is not None
    assert (session.summary.text, session.summary.through) == ("; ".join(said[:6]), 6)
    assert session.summary.message_ids == appended.message_ids[:6]
    assert [one.content for one in session.messages] == said[6:]
    assert (await summarising.get(appended.message_ids[0])).content == said[0]
