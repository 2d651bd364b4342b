"""Storing in the ledger: one effect for each command."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from builders import Rooms, count, draft, facts_in, origin, succeeded

from memos.errors import Conflict
from memos.records import Memory, RecordKey, Source, Stored, TextKey

pytest_plugins = ["rooms"]


async def test_a_memory_is_read_back_as_it_was_stored(rooms: Rooms) -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    one = draft(
        "snow ☃ falls",
        visibility="shared",
        kind="note",
        metadata={"deep": {"list": [1, 2.5, None, "x"]}},
        tags=["b", "a"],
        importance=0.25,
        source=Source(uri="file:///a.py", symbol="A.b", line=7),
        session_id="s",
        sequence=3,
        occurred_at=noon,
        expires_at=datetime(2998, 1, 1, tzinfo=UTC),
    )

    [stored] = await rooms.commit(one)

    assert stored._replace(created_at=None) == Stored(one.memory_id, 1, duplicate=False, replayed=False, sequence=3)
    memory = await rooms.memories.get("default", "ada", one.memory_id)
    assert memory.created_at == memory.updated_at == stored.created_at
    assert memory == Memory(
        memory_id=one.memory_id,
        agent_id="ada",
        visibility="shared",
        kind="note",
        content="snow ☃ falls",
        metadata={"deep": {"list": [1, 2.5, None, "x"]}},
        tags=["b", "a"],
        importance=0.25,
        source=Source(uri="file:///a.py", symbol="A.b", line=7),
        session_id="s",
        sequence=3,
        occurred_at=noon,
        created_at=memory.created_at,
        updated_at=memory.updated_at,
        expires_at=datetime(2998, 1, 1, tzinfo=UTC),
        version=1,
        times_stored=1,
    )


async def test_many_drafts_get_their_results_in_order(rooms: Rooms) -> None:
    drafts = [draft(f"memory {number}") for number in range(300)]

    stored = await rooms.commit(*drafts)

    assert [one.memory_id for one in stored] == [one.memory_id for one in drafts]
    assert await count(rooms.pool, "agent_memories") == 300
    assert await count(rooms.pool, "memory_embeddings") == 300
    assert [fact.memory_id for _, fact in await facts_in(rooms.pool)] == [  # type: ignore[attr-defined]
        one.memory_id for one in drafts
    ]


async def test_nothing_to_store_is_stored(rooms: Rooms) -> None:
    assert await rooms.memories.store([]) == []


async def test_a_repeated_command_returns_its_first_result_and_has_no_second_effect(rooms: Rooms) -> None:
    one = draft(session_id="s")
    [first] = await rooms.commit(one)

    [again] = await rooms.commit(one)

    assert again == first._replace(replayed=True, created_at=None, sequence=None)
    memory = await rooms.memories.get("default", "ada", one.memory_id)
    assert (memory.times_stored, memory.version, memory.sequence) == (1, 1, 0)
    assert await count(rooms.pool, "agent_memories") == 1
    assert len(await facts_in(rooms.pool)) == 1


async def test_a_repeated_command_needs_no_vector(rooms: Rooms) -> None:
    one = draft()
    await rooms.commit(one)
    assert await rooms.memories.handled([one.origin.key, origin().key]) == {one.origin.key}

    [again] = await rooms.commit(replace(one, embedding=None))

    assert again.replayed


async def test_a_command_id_used_for_another_body_is_refused_and_its_neighbours_are_not(rooms: Rooms) -> None:
    one = draft()
    await rooms.commit(one)
    other = draft("another body", of=one.origin)

    [alone] = await rooms.memories.store([other])
    before, among, after = await rooms.memories.store([draft("left"), other, draft("right")])

    assert isinstance(alone, Conflict)
    assert isinstance(among, Conflict)
    assert one.origin.command_id in among.detail
    succeeded(before)
    succeeded(after)
    assert await count(rooms.pool, "agent_memories") == 3


async def test_one_command_twice_in_a_batch_is_stored_once(rooms: Rooms) -> None:
    one = draft()

    first, second, other = await rooms.memories.store([one, one, draft("another body", of=one.origin)])

    assert second == succeeded(first)._replace(replayed=True, created_at=None)
    assert isinstance(other, Conflict)
    assert await count(rooms.pool, "agent_memories") == 1


async def test_a_refused_command_twice_in_a_batch_is_refused_twice(rooms: Rooms) -> None:
    taken = draft()
    await rooms.commit(taken)
    refused = draft("other", memory_id=taken.memory_id)

    results = await rooms.memories.store([refused, refused])

    assert [type(result) for result in results] == [Conflict, Conflict]
    assert await rooms.memories.handled([refused.origin.key]) == set()


async def test_a_command_sent_by_many_at_once_makes_one_memory(rooms: Rooms) -> None:
    one = draft()

    results = await asyncio.gather(*(rooms.commit(one) for _ in range(20)))

    stored = [result for [result] in results]
    assert {result.memory_id for result in stored} == {one.memory_id}
    assert sorted(result.replayed for result in stored) == [False] + [True] * 19
    assert await count(rooms.pool, "agent_memories") == 1
    assert (await rooms.memories.get("default", "ada", one.memory_id)).times_stored == 1


async def test_tenants_share_nothing(rooms: Rooms) -> None:
    ours, memory_id = origin(command_id="same"), uuid4()
    mine = draft("mine", of=ours, memory_id=memory_id)
    theirs = draft("theirs", of=replace(ours, tenant="other"), memory_id=memory_id)
    twin = draft("mine", of=origin(tenant="other"))

    stored = await rooms.commit(mine, theirs, twin)

    assert [one.duplicate or one.replayed for one in stored] == [False] * 3
    assert (await rooms.memories.get("default", "ada", memory_id)).content == "mine"
    assert (await rooms.memories.get("other", "ada", memory_id)).content == "theirs"
    assert await rooms.memories.visible("default", "ada", [twin.memory_id]) == {}
    assert await rooms.projections.behind_among([RecordKey("third", memory_id)]) == set()


async def test_vectors_computed_before_are_known_to_their_own_tenant_and_model(rooms: Rooms) -> None:
    computed, supplied = draft("computed"), draft("supplied")
    assert supplied.embedding
    await rooms.commit(computed, replace(supplied, embedding=replace(supplied.embedding, computed=False)))
    keys = [
        TextKey("default", computed.content_hash),
        TextKey("default", supplied.content_hash),
        TextKey("other", computed.content_hash),
    ]

    known = await rooms.memories.known_vectors("words", keys)

    assert known.keys() == {keys[0]}
    assert computed.embedding
    assert known[keys[0]] == pytest.approx(computed.embedding.vector)
    assert await rooms.memories.known_vectors("another model", keys) == {}


async def test_nothing_is_asked_about_nothing(rooms: Rooms) -> None:
    assert await rooms.memories.handled([]) == set()
    assert await rooms.memories.known_vectors("words", []) == {}
    assert await rooms.memories.visible("default", "ada", []) == {}
