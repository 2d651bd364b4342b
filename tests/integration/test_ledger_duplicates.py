"""Duplicates: one live memory for one text of one agent, session and place."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from builders import Rooms, draft, facts_in, origin, repeated, succeeded

from memos.errors import Conflict, Gone
from memos.records import Source, Stored

pytest_plugins = ["rooms"]


async def test_a_duplicate_that_is_sent_again_stays_a_duplicate_of_the_same_memory(rooms: Rooms) -> None:
    first = draft()
    twin = repeated(first, memory_id=uuid4())
    await rooms.commit(first, twin)

    [again] = await rooms.commit(twin)

    assert again == Stored(first.memory_id, 1, duplicate=True, replayed=True)
    assert (await rooms.memories.get("default", "ada", first.memory_id)).times_stored == 2


async def test_a_text_sent_by_many_at_once_makes_one_memory_and_is_counted(rooms: Rooms) -> None:
    drafts = [draft() for _ in range(20)]

    results = await asyncio.gather(*(rooms.commit(one) for one in drafts))

    [memory_id] = {result.memory_id for [result] in results}
    assert sorted(result.duplicate for [result] in results) == [False] + [True] * 19
    assert (await rooms.memories.get("default", "ada", memory_id)).times_stored == 20


async def test_the_same_text_again_is_the_first_memory_counted(rooms: Rooms) -> None:
    first = draft(metadata={"kept": True})
    await rooms.commit(first)

    again, within, new = await rooms.commit(repeated(first, memory_id=uuid4()), draft(), draft("other"))

    assert again == within == Stored(first.memory_id, 1, duplicate=True, replayed=False)
    assert not new.duplicate
    memory = await rooms.memories.get("default", "ada", first.memory_id)
    assert (memory.times_stored, memory.metadata) == (3, {"kept": True})
    assert len(await facts_in(rooms.pool)) == 2


async def test_of_one_text_many_times_in_a_batch_the_first_is_stored(rooms: Rooms) -> None:
    drafts = [draft() for _ in range(40)]

    stored = await rooms.commit(*drafts)

    assert [one.duplicate for one in stored] == [False] + [True] * 39
    assert {one.memory_id for one in stored} == {drafts[0].memory_id}


@pytest.mark.parametrize(
    "difference",
    [
        {"agent_id": "bob"},
        {"visibility": "shared"},
        {"session_id": "s"},
        {"source": Source(uri="file:///a.py")},
        {"source": Source(uri="file:///a.py", symbol="f")},
        {"source": Source(uri="file:///b.py", symbol="f")},
        {"content": "the sky is grey"},
        {"origin": origin(tenant="other")},
    ],
    ids=str,
)
async def test_what_differs_in_one_of_these_is_no_duplicate(rooms: Rooms, difference: dict[str, Any]) -> None:
    alike = [draft(), draft(source=Source(uri="file:///b.py")), draft(session_id="t")]
    new = replace(draft(), **difference)

    *_, stored = await rooms.commit(*alike, new)

    assert stored._replace(created_at=None, sequence=None) == Stored(
        new.memory_id, 1, duplicate=False, replayed=False
    )


@pytest.mark.parametrize(
    "difference",
    [{"source": Source(uri="a", line=2)}, {"metadata": {"a": 1}}, {"tags": ["x"]}, {"kind": "note"}],
    ids=str,
)
async def test_what_differs_in_one_of_these_is_a_duplicate(rooms: Rooms, difference: dict[str, Any]) -> None:
    first = draft(source=Source(uri="a", line=1))

    _, again = await rooms.commit(first, repeated(first, memory_id=uuid4(), **difference))

    assert again.duplicate


async def test_an_id_that_another_memory_has_is_refused(rooms: Rooms) -> None:
    one = draft()
    await rooms.commit(one)

    neighbour, refused = await rooms.memories.store([draft("n"), draft("other", memory_id=one.memory_id)])

    succeeded(neighbour)
    assert isinstance(refused, Conflict)
    assert str(one.memory_id) in refused.detail


async def test_two_texts_with_one_id_in_a_batch_store_the_first(rooms: Rooms) -> None:
    memory_id = uuid4()

    first, second = await rooms.memories.store([draft("a", memory_id=memory_id), draft("b", memory_id=memory_id)])

    assert succeeded(first).memory_id == memory_id
    assert isinstance(second, Conflict)


async def test_the_same_text_with_the_same_id_is_a_duplicate(rooms: Rooms) -> None:
    memory_id = uuid4()

    first, second = await rooms.commit(draft(memory_id=memory_id), draft(memory_id=memory_id))

    assert (first.duplicate, second.duplicate) == (False, True)
    assert second.memory_id == memory_id


async def test_an_id_that_was_deleted_is_gone(rooms: Rooms) -> None:
    one = draft()
    await rooms.commit(one)
    await rooms.memories.delete(origin(), b"d", "ada", one.memory_id)

    same, other = await rooms.memories.store([repeated(one), draft("other", memory_id=one.memory_id)])

    assert isinstance(same, Gone)
    assert isinstance(other, Gone)


async def test_an_id_that_has_expired_is_gone(rooms: Rooms) -> None:
    one = draft(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    await rooms.commit(one)

    same, other = await rooms.memories.store([repeated(one), draft("other", memory_id=one.memory_id)])

    assert isinstance(same, Gone)
    assert isinstance(other, Gone)


async def test_a_text_that_was_deleted_can_be_stored_anew(rooms: Rooms) -> None:
    one = draft()
    await rooms.commit(one)
    await rooms.memories.delete(origin(), b"d", "ada", one.memory_id)

    [anew] = await rooms.commit(draft())

    assert anew.memory_id != one.memory_id
    assert not anew.duplicate


async def test_a_text_that_has_expired_is_buried_and_stored_anew(rooms: Rooms) -> None:
    expired = draft(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    await rooms.commit(expired)
    new = draft()

    first, second = await rooms.commit(new, draft())

    assert first._replace(created_at=None) == Stored(new.memory_id, 1, duplicate=False, replayed=False)
    assert second == Stored(new.memory_id, 1, duplicate=True, replayed=False)
    [_, (kind, buried), _] = await facts_in(rooms.pool)
    assert kind == "memos.memory.deleted.v1"
    assert buried.model_dump() == {
        "memory_id": expired.memory_id,
        "version": 2,
        "agent_id": "ada",
        "reason": "expired",
    }
