"""Answers that were made from memories, tools and facts go when one of these is no longer what it was."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from answering import Answering
from builders import draft, rooms_on
from chats import Tenant, request
from conftest import execute
from redis.asyncio import Redis
from running import Memos, until
from tool_bodies import definition

from memos.errors import InvalidCommand, Unavailable
from memos.events.answers import ForgetAnswers
from memos.events.memories import DeleteMemory, MemoryChanges, StoreMemory, UpdateMemory
from memos.events.tools import DeregisterTool, RegisterTool
from memos.records import AnswerSource
from memos.stores.postgres import Pool

pytest_plugins = ["bus_fixtures", "chats_fixtures"]


async def remembered(tenant: Tenant, **fields: Any) -> str:
    """The id of a new memory."""
    stored = await tenant.send(StoreMemory(content=f"The sky is blue: {uuid4()}", **fields))
    return str(stored["memory_id"])


async def registered(tenant: Tenant, tool_id: str, **fields: Any) -> None:
    await tenant.send(RegisterTool(**definition(tool_id, **fields)))


async def test_an_answer_records_the_versions_that_its_sources_have(ours: Tenant) -> None:
    memory_id = await remembered(ours)
    await registered(ours, "weather")
    named = [f"memory:{memory_id.upper()}", "tool:weather", "fact:7", "fact:8@2", f"memory:{memory_id}@1"]
    versioned = [f"memory:{memory_id}@1", "tool:weather@1", "fact:7", "fact:8@2"]

    missed = await ours.look_up(request(), sources=named)
    await ours.store(request(), sources=missed["sources"])
    found = await ours.look_up(request(), sources=named)

    assert (missed["status"], missed["sources"]) == ("miss", versioned)
    assert (found["status"], found["sources"]) == ("hit", versioned)


async def test_an_answer_goes_when_a_memory_that_it_was_made_from_changes(ours: Tenant) -> None:
    memory_id = await remembered(ours)
    await ours.store(request(), sources=[f"memory:{memory_id}"])
    await ours.store(request(seed=1))
    assert await ours.statuses(request(), request(seed=1)) == ["hit", "hit"]

    await ours.send(UpdateMemory(memory_id=memory_id, changes=MemoryChanges(content="The sky is grey")))

    assert await ours.statuses(request(), request(seed=1)) == ["miss", "hit"]
    assert await ours.entries() == 1


async def test_an_answer_goes_when_a_memory_that_it_was_made_from_is_deleted(ours: Tenant) -> None:
    memory_id = await remembered(ours)
    await ours.store(request(), sources=["fact:1", f"memory:{memory_id}"])

    await ours.send(DeleteMemory(memory_id=memory_id))

    assert await ours.status(request()) == "miss"
    assert await ours.entries() == 0


async def test_an_answer_goes_when_a_tool_that_it_was_made_with_changes_or_is_removed(ours: Tenant) -> None:
    for number in (1, 2):
        await registered(ours, f"tool{number}")
        await ours.store(request(seed=number), sources=[f"tool:tool{number}"])

    await registered(ours, "tool1", description="Does something else")
    await ours.send(DeregisterTool(tool_id="tool2"))

    assert await ours.statuses(request(seed=1), request(seed=2)) == ["miss", "miss"]
    assert await ours.entries() == 0


async def test_an_answer_goes_with_a_memory_that_expires_though_nothing_tells_of_it(ours: Tenant) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    memory_id = await remembered(ours, expires_at=soon)
    await ours.store(request(), sources=[f"memory:{memory_id}@1"])

    async def gone() -> bool:
        return await ours.status(request()) == "miss"

    await until(gone)
    assert datetime.now(UTC) >= soon


async def test_an_answer_whose_source_was_changed_behind_the_back_of_memos_is_not_given(
    ours: Tenant, memos: Memos
) -> None:
    memory_id = await remembered(ours)
    await ours.store(request(), sources=[f"memory:{memory_id}"])
    assert await ours.status(request()) == "hit"

    assert memos.settings.postgres_dsn is not None
    await execute(
        memos.settings.postgres_dsn,
        f"update agent_memories set version = version + 1 where memory_id = '{memory_id}'",  # noqa: S608
    )

    found = await ours.look_up(request(), lease_seconds=60)
    assert (found["status"], found["lease"] is not None) == ("miss", True)
    assert await ours.entries() == 0


async def test_an_answer_from_what_changed_while_it_was_made_is_not_kept(ours: Tenant) -> None:
    memory_id = await remembered(ours)
    missed = await ours.look_up(request(), sources=[f"memory:{memory_id}"], lease_seconds=60)
    await ours.send(UpdateMemory(memory_id=memory_id, changes=MemoryChanges(content="The sky is grey")))

    stored = await ours.store(request(), sources=missed["sources"], lease=missed["lease"])

    assert stored["status"] == "not-stored"
    assert f"changed meanwhile: memory:{memory_id}@1" in stored["message"]
    assert await ours.status(request(), lease_seconds=60) == "miss"


async def test_the_sources_of_another_tenant_are_not_there(ours: Tenant, theirs: Tenant) -> None:
    memory_id = await remembered(ours)

    with pytest.raises(InvalidCommand, match=memory_id):
        await theirs.store(request(), sources=[f"memory:{memory_id}"])


async def test_answers_are_forgotten_by_what_they_were_made_from_at_whatever_version(ours: Tenant) -> None:
    memory_id = await remembered(ours)
    await ours.store(request(), sources=[f"memory:{memory_id}", "fact:7"])
    await ours.store(request(seed=1), sources=["fact:7"])
    await ours.store(request(seed=2))

    assert (await ours.send(ForgetAnswers(sources=[f"memory:{memory_id}@9"])))["forgotten"] == 1
    assert (await ours.send(ForgetAnswers(sources=["fact:7", "tool:none"])))["forgotten"] == 1
    assert await ours.statuses(request(), request(seed=1), request(seed=2)) == ["miss", "miss", "hit"]


class Away:
    """A ledger that does not answer."""

    async def versions(self, tenant: str, sources: Sequence[AnswerSource]) -> Mapping[AnswerSource, int]:
        raise Unavailable("The ledger does not answer.")


async def test_while_the_ledger_is_away_answers_without_sources_are_given_and_none_is_lost(
    redis: Redis, pool: Pool
) -> None:
    [memory] = await (await rooms_on(pool)).commit(draft())
    source = f"memory:{memory.memory_id}"
    cache = Answering(redis, pool)
    assert await cache.store("one") == "stored"
    assert await cache.store("two", sources=["fact:1"]) == "stored"
    assert await cache.store("three", sources=[source]) == "stored"

    assert [await cache.look_up(one, Away()) for one in ("one", "two", "three")] == ["hit", "hit", "miss"]
    assert await cache.store("four", Away(), sources=[source]) == "not-stored"

    assert [await cache.look_up(one) for one in ("one", "two", "three", "four")] == ["hit", "hit", "hit", "miss"]
