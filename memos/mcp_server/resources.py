"""Resources: loadouts and memories, as JSON."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

from mcp_types import Resource, ResourceTemplate
from pydantic_core import to_json

from memos.client.tool_http import excerpt
from memos.errors import MemosError, NotFound
from memos.events.facts import MemoryStored
from memos.mcp_server.agent import Agent
from memos.mcp_server.memories import MemoryShown, shown
from memos.records import Fact

log = logging.getLogger(__name__)

JSON = "application/json"
ROOT = "memos://"
LOADOUTS = f"{ROOT}loadouts"
MEMORIES = f"{ROOT}memories"
RECENT = f"{MEMORIES}/recent"

STORED = "memos.memory.stored.v1"
MOST_RECENT = 20
WINDOW = 200
MOST_WINDOWS = 10
"""How many positions of the log are read at once, and how often: the newest 2,000 things that happened."""

TEMPLATES = (
    ResourceTemplate(
        name="loadout",
        title="Loadout",
        uri_template=f"{LOADOUTS}/{{name}}",
        description="A loadout by its name: what equips an agent.",
        mime_type=JSON,
    ),
    ResourceTemplate(
        name="memory",
        title="Memory",
        uri_template=f"{MEMORIES}/{{id}}",
        description="A memory by its id.",
        mime_type=JSON,
    ),
)

LISTED = (
    Resource(
        name="loadouts",
        title="Loadouts",
        uri=LOADOUTS,
        description="The names of all loadouts, and what they are for.",
        mime_type=JSON,
    ),
    Resource(
        name="recent-memories",
        title="Recent memories",
        uri=RECENT,
        description=f"The newest {MOST_RECENT} memories that the agent may see, without passages of documents.",
        mime_type=JSON,
    ),
)


async def listed(agent: Agent) -> list[Resource]:
    """What can be picked: the lists, and each loadout. While memOS is away, the lists alone."""
    try:
        page = await agent.client.loadouts.list()
    except MemosError as error:
        log.warning("Loadouts cannot be listed: %s", error)
        return [*LISTED]
    loadouts = [
        Resource(
            name=f"loadout-{found.name}",
            title=f"Loadout {found.name}",
            uri=f"{LOADOUTS}/{found.name}",
            description=found.loadout.description,
            mime_type=JSON,
        )
        for found in page.results
    ]
    return [*LISTED, *loadouts]


async def read(agent: Agent, uri: str) -> str:
    """The JSON of a resource. Raises `NotFound` when there is none, and what the SDK raises."""
    match [unquote(step) for step in uri.removeprefix(ROOT).split("/")] if uri.startswith(ROOT) else []:
        case ["loadouts"]:
            return _json({"loadouts": [one async for one in _loadouts(agent)]})
        case ["loadouts", name]:
            return _json(await agent.client.loadouts.get(name))
        case ["memories", "recent"]:
            return _json({"memories": await recent(agent)})
        case ["memories", memory_id]:
            return _json(await agent.client.get(memory_id, agent_id=agent.agent_id))
    known = ", ".join([*(one.uri for one in LISTED), *(one.uri_template for one in TEMPLATES)])
    raise NotFound(f"There is no resource {excerpt(uri)}. There are {known}.")


async def recent(agent: Agent) -> list[MemoryShown]:
    """The newest memories, newest first, by what the log of facts says was stored."""
    found: list[MemoryShown] = []
    async for stored in _stored(agent):
        found += filter(None, await asyncio.gather(*(_seen(agent, fact) for fact in stored)))
        if len(found) >= MOST_RECENT:
            break
    return found[:MOST_RECENT]


async def _stored(agent: Agent) -> AsyncIterator[list[Fact]]:
    """What was stored and may be seen, newest first, some at a time."""
    end = (await agent.client.facts(limit=1)).newest
    for _ in range(MOST_WINDOWS):
        begin = max(end - WINDOW, 0)
        page = await agent.client.facts(after=begin, limit=WINDOW, types=[STORED])
        seen = [fact for fact in reversed(page.facts) if fact.position <= end and _may_see(agent, fact)]
        for first in range(0, len(seen), MOST_RECENT):
            yield seen[first : first + MOST_RECENT]
        end = begin
        if end == 0:
            return


def _may_see(agent: Agent, fact: Fact) -> bool:
    told = MemoryStored.model_validate(fact.data)
    return told.visibility == "shared" or told.agent_id == agent.agent_id


async def _seen(agent: Agent, fact: Fact) -> MemoryShown | None:
    """The memory of a fact, unless it is gone by now or a passage of a document."""
    try:
        memory = await agent.client.get(fact.record_id, agent_id=agent.agent_id)
    except NotFound:
        return None
    return None if memory.document else shown(memory)


async def _loadouts(agent: Agent) -> AsyncIterator[dict[str, Any]]:
    async for found in agent.client.loadouts.every():
        yield {"name": found.name, "description": found.loadout.description, "version": found.version}


def _json(data: Any) -> str:
    return to_json(data, indent=2).decode()
