"""An answer is given only to who names nothing that it is not known to be made from."""

from uuid import uuid4

import pytest
from answering import Answering
from chats import Tenant, request
from redis.asyncio import Redis

from memos.errors import InvalidCommand
from memos.events.memories import DeleteMemory, StoreMemory
from memos.stores.postgres import Pool

pytest_plugins = ["bus_fixtures", "chats_fixtures"]


async def remembered(tenant: Tenant) -> str:
    """A new memory as a source."""
    stored = await tenant.send(StoreMemory(content=f"The sky is blue: {uuid4()}"))
    return f"memory:{stored['memory_id']}"


async def delete(tenant: Tenant, source: str) -> None:
    await tenant.send(DeleteMemory(memory_id=source.removeprefix("memory:")))


async def test_who_names_a_memory_is_not_given_an_answer_made_without_it(ours: Tenant) -> None:
    memory = await remembered(ours)
    await ours.store(request())

    missed = await ours.look_up(request(), sources=[memory])
    await ours.store(request(), sources=missed["sources"])
    assert (missed["status"], missed["sources"]) == ("miss", [f"{memory}@1"])
    assert await ours.status(request(), sources=[memory]) == "hit"

    await delete(ours, memory)
    assert await ours.status(request()) == "miss"
    with pytest.raises(InvalidCommand, match="not there"):
        await ours.look_up(request(), sources=[memory])


async def test_what_askers_with_different_memories_share_goes_with_either(ours: Tenant) -> None:
    first, second = await remembered(ours), await remembered(ours)
    await ours.store(request(), sources=[first])
    assert await ours.status(request(), sources=[second]) == "miss"
    await ours.store(request(), sources=[second])
    assert [await ours.status(request(), sources=[one]) for one in (first, second)] == ["hit", "hit"]

    await delete(ours, first)

    assert await ours.status(request(), sources=[second]) == "miss"


async def test_refreshing_an_answer_without_its_memory_keeps_the_link(ours: Tenant) -> None:
    memory = await remembered(ours)
    await ours.store(request(), sources=[memory])
    refreshed = await ours.look_up(request(), refresh=True)
    await ours.store(request(), sources=refreshed["sources"])

    await delete(ours, memory)

    assert await ours.status(request()) == "miss"
    assert await ours.entries() == 0


async def test_a_fact_at_another_version_is_the_same_fact(ours: Tenant) -> None:
    await ours.store(request(), sources=["fact:hours@1"])

    assert await ours.status(request(), sources=["fact:hours"]) == "hit"
    assert await ours.status(request(), sources=["fact:hours@2"]) == "hit"
    assert await ours.status(request(), sources=["fact:hours", "fact:prices"]) == "miss"


async def test_an_answer_to_a_like_question_is_given_only_to_who_names_its_sources(
    redis: Redis, pool: Pool
) -> None:
    cache = Answering(redis, pool)
    await cache.store("How do I reset my password?", semantic=True, sources=["fact:1"])

    for named, status in ((["fact:1"], "semantic"), ([], "semantic"), (["fact:2"], "miss")):
        assert await cache.look_up("How do I reset my password? ", semantic=True, sources=named) == status
