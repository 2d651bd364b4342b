"""What equips agents, as methods: `client.loadouts`."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Unpack

from memos.client.options import EquipmentOptions
from memos.client.sending import Sender, build
from memos.events.equipment import EquipAgent, Equipment
from memos.events.loadouts import (
    MOST_LOADOUTS_LISTED,
    DeleteLoadout,
    DeleteLoadoutOutcome,
    GetLoadout,
    ListLoadouts,
    Loadout,
    LoadoutFound,
    LoadoutsListed,
    SaveLoadout,
    SaveLoadoutOutcome,
)


class Loadouts:
    """Keeps loadouts, and equips agents by them; `memos.client.loadout_files` reads them from YAML.

    Every method raises what those of `Client` do.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def save(
        self, loadout: Loadout | Mapping[str, Any], *, command_id: str | None = None
    ) -> SaveLoadoutOutcome:
        """Keep a loadout; it takes the place of the one that its name had before."""
        return await self._sender.send(build(SaveLoadout, loadout=loadout), SaveLoadoutOutcome, command_id)

    async def get(self, name: str) -> LoadoutFound:
        """One loadout as it is now. Raises `NotFound`."""
        return await self._sender.send(build(GetLoadout, name=name), LoadoutFound)

    async def list(self, *, after: str = "", limit: int = 100) -> LoadoutsListed:
        """A page of loadouts in the order of their names."""
        return await self._sender.send(build(ListLoadouts, after=after, limit=limit), LoadoutsListed)

    async def every(self) -> AsyncIterator[LoadoutFound]:
        """All loadouts in the order of their names, read page by page."""
        after: str | None = ""
        while after is not None:
            page = await self.list(after=after, limit=MOST_LOADOUTS_LISTED)
            for loadout in page.results:
                yield loadout
            after = page.next

    async def delete(self, name: str, *, command_id: str | None = None) -> DeleteLoadoutOutcome:
        """Forget a loadout; one that is not there is no error."""
        return await self._sender.send(build(DeleteLoadout, name=name), DeleteLoadoutOutcome, command_id)

    async def equip(self, loadout: str, *, task: str, **options: Unpack[EquipmentOptions]) -> Equipment:
        """All that a loadout equips an agent with for a task; `options` are the other fields of `EquipAgent`.

        Raises `NotFound` when there is no such loadout, or it lacks a tool that it must have, and `InvalidCommand`
        when its system prompt alone costs more than everything may.
        """
        return await self._sender.send(build(EquipAgent, loadout=loadout, task=task, **options), Equipment)
