"""Loadouts as they are kept are the loadouts that are read, and one that cannot be read is in nobody's way."""

import logging
from typing import Any

import pytest
from builders import origin
from outfits import Outfitter, outfitter_on
from redis.asyncio import Redis

from memos.errors import Conflict
from memos.events.loadouts import GetLoadout, ListLoadouts, Loadout
from memos.handlers.loadouts.keeping import get_loadout, list_loadouts
from memos.stores.postgres import Pool

BROKEN = {"name": "kit", "persona": "You are {agent}.", "retired": True}


@pytest.fixture
async def outfitter(pool: Pool, redis: Redis) -> Outfitter:
    return await outfitter_on(pool, redis)


@pytest.mark.parametrize(
    "fields",
    [
        {"model": {"name": "m", "options": {"big": 1e30, "less": -1e300, "small": 5e-324, "whole": 1.0}}},
        {"memories": [{"query": "q", "filter": {"metadata": {"x": 1e30}}}]},
        {"memories": [{"query": "q", "filter": {"metadata": {"x": {"gte": -1e30}, "y": [1e30, 2.0]}}}]},
    ],
)
async def test_what_can_be_saved_is_read_and_equips(outfitter: Outfitter, fields: dict[str, Any]) -> None:
    await outfitter.save(**fields)
    expected = Loadout.model_validate({"name": "kit", "persona": "You are {agent}.", **fields})

    found = await get_loadout(GetLoadout(name="kit"), origin=origin(), loadouts=outfitter.loadouts)
    listed = await list_loadouts(ListLoadouts(), origin=origin(), loadouts=outfitter.loadouts)

    assert repr(found.loadout) == repr(expected)
    assert listed.results == [found]
    assert (await outfitter.equip()).version == 1


async def test_a_loadout_that_cannot_be_read_is_refused_by_itself_alone(
    outfitter: Outfitter, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "kit", "z"):
        await outfitter.loadouts.save(
            origin(), b"", name, {**BROKEN, "name": name} if name == "kit" else {"name": name, "persona": "x"}
        )
    refused = r"^Loadout 'kit' was saved at version 1 .* Save it anew, or delete it\.$"

    with pytest.raises(Conflict, match=refused):
        await get_loadout(GetLoadout(name="kit"), origin=origin(), loadouts=outfitter.loadouts)
    with pytest.raises(Conflict, match=refused):
        await outfitter.equip()
    with caplog.at_level(logging.WARNING, logger="memos.handlers.loadouts.keeping"):
        listed = await list_loadouts(ListLoadouts(limit=2), origin=origin(), loadouts=outfitter.loadouts)

    assert ([one.name for one in listed.results], listed.count, listed.next) == (["a"], 1, "kit")
    assert "Loadout 'kit' was saved" in caplog.text
    await outfitter.save()
    assert (await outfitter.equip()).version == 2
