"""Deleting in the ledger: a tombstone stays, and wins over any store."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from builders import Rooms, draft, facts_in, origin, repeated

from memos.errors import Conflict, Gone, NotFound
from memos.records import Deleted, Draft, Stored

pytest_plugins = ["rooms"]


@pytest.fixture
async def one(rooms: Rooms) -> Draft:
    """A private memory of ada, stored."""
    return await stored(rooms, importance=0.5, tags=["old"], expires_at=datetime(2998, 1, 1, tzinfo=UTC))


async def stored(rooms: Rooms, content: str = "the sky is blue", **fields: Any) -> Draft:
    one = draft(content, **fields)
    await rooms.memories.store([one])
    return one


async def test_a_deleted_memory_is_seen_no_more_and_says_so_in_a_fact(rooms: Rooms, one: Draft) -> None:
    deleted = await rooms.memories.delete(origin(), b"d", "ada", one.memory_id)

    assert deleted == Deleted(one.memory_id, 2, found=True)
    with pytest.raises(NotFound):
        await rooms.memories.get("default", "ada", one.memory_id)
    _, (kind, fact) = await facts_in(rooms.pool)
    assert kind == "memos.memory.deleted.v1"
    assert fact.model_dump() == {
        "memory_id": one.memory_id,
        "version": 2,
        "agent_id": "ada",
        "reason": "requested",
    }


async def test_a_repeated_deletion_returns_its_first_reply(rooms: Rooms, one: Draft) -> None:
    sender = origin()
    first = await rooms.memories.delete(sender, b"d", "ada", one.memory_id)

    assert await rooms.memories.delete(sender, b"d", "ada", one.memory_id) == first
    with pytest.raises(Conflict):
        await rooms.memories.delete(sender, b"other", "ada", one.memory_id)


async def test_deleting_what_was_deleted_finds_nothing_and_changes_nothing(rooms: Rooms, one: Draft) -> None:
    await rooms.memories.delete(origin(), b"d", "ada", one.memory_id)

    again = await rooms.memories.delete(origin(), b"d", "ada", one.memory_id)

    assert again == Deleted(one.memory_id, 2, found=False)
    assert len(await facts_in(rooms.pool)) == 2


async def test_deleting_what_has_expired_finds_nothing_and_buries_it(rooms: Rooms) -> None:
    one = await stored(rooms, expires_at=datetime.now(UTC) - timedelta(seconds=1))

    deleted = await rooms.memories.delete(origin(), b"d", "ada", one.memory_id)

    assert deleted == Deleted(one.memory_id, 2, found=False)
    _, (_, fact) = await facts_in(rooms.pool)
    assert fact.model_dump()["reason"] == "expired"


async def test_a_deletion_that_comes_before_its_store_wins(rooms: Rooms) -> None:
    late = draft()
    deleted = await rooms.memories.delete(origin(), b"d", "ada", late.memory_id)

    [outcome] = await rooms.memories.store([late])

    assert deleted == Deleted(late.memory_id, 1, found=False)
    assert isinstance(outcome, Gone)
    [(kind, _)] = await facts_in(rooms.pool)
    assert kind == "memos.memory.deleted.v1"
    assert await rooms.memories.visible("default", "ada", [late.memory_id]) == {}


async def test_many_deletions_before_their_stores_do_not_hinder_each_other(rooms: Rooms) -> None:
    for _ in range(3):
        assert not (await rooms.memories.delete(origin(), b"d", "ada", uuid4())).found


async def test_a_store_sent_again_after_its_memory_was_deleted_returns_its_first_reply(
    rooms: Rooms, one: Draft
) -> None:
    await rooms.memories.delete(origin(), b"d", "ada", one.memory_id)

    replay, anew = await rooms.memories.store([one, repeated(one)])

    assert replay == Stored(one.memory_id, 1, duplicate=False, replayed=True)
    assert isinstance(anew, Gone)
    assert await rooms.memories.visible("default", "ada", [one.memory_id]) == {}
