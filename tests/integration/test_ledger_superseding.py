"""A memory takes the place of others: openly, once, and for good."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from builders import Rooms, change, count, draft, facts_in, origin, repeated, statuses, succeeded

from memos.errors import Conflict, MemosError, NotFound
from memos.events.memories import StoreMemories, StoreMemory, StoreOutcome
from memos.handlers.memories.store import store_memories
from memos.projection.reconciler import Reconciler
from memos.records import Draft, Memory, RecordKey

pytest_plugins = ["rooms"]


@pytest.fixture
async def paris(rooms: Rooms) -> UUID:
    return await rooms.remember("ada lives in paris", agent_id="ada")


def berlin(*supersedes: UUID, **fields: Any) -> Draft:
    return draft("ada lives in berlin", supersedes=supersedes, **fields)


async def refused(rooms: Rooms, one: Draft) -> MemosError:
    """The error that a draft is refused with, of which the ledger then has no trace."""
    commands, facts = await count(rooms.pool, "commands"), await count(rooms.pool, "facts")
    [outcome] = await rooms.memories.store([one])
    assert isinstance(outcome, MemosError)
    assert (await count(rooms.pool, "commands"), await count(rooms.pool, "facts")) == (commands, facts)
    assert one.memory_id not in await rooms.memories.visible("default", "ada", [one.memory_id])
    return outcome


async def read(rooms: Rooms, memory_id: UUID) -> Memory:
    return await rooms.memories.get("default", "ada", memory_id)


async def test_what_is_superseded_is_no_answer_any_more_but_can_be_read(rooms: Rooms, paris: UUID) -> None:
    newer = await rooms.remember("ada lives in berlin", agent_id="ada", supersedes=[paris])

    assert await rooms.recalled("where ada lives", agent_id="ada") == ["ada lives in berlin"]
    memory, newest = await read(rooms, paris), await read(rooms, newer)
    assert (memory.superseded_by, memory.superseded_at, memory.version) == (newer, newest.created_at, 2)
    assert (newest.superseded_by, newest.superseded_at, newest.version) == (None, None, 1)


async def test_the_point_of_what_is_superseded_is_made_anew_at_once(rooms: Rooms, paris: UUID) -> None:
    await rooms.remember("ada lives in berlin", agent_id="ada", supersedes=[paris])

    record = RecordKey("default", paris)
    assert (await rooms.vectors.present([record]))[record].key.version == 2
    assert await rooms.projections.behind() == 0


async def test_the_point_is_made_anew_later_when_the_engine_was_away(rooms: Rooms, paris: UUID) -> None:
    rooms.vectors.away = True
    command = StoreMemory(content="ada lives in berlin", agent_id="ada", supersedes=[paris])
    assert statuses(await rooms.store(command)) == ["accepted"]
    rooms.vectors.away = False

    await Reconciler(vectors=rooms.vectors, projections=rooms.projections).reconcile()

    record = RecordKey("default", paris)
    assert (await rooms.vectors.present([record]))[record].key.version == 2


async def test_a_fact_tells_of_it(rooms: Rooms, paris: UUID) -> None:
    one = berlin(paris)
    await rooms.commit(one)

    _, (stored, _), (kind, fact) = await facts_in(rooms.pool)
    assert (stored, kind) == ("memos.memory.stored.v1", "memos.memory.superseded.v1")
    assert fact.model_dump() == {
        "memory_id": paris,
        "version": 2,
        "agent_id": "ada",
        "visibility": "private",
        "kind": "episodic",
        "session_id": None,
        "superseded_by": one.memory_id,
    }


async def test_the_newer_one_holds_from_when_it_occurred(rooms: Rooms, paris: UUID) -> None:
    moved = datetime(2020, 5, 1, tzinfo=UTC)
    await rooms.commit(berlin(paris, occurred_at=moved))

    assert (await read(rooms, paris)).superseded_at == moved


async def test_the_history_shows_since_when_and_by_what(rooms: Rooms, paris: UUID) -> None:
    [newer] = await rooms.commit(berlin(paris))

    first, second = await rooms.memories.history("default", "ada", paris)
    assert (first.version, first.superseded_by, first.superseded_at) == (1, None, None)
    assert (second.version, second.superseded_by, second.superseded_at) == (2, newer.memory_id, newer.created_at)
    assert first.content == second.content


async def test_many_are_superseded_at_once_and_each_once(rooms: Rooms) -> None:
    old = [await rooms.remember(f"plan {number}", agent_id="ada") for number in range(5)]

    [newer] = await rooms.commit(berlin(*old, *old))

    found = await rooms.memories.visible("default", "ada", old, superseded=True)
    assert {(one.superseded_by, one.version) for one in found.values()} == {(newer.memory_id, 2)}
    assert await rooms.memories.visible("default", "ada", old) == {}


async def test_a_command_sent_again_supersedes_nothing_twice(rooms: Rooms, paris: UUID) -> None:
    one = berlin(paris)
    await rooms.commit(one)

    again, within = await rooms.commit(one, repeated(one))

    assert (again.replayed, within.duplicate) == (True, True)
    assert (await read(rooms, paris)).version == 2
    assert await count(rooms.pool, "facts where type = 'memos.memory.superseded.v1'") == 1


async def test_a_duplicate_supersedes_what_the_first_did_not(rooms: Rooms, paris: UUID) -> None:
    [first] = await rooms.commit(berlin())

    [again] = await rooms.commit(berlin(paris))

    assert again.duplicate
    assert (await read(rooms, paris)).superseded_by == first.memory_id


@pytest.mark.parametrize("whose", ["nobody's", "another agent's", "another tenant's", "deleted", "expired"])
async def test_what_an_agent_does_not_see_it_cannot_supersede(rooms: Rooms, whose: str) -> None:
    other = {
        "nobody's": draft("x"),
        "another agent's": draft("x", agent_id="bob"),
        "another tenant's": draft("x", of=origin(tenant="other")),
        "deleted": draft("x"),
        "expired": draft("x", expires_at=datetime.now(UTC) - timedelta(seconds=1)),
    }[whose]
    if whose != "nobody's":
        await rooms.commit(other)
    if whose == "deleted":
        await rooms.memories.delete(origin(), b"d", "ada", other.memory_id)

    error = await refused(rooms, berlin(other.memory_id))

    assert isinstance(error, NotFound)
    assert str(other.memory_id) in error.detail


async def test_one_that_cannot_supersede_all_supersedes_none_and_refuses_nothing_else(
    rooms: Rooms, paris: UUID
) -> None:
    bad, good = berlin(paris, uuid4()), draft("tea")

    refusal, stored = await rooms.memories.store([bad, good])

    assert isinstance(refusal, NotFound)
    assert not succeeded(stored).duplicate
    assert (await read(rooms, paris)).superseded_by is None


async def test_a_refused_command_is_handled_when_it_is_sent_again(rooms: Rooms) -> None:
    late = draft("ada lives in paris")
    one = berlin(late.memory_id)
    assert isinstance(await refused(rooms, one), NotFound)

    await rooms.commit(late, one)

    assert (await read(rooms, late.memory_id)).superseded_by == one.memory_id


async def test_a_memory_cannot_supersede_itself(rooms: Rooms, paris: UUID) -> None:
    one = draft(memory_id=UUID(int=7), supersedes=[UUID(int=7)])
    assert isinstance(await refused(rooms, one), Conflict)
    same = draft("ada lives in paris", supersedes=[paris])
    assert "cannot supersede itself" in (await refused(rooms, same)).detail


async def test_the_second_of_two_corrections_is_told_of_the_first(rooms: Rooms, paris: UUID) -> None:
    [first] = await rooms.commit(berlin(paris))
    [second] = await rooms.commit(draft("ada lives in rome", supersedes=[first.memory_id]))

    error = await refused(rooms, draft("ada lives in oslo", supersedes=[paris]))

    assert isinstance(error, Conflict)
    assert f"superseded already, at last by memory {second.memory_id}" in error.detail


async def test_one_that_names_the_newest_too_knows_of_the_correction(rooms: Rooms, paris: UUID) -> None:
    [first] = await rooms.commit(berlin(paris))

    [second] = await rooms.commit(draft("ada lives in rome", supersedes=[paris, first.memory_id]))

    assert (await read(rooms, paris)).superseded_by == first.memory_id
    assert (await read(rooms, first.memory_id)).superseded_by == second.memory_id


async def test_of_two_corrections_at_once_one_is_a_conflict(rooms: Rooms, paris: UUID) -> None:
    drafts = [draft(f"ada lives in city {number}", supersedes=[paris]) for number in range(4)]

    outcomes = [outcome for [outcome] in await asyncio.gather(*(rooms.memories.store([one]) for one in drafts))]

    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True, True, True]
    assert (await read(rooms, paris)).version == 2


async def test_many_that_supersede_one_another_at_once_make_no_circle(rooms: Rooms) -> None:
    await rooms.commit(one := draft("one"), two := draft("two"))
    crossed = [repeated(one, supersedes=[two.memory_id]), repeated(two, supersedes=[one.memory_id])]

    await asyncio.gather(*(rooms.memories.store([each]) for each in crossed))

    found = await rooms.memories.visible("default", "ada", [one.memory_id, two.memory_id], superseded=True)
    assert sum(each.superseded_by is not None for each in found.values()) == 1


async def test_deleting_the_newer_one_brings_the_older_one_not_back(rooms: Rooms, paris: UUID) -> None:
    [newer] = await rooms.commit(berlin(paris))
    await rooms.memories.delete(origin(), b"d", "ada", newer.memory_id)
    assert (await read(rooms, paris)).superseded_by == newer.memory_id

    [newest] = await rooms.commit(draft("ada lives in rome", supersedes=[paris]))

    memory = await read(rooms, paris)
    assert (memory.superseded_by, memory.superseded_at) == (newest.memory_id, newer.created_at)


async def test_what_was_superseded_can_be_said_again_and_is_seen_again(rooms: Rooms, paris: UUID) -> None:
    again = StoreMemory(content="ada lives in paris", agent_id="ada")
    moved = StoreMemory(content="ada lives in berlin", agent_id="ada", supersedes=[paris])

    first, _, then = await rooms.store(again, moved, again)

    assert statuses([first, then]) == ["duplicate", "stored"]
    assert await rooms.recalled("paris", agent_id="ada") == ["ada lives in paris", "ada lives in berlin"]


async def test_what_is_superseded_can_still_be_changed(rooms: Rooms, paris: UUID) -> None:
    [newer] = await rooms.commit(berlin(paris))

    changed = await rooms.memories.update(change(paris, content="ada lives in berlin"))

    assert (changed.version, changed.superseded_by) == (3, newer.memory_id)


async def test_a_change_that_came_before_is_answered_as_it_was(rooms: Rooms, paris: UUID) -> None:
    asked = change(paris, content="ada lives in lyon")
    first = await rooms.memories.update(asked)
    await rooms.commit(berlin(paris))

    assert await rooms.memories.update(asked) == first


async def test_a_private_memory_cannot_supersede_a_shared_one(rooms: Rooms) -> None:
    shared = await rooms.remember("the office is in paris", agent_id="bob", visibility="shared")

    assert isinstance(await refused(rooms, berlin(shared)), Conflict)
    [newer] = await rooms.commit(berlin(shared, visibility="shared"))

    assert (await read(rooms, shared)).superseded_by == newer.memory_id


async def test_what_has_superseded_a_shared_memory_cannot_be_made_private(rooms: Rooms) -> None:
    shared = await rooms.remember("the office is in paris", agent_id="bob", visibility="shared")
    [newer] = await rooms.commit(berlin(shared, visibility="shared"))

    with pytest.raises(Conflict, match=f"has superseded the shared memory {shared}.*Leave it shared"):
        await rooms.memories.update(change(newer.memory_id, visibility="private"))

    assert (await read(rooms, newer.memory_id)).version == 1
    await rooms.memories.update(change(newer.memory_id, visibility="shared", tags=["still"]))
    await rooms.memories.delete(origin(), b"d", "bob", shared)
    assert (await rooms.memories.update(change(newer.memory_id, visibility="private"))).visibility == "private"


async def test_what_has_superseded_private_memories_or_none_can_be_made_private(rooms: Rooms, paris: UUID) -> None:
    [newer] = await rooms.commit(berlin(paris, visibility="shared"))
    [alone] = await rooms.commit(draft("tea", visibility="shared"))

    for one in (newer, alone):
        assert (await rooms.memories.update(change(one.memory_id, visibility="private"))).version == 2


async def test_an_item_of_a_batch_supersedes_one_before_it(rooms: Rooms) -> None:
    given = uuid4()
    batch = StoreMemories(
        memories=[
            StoreMemory(content="draft of the plan", id=given),
            StoreMemory(content="the final plan", supersedes=[given]),
            StoreMemory(content="the budget", supersedes=[uuid4()]),
        ]
    )

    [answer] = await store_memories([batch], origins=[origin()], **rooms.storing)

    assert not isinstance(answer, MemosError)
    assert [one.status if isinstance(one, StoreOutcome) else one.code for one in answer.results] == [
        "stored",
        "stored",
        "not-found",
    ]
    assert await rooms.recalled("plan") == ["the final plan"]
    assert await rooms.projections.behind() == 0


async def test_what_is_superseded_and_sent_again_with_its_id_is_a_duplicate_and_supersedes_nothing(
    rooms: Rooms, paris: UUID
) -> None:
    await rooms.commit(berlin(paris), other := draft("ada lives in rome"))
    same = draft("ada lives in paris", memory_id=paris)

    [again] = await rooms.commit(same)
    refusal = await refused(rooms, repeated(same, supersedes=[other.memory_id]))

    assert (again.memory_id, again.duplicate) == (paris, True)
    assert isinstance(refusal, Conflict)
    assert "has itself been superseded" in refusal.detail
    assert (await read(rooms, other.memory_id)).superseded_by is None
