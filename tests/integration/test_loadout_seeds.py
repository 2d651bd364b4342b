"""Working values of loadouts, set in the session of an agent that is equipped."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from builders import origin
from outfits import Outfitter, outfitter_on
from redis.asyncio import Redis
from sessions import LIMITS, working_on

from memos.errors import NotFound, QuotaExceeded
from memos.records import SessionKey, ValueDraft
from memos.stores.postgres import Pool

SESSION = SessionKey("default", "ada", "s")
SEEDS: dict[str, Any] = {
    "values": {"goal": "{agent}: {task}", "plan": {"{task}": ["{task}", 1, None, {"by": "{agent}"}]}, "found": []}
}


@pytest.fixture
async def outfitter(pool: Pool, redis: Redis) -> Outfitter:
    return await outfitter_on(pool, redis)


async def values(outfitter: Outfitter, session: SessionKey = SESSION) -> dict[str, tuple[Any, int]]:
    """Value and version of every key."""
    return {one.key: (one.value, one.version) for one in await outfitter.working.page(session, "", "", 1000)}


async def put(outfitter: Outfitter, key: str, json: bytes) -> None:
    await outfitter.working.set(origin(), b"digest", SESSION, [ValueDraft(key, json)])


async def test_a_session_gets_the_values_with_the_task_and_the_agent_in_their_texts(outfitter: Outfitter) -> None:
    await outfitter.save(working=SEEDS)

    equipment = await outfitter.equip("find {agent}", session_id="s")

    assert (equipment.session_id, equipment.seeded) == ("s", ["goal", "plan", "found"])
    assert await values(outfitter) == {
        "found": ([], 1),
        "goal": ("ada: find {agent}", 1),
        "plan": ({"{task}": ["find {agent}", 1, None, {"by": "ada"}]}, 1),
    }


async def test_what_is_there_stays_and_the_rest_is_set(outfitter: Outfitter) -> None:
    await outfitter.save(working=SEEDS)
    await put(outfitter, "goal", b'"my own"')

    first, second = await outfitter.equip(session_id="s"), await outfitter.equip("another", session_id="s")

    assert (first.seeded, second.seeded) == (["plan", "found"], [])
    found = await values(outfitter)
    assert found["goal"] == ("my own", 1)
    assert found["plan"][0]["{task}"][0] == "find pages"


async def test_nothing_is_changed_without_a_session(outfitter: Outfitter) -> None:
    await outfitter.save(working={**SEEDS, "ttl": 60})

    equipment = await outfitter.equip()

    assert (equipment.session_id, equipment.seeded) == (None, [])
    assert await outfitter.working.sessions("default", "ada", "", 10) == []


async def test_a_loadout_without_values_begins_no_session(outfitter: Outfitter) -> None:
    await outfitter.save()

    assert (await outfitter.equip(session_id="s")).seeded == []

    assert await outfitter.working.sessions("default", "ada", "", 10) == []


async def test_a_session_that_is_begun_is_kept_as_the_loadout_says(outfitter: Outfitter) -> None:
    await outfitter.save(working={**SEEDS, "ttl": 60, "promote": "end"})

    await outfitter.equip(session_id="s")

    policy = (await outfitter.working.session(SESSION)).policy
    assert (policy.ttl, policy.promote, policy.window_messages) == (60, "end", 4)


async def test_a_session_that_has_begun_is_kept_as_it_was(outfitter: Outfitter) -> None:
    await outfitter.save(working={**SEEDS, "ttl": 60, "promote": "end"})
    await put(outfitter, "goal", b"1")

    await outfitter.equip(session_id="s")

    policy = (await outfitter.working.session(SESSION)).policy
    assert (policy.ttl, policy.promote) == (3600, "window")


async def test_agents_that_are_equipped_at_once_set_each_value_once(outfitter: Outfitter) -> None:
    await outfitter.save(working=SEEDS)

    equipped = await asyncio.gather(*(outfitter.equip(f"task {number}", session_id="s") for number in range(8)))

    assert sorted(key for one in equipped for key in one.seeded) == ["found", "goal", "plan"]
    assert {version for _, version in (await values(outfitter)).values()} == {1}


async def test_a_session_of_another_agent_or_tenant_gets_nothing(outfitter: Outfitter) -> None:
    await outfitter.save(working=SEEDS)

    await outfitter.equip(session_id="s")

    for other in (SESSION._replace(agent_id="bob"), SESSION._replace(tenant="acme")):
        assert await values(outfitter, other) == {}


async def test_an_agent_that_cannot_be_equipped_leaves_its_session_as_it_is(outfitter: Outfitter) -> None:
    await outfitter.save(working=SEEDS, tools=[{"id": "nowhere", "missing": "error"}])

    with pytest.raises(NotFound):
        await outfitter.equip(session_id="s")

    assert await values(outfitter) == {}


async def test_values_that_have_no_room_are_an_error(pool: Pool, redis: Redis) -> None:
    full = await outfitter_on(pool, redis)
    full = replace(full, working=working_on(redis, limits=LIMITS._replace(session_keys=1)))
    await full.save(working=SEEDS)

    with pytest.raises(QuotaExceeded):
        await full.equip(session_id="s")
