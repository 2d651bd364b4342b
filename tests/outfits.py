"""Agents equipped on a real ledger, from its loadouts, tools and memories."""

from dataclasses import dataclass
from typing import Any

from builders import Rooms, origin, rooms_on
from redis.asyncio import Redis
from sessions import working_on
from toolbox import Toolbox

from memos.events.equipment import EquipAgent, Equipment
from memos.events.loadouts import Loadout, SaveLoadout
from memos.events.tools import RegisterTool
from memos.handlers.loadouts.equip import equip_agent
from memos.handlers.loadouts.keeping import save_loadout
from memos.ports import Working
from memos.stores.loadouts import PostgresLoadouts
from memos.stores.postgres import Pool


@dataclass(frozen=True)
class Outfitter:
    """Loadouts, tools and memories of one ledger, as one worker serves them."""

    loadouts: PostgresLoadouts
    toolbox: Toolbox
    rooms: Rooms
    working: Working

    async def register(self, *definitions: RegisterTool, tenant: str = "default") -> None:
        """Make tools known."""
        await self.toolbox.register(*definitions, tenant=tenant)

    async def save(self, *, tenant: str = "default", **fields: Any) -> None:
        """Save the loadout `kit`, with a persona unless told otherwise."""
        loadout = Loadout.model_validate({"name": "kit", "persona": "You are {agent}.", **fields})
        await save_loadout(SaveLoadout(loadout=loadout), origin=origin(tenant=tenant), loadouts=self.loadouts)

    async def equip(self, task: str = "find pages", *, tenant: str = "default", **fields: Any) -> Equipment:
        """Equip the agent ada by the loadout `kit`, unless told otherwise."""
        command = EquipAgent(**{"loadout": "kit", "agent_id": "ada", "task": task, **fields})
        return await equip_agent(
            command,
            origin=origin(tenant=tenant),
            loadouts=self.loadouts,
            tools=self.toolbox.tools,
            catalogs=self.toolbox.catalogs,
            memories=self.rooms.memories,
            vectors=self.rooms.vectors,
            projections=self.rooms.projections,
            embedder=self.rooms.embedder,
            reranker=self.rooms.reranker,
            working=self.working,
        )


async def outfitter_on(pool: Pool, redis: Redis) -> Outfitter:
    """What equips agents on an empty, migrated ledger, and an empty Redis."""
    return Outfitter(PostgresLoadouts(pool), Toolbox(pool), await rooms_on(pool), working_on(redis))
