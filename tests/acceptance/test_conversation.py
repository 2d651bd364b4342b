"""What the society does with its memory: agents over the bus, a service over HTTP, a person at a terminal."""

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from running import Memos, command

from memos.client import Client, connect
from memos.errors import Conflict

pytest_plugins = ["bus_fixtures"]


@pytest.fixture
async def orchestrator(memos: Memos) -> AsyncIterator[Client]:
    async with connect(memos.redis_url, source="orchestrator") as client:
        yield client


@pytest.fixture
async def cortex(memos: Memos) -> AsyncIterator[Client]:
    async with connect(memos.redis_url, source="cortex") as client:
        yield client


async def test_what_one_agent_learned_another_is_told_before_its_task(
    orchestrator: Client, cortex: Client, agent: str
) -> None:
    learned = await cortex.store(
        f"Deploying {agent} fails unless the cache is warmed first.",
        agent_id=f"cortex-{agent}",
        visibility="shared",
        tags=["lesson"],
    )
    await cortex.store(f"Scratch notes on {agent}.", agent_id=f"cortex-{agent}")

    context = await orchestrator.query(
        f"what must I know before I deploy {agent}?", agent_id=f"orchestrator-{agent}", filter={"tags": ["lesson"]}
    )

    assert [memory.memory_id for memory in context.memories.results][:1] == [learned.memory_id]


async def test_a_session_is_remembered_in_its_order(cortex: Client, agent: str) -> None:
    turns = ["Good morning.", "What is on my list?", "Tea, and a new kettle.", "Order both."]
    for turn in turns:
        await cortex.store(turn, agent_id=agent, session_id="monday")

    found = await cortex.query("list", agent_id=agent, top_k=10, filter={"session_id": "monday"})

    in_order = sorted(found.memories.results, key=lambda memory: memory.sequence or 0)
    assert [memory.content for memory in in_order] == turns
    assert len({memory.sequence for memory in in_order}) == len(turns)


async def test_a_memory_is_one_whichever_way_it_is_reached(
    memos: Memos, http: httpx.AsyncClient, cortex: Client, agent: str
) -> None:
    stored = await http.post("/memory/store", json={"content": f"Kettle of {agent}.", "agent_id": agent})
    memory_id = stored.json()["memory_id"]
    await cortex.update(memory_id, agent_id=agent, content=f"Teapot of {agent}.")
    ended = await command("query", "teapot", "--agent", agent, "-k", "1", "--json", MEMOS_REDIS_URL=memos.redis_url)

    [found] = json.loads(ended.output)["memories"]["results"]
    assert (found["memory_id"], found["content"]) == (memory_id, f"Teapot of {agent}.")
    assert (await http.delete(f"/memory/{memory_id}", params={"agent_id": agent})).status_code == 200
    again = await cortex.query("teapot", agent_id=agent, filter={"visibility": "private"})
    assert again.memories.results == []


async def test_two_agents_that_change_one_memory_do_not_overwrite_each_other(
    orchestrator: Client, cortex: Client, agent: str
) -> None:
    memory_id = (await cortex.store("Counter: 0", agent_id=agent)).memory_id

    async def count(client: Client) -> None:
        for _ in range(5):
            while True:
                memory = await client.get(memory_id, agent_id=agent)
                number = int(memory.content.split()[1]) + 1
                try:
                    await client.update(
                        memory_id, agent_id=agent, content=f"Counter: {number}", expected_version=memory.version
                    )
                except Conflict:
                    continue
                break

    await asyncio.gather(count(orchestrator), count(cortex))
    assert (await cortex.get(memory_id, agent_id=agent)).content == "Counter: 10"
    assert len((await cortex.history(memory_id, agent_id=agent)).versions) == 11


async def test_a_command_sent_again_and_again_by_many_is_done_once(memos: Memos, agent: str) -> None:
    command_id = str(uuid4())

    async def send() -> str:
        async with connect(memos.redis_url, source="retrying") as client:
            return str((await client.store("Once.", agent_id=agent, command_id=command_id)).memory_id)

    ids = await asyncio.gather(*(send() for _ in range(8)))
    assert len(set(ids)) == 1
    async with connect(memos.redis_url) as client:
        assert (await client.get(ids[0], agent_id=agent)).times_stored == 1


async def test_many_agents_at_once_each_find_their_own(http: httpx.AsyncClient, cortex: Client, agent: str) -> None:
    names = [f"{agent}-{number}" for number in range(20)]
    await asyncio.gather(*(cortex.store(f"I am {name}.", agent_id=name) for name in names))
    found = await asyncio.gather(
        *(cortex.query("who am I?", agent_id=name, filter={"visibility": "private"}) for name in names)
    )
    assert [[memory.content for memory in each.memories.results] for each in found] == [
        [f"I am {name}."] for name in names
    ]
