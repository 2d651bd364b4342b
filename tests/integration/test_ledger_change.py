"""Changing and reading memories in the ledger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from builders import Rooms, change, count, draft, facts_in, origin

from memos.errors import Conflict, NotFound
from memos.records import Draft, Memory

pytest_plugins = ["rooms"]


@pytest.fixture
async def one(rooms: Rooms) -> Draft:
    """A private memory of ada, stored."""
    return await stored(rooms, importance=0.5, tags=["old"], expires_at=datetime(2998, 1, 1, tzinfo=UTC))


async def stored(rooms: Rooms, content: str = "the sky is blue", **fields: Any) -> Draft:
    one = draft(content, **fields)
    await rooms.memories.store([one])
    return one


async def test_a_change_makes_a_version_and_keeps_the_former_one(rooms: Rooms, one: Draft) -> None:
    before = await rooms.memories.get("default", "ada", one.memory_id)

    after = await rooms.memories.update(change(one.memory_id, content="the sky is grey", tags=["new"]))

    assert after == await rooms.memories.get("default", "ada", one.memory_id)
    assert after.updated_at > before.updated_at
    changed = {"content": "the sky is grey", "tags": ["new"], "version": 2, "updated_at": after.updated_at}
    assert after == before.model_copy(update=changed)
    former, present = await rooms.memories.history("default", "ada", one.memory_id)
    assert former.model_dump() == before.model_dump(include=set(type(former).model_fields))
    assert present.model_dump() == after.model_dump(include=set(type(present).model_fields))


async def test_every_change_is_a_fact(rooms: Rooms, one: Draft) -> None:
    await rooms.memories.update(change(one.memory_id, visibility="shared"))

    _, (kind, fact) = await facts_in(rooms.pool)

    assert kind == "memos.memory.updated.v1"
    assert fact.model_dump() == {
        "memory_id": one.memory_id,
        "version": 2,
        "agent_id": "ada",
        "visibility": "shared",
        "kind": "episodic",
        "session_id": None,
    }


async def test_a_new_text_has_a_vector_of_its_own_and_new_tags_have_none(rooms: Rooms, one: Draft) -> None:
    await rooms.memories.update(change(one.memory_id, tags=["new"]))
    assert await versions_embedded(rooms) == [1]

    await rooms.memories.update(change(one.memory_id, content="new"))

    assert await versions_embedded(rooms) == [1, 3]


async def versions_embedded(rooms: Rooms) -> list[int]:
    rows = await rooms.pool.fetch("select version from memory_embeddings order by version")
    return [version for (version,) in rows]


@pytest.mark.parametrize(
    "values", [{"importance": None}, {"expires_at": None}, {"tags": []}, {"metadata": {}}], ids=str
)
async def test_a_field_is_cleared_and_the_others_are_kept(rooms: Rooms, one: Draft, values: dict[str, Any]) -> None:
    before = await rooms.memories.get("default", "ada", one.memory_id)

    after = await rooms.memories.update(change(one.memory_id, **values))

    assert after == before.model_copy(update={**values, "version": 2, "updated_at": after.updated_at})


async def test_a_change_of_the_version_that_was_read_is_made_and_a_later_one_refused(
    rooms: Rooms, one: Draft
) -> None:
    await rooms.memories.update(change(one.memory_id, tags=["a"], expected_version=1))

    late = change(one.memory_id, tags=["b"], expected_version=1)
    with pytest.raises(Conflict, match="version 2, not 1"):
        await rooms.memories.update(late)

    assert (await rooms.memories.get("default", "ada", one.memory_id)).tags == ["a"]
    assert await count(rooms.pool, "memory_versions") == 1
    assert await rooms.memories.handled([late.origin.key]) == set()


async def test_a_repeated_change_returns_its_first_reply_and_is_made_once(rooms: Rooms, one: Draft) -> None:
    first = change(one.memory_id, tags=["a"], metadata={"n": 1}, importance=0.1)
    made = await rooms.memories.update(first)
    await rooms.memories.update(change(one.memory_id, tags=["b"]))

    again = await rooms.memories.update(first)

    assert again == made
    assert (await rooms.memories.get("default", "ada", one.memory_id)).version == 3


async def test_a_command_id_used_for_another_change_is_refused(rooms: Rooms, one: Draft) -> None:
    first = change(one.memory_id, tags=["a"])
    await rooms.memories.update(first)

    with pytest.raises(Conflict, match="used before with another body"):
        await rooms.memories.update(change(one.memory_id, tags=["b"], of=first.origin))
    with pytest.raises(Conflict, match="used before with another body"):
        await rooms.memories.delete(first.origin, b"d", "ada", one.memory_id)
    with pytest.raises(Conflict, match="used before with another body"):
        await rooms.memories.update(change(one.memory_id, tags=["b"], of=one.origin))


async def test_a_change_that_makes_a_memory_the_twin_of_another_is_refused(rooms: Rooms, one: Draft) -> None:
    other = await stored(rooms, "the sky is grey")
    refused = change(other.memory_id, content="the sky is blue")

    with pytest.raises(Conflict, match=str(other.memory_id)):
        await rooms.memories.update(refused)

    assert (await rooms.memories.get("default", "ada", other.memory_id)).version == 1
    assert await rooms.memories.handled([refused.origin.key]) == set()


async def test_a_change_takes_the_place_of_a_twin_that_has_expired(rooms: Rooms) -> None:
    expired = await stored(rooms, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    other = await stored(rooms, "the sky is grey")

    changed = await rooms.memories.update(change(other.memory_id, content="the sky is blue"))

    assert (changed.content, changed.version) == ("the sky is blue", 2)
    [buried] = [fact for kind, fact in await facts_in(rooms.pool) if kind == "memos.memory.deleted.v1"]
    assert buried.model_dump(include={"memory_id", "reason"}) == {
        "memory_id": expired.memory_id,
        "reason": "expired",
    }


async def test_a_private_memory_is_hidden_from_other_agents(rooms: Rooms, one: Draft) -> None:
    refused = change(one.memory_id, agent_id="bob", tags=["b"])

    assert await rooms.memories.visible("default", "bob", [one.memory_id]) == {}
    with pytest.raises(NotFound):
        await rooms.memories.get("default", "bob", one.memory_id)
    with pytest.raises(NotFound):
        await rooms.memories.history("default", "bob", one.memory_id)
    with pytest.raises(NotFound):
        await rooms.memories.update(refused)
    with pytest.raises(NotFound):
        await rooms.memories.delete(replace(refused.origin), b"d", "bob", one.memory_id)
    assert await rooms.memories.handled([refused.origin.key]) == set()
    assert (await rooms.memories.get("default", "ada", one.memory_id)).version == 1


async def test_a_shared_memory_is_read_changed_and_deleted_by_any_agent_of_its_tenant(rooms: Rooms) -> None:
    one = await stored(rooms, visibility="shared")

    changed = await rooms.memories.update(change(one.memory_id, agent_id="bob", tags=["b"]))
    assert (changed.agent_id, changed.tags) == ("ada", ["b"])
    assert len(await rooms.memories.history("default", "bob", one.memory_id)) == 2
    with pytest.raises(NotFound):
        await rooms.memories.get("other", "bob", one.memory_id)

    assert (await rooms.memories.delete(origin(), b"d", "bob", one.memory_id)).found


async def test_other_agents_see_of_the_history_what_was_shared(rooms: Rooms, one: Draft) -> None:
    await rooms.memories.update(change(one.memory_id, content="the launch code is 1234"))
    await rooms.memories.update(change(one.memory_id, content="the sky is grey", visibility="shared"))
    await rooms.memories.update(change(one.memory_id, visibility="private", tags=["secret"]))
    await rooms.memories.update(change(one.memory_id, visibility="shared", tags=[]))

    seen = await rooms.memories.history("default", "bob", one.memory_id)

    assert [(each.version, each.content, each.tags) for each in seen] == [
        (3, "the sky is grey", ["old"]),
        (5, "the sky is grey", []),
    ]
    assert len(await rooms.memories.history("default", "ada", one.memory_id)) == 5


async def test_what_has_expired_is_not_visible_and_cannot_be_changed(rooms: Rooms) -> None:
    one = await stored(rooms, expires_at=datetime.now(UTC) - timedelta(seconds=1))

    assert await rooms.memories.visible("default", "ada", [one.memory_id]) == {}
    with pytest.raises(NotFound):
        await rooms.memories.history("default", "ada", one.memory_id)
    with pytest.raises(NotFound):
        await rooms.memories.update(change(one.memory_id, expires_at=None))


async def test_what_is_not_there_is_not_found(rooms: Rooms) -> None:
    with pytest.raises(NotFound):
        await rooms.memories.get("default", "ada", uuid4())
    with pytest.raises(NotFound):
        await rooms.memories.update(change(uuid4(), tags=[]))


async def test_visible_are_those_of_many_that_the_agent_sees(rooms: Rooms, one: Draft) -> None:
    shared = await stored(rooms, "shared", agent_id="bob", visibility="shared")
    private = await stored(rooms, "private", agent_id="bob")

    found = await rooms.memories.visible("default", "ada", [one.memory_id, shared.memory_id, private.memory_id])

    assert found.keys() == {one.memory_id, shared.memory_id}
    assert all(isinstance(memory, Memory) for memory in found.values())


async def test_a_repeated_change_shows_nothing_of_a_memory_deleted_since(rooms: Rooms, one: Draft) -> None:
    first = change(one.memory_id, content="a secret")
    await rooms.memories.update(first)
    await rooms.memories.delete(origin(), b"digest", one.agent_id, one.memory_id)

    with pytest.raises(NotFound):
        await rooms.memories.update(first)
