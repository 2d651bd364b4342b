"""What an agent may not see changes nothing of what it finds: no result, no neighbour, no score."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from builders import Rooms
from recalling import converse, near, remember_all, scores

from memos.events.memories import StoreMemory

pytest_plugins = ["rooms"]

QUESTION = "Where does the spare key of the office hang?"
ASKED, WEAK = "Ann: Where does the spare key hang?", "Ben: The office opens at nine."


async def own(rooms: Rooms, **asked: Any) -> dict[str, float]:
    """What Ada finds, and how it is scored."""
    return await scores(rooms, QUESTION, agent_id="ada", top_k=100, **asked)


async def ada_knows(rooms: Rooms, ids: list[UUID] | None = None, tenant: str = "default") -> None:
    turns = [WEAK, "Ben: It rains.", "Ben: A key is a key."]
    for number, turn in enumerate(turns):
        given = {"id": ids[number]} if ids else {}
        await converse(rooms, turn, agent_id="ada", tenant=tenant, **given)


@pytest.mark.parametrize(
    "sender",
    [
        {"agent_id": "bob"},
        {"agent_id": "ada", "tenant": "other"},
        {"agent_id": "bob", "tenant": "other", "visibility": "shared"},
    ],
    ids=["another agent", "the agent of that name of another tenant", "the shared ones of another tenant"],
)
async def test_turns_of_others_in_a_session_of_the_same_name_lift_nothing_and_are_not_shown(
    both: Rooms, sender: dict[str, Any]
) -> None:
    await ada_knows(both)
    before = await own(both)
    for number in range(4):
        await converse(both, f"{ASKED} {number}", sequence=number, **sender)

    found = (await both.query(QUESTION, agent_id="ada", top_k=100, around=10)).memories.results

    assert {one.content: one.score for one in found} == pytest.approx(before, abs=1e-6)
    shown = {beside.content for one in found for beside in (*one.before, *one.after)}
    assert shown <= before.keys()


async def test_two_tenants_may_have_the_same_memory_ids_sessions_and_agents(both: Rooms) -> None:
    ids = [uuid4() for _ in range(3)]
    await ada_knows(both, ids)
    before = await own(both)
    for memory_id in ids:
        await converse(both, f"{ASKED} {memory_id}", agent_id="ada", id=memory_id, tenant="other")

    theirs = (await both.query(QUESTION, agent_id="ada", tenant="other", around=1)).memories.results

    assert await own(both) == pytest.approx(before, abs=1e-6)
    assert {one.memory_id for one in theirs} == set(ids)
    assert all(one.content.startswith(ASKED) for one in theirs)
    assert all(beside.content.startswith(ASKED) for one in theirs for beside in (*one.before, *one.after))


@pytest.mark.parametrize(
    ("agent_id", "tenant", "visibility", "seen"),
    [
        ("bob", "default", "private", False),
        ("ada", "other", "private", False),
        ("bob", "other", "shared", False),
        ("bob", "default", "shared", True),
    ],
)
async def test_how_rare_a_word_is_is_told_from_what_the_agent_sees_alone(
    both: Rooms, agent_id: str, tenant: str, visibility: Any, seen: bool
) -> None:
    await ada_knows(both)
    before = await own(both)
    many = [
        StoreMemory(content=f"Key {n} of {n}.", agent_id=agent_id, visibility=visibility, **near(QUESTION, 0.0))
        for n in range(60)
    ]
    await remember_all(both, many, tenant=tenant)

    after = await own(both)

    assert (after.keys() == before.keys()) is not seen
    assert ({one: after[one] for one in before} == pytest.approx(before, abs=1e-6)) is not seen


async def test_what_becomes_private_is_gone_from_the_results_of_others_though_the_engine_is_behind(
    both: Rooms,
) -> None:
    memory_id = await both.remember(ASKED, agent_id="bob", visibility="shared")
    assert ASKED in await own(both)
    await both.pool.execute("update agent_memories set visibility = 'private' where memory_id = $1", memory_id)

    assert await own(both) == {}
