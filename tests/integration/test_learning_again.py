"""Lessons that are learned again after they were corrected, at once, or with another outcome of a tool."""

import asyncio
from uuid import UUID

import pytest
from builders import Rooms, count, origin
from taught import LESSON, TASK, School

from memos.events.learning import LessonLearned
from memos.events.memories import MemoryChanges, UpdateMemory
from memos.handlers.memories.change import update_memory
from memos.records import content_of, words_of

pytest_plugins = ["rooms"]

OTHER = "always convert amounts to dollars before adding them up"


@pytest.fixture
async def school(rooms: Rooms) -> School:
    return School(rooms)


async def correct(school: School, memory_id: UUID, content: str) -> None:
    command = UpdateMemory(memory_id=memory_id, agent_id="ann", changes=MemoryChanges(content=content))
    await update_memory(command, origin=origin(), **school.rooms.ports)


@pytest.mark.parametrize("content", [OTHER, content_of(OTHER, TASK, "success")], ids=["alone", "with its task"])
async def test_a_corrected_lesson_teaches_what_it_says_now(school: School, content: str) -> None:
    first = await school.taught()
    await correct(school, first.memory_id, content)

    assert words_of(await school.memory(first.memory_id)) == OTHER
    assert (await school.taught(OTHER, agent_id="bob")).memory_id == first.memory_id
    again = await school.taught(LESSON, agent_id="bob")
    assert (again.status, again.memory_id == first.memory_id) == ("stored", False)


async def test_what_is_written_behind_the_task_of_a_lesson_is_part_of_what_it_says(school: School) -> None:
    first = await school.taught()
    content = f"{content_of(LESSON, TASK, 'success')}\n\nNot in May."
    await correct(school, first.memory_id, content)
    assert words_of(await school.memory(first.memory_id)) == content


async def test_a_lesson_that_agents_learn_at_once_while_the_vector_engine_is_away_is_kept_once(
    school: School,
) -> None:
    school.rooms.vectors.away = True
    learned = await asyncio.gather(*(school.taught(agent_id=f"agent-{number}") for number in range(8)))

    assert {one.memory_id for one in learned} == {learned[0].memory_id}
    assert (await school.memory(learned[0].memory_id)).times_stored == 8
    assert await count(school.rooms.pool, "agent_memories") == 1


async def test_a_private_lesson_that_many_agents_learn_at_once_is_kept_once_for_each(school: School) -> None:
    agents = ("ann", "bob", "cleo") * 3
    learned = await asyncio.gather(*(school.taught(agent_id=one, visibility="private") for one in agents))

    assert len({one.memory_id for one in learned}) == 3
    assert [one.status for one in learned].count("stored") == 3


async def test_the_same_lesson_of_a_tool_that_helped_and_hindered_is_two_that_contradict_each_other(
    school: School,
) -> None:
    await school.register("ledger")
    told = "Ask ledger for the amounts."
    results = [await learned_with(school, told, helped=helped) for helped in (True, False, True, False)]

    helped, hindered, *later = results
    assert [one.status for one in results] == ["stored", "stored", "strengthened", "strengthened"]
    assert [one.memory_id for one in later] == [helped.memory_id, hindered.memory_id]
    [against] = hindered.contradicts
    assert (against.memory_id, against.reason) == (helped.memory_id, "tools: ledger hinders now, and helped before")


async def test_a_tool_whose_id_is_within_a_word_is_not_one_that_a_lesson_speaks_of(school: School) -> None:
    await school.register("search", "a")
    told = "Do research before a client is told."
    uses = [{"tool_id": "search", "helped": True}, {"tool_id": "a", "helped": True}]
    first = await school.taught(told, tools=uses)
    again = await school.taught(told, tools=[{**one, "helped": False} for one in uses], agent_id="bob")
    assert (again.memory_id, again.status, again.contradicts) == (first.memory_id, "strengthened", [])


async def learned_with(school: School, lesson: str, *, helped: bool) -> LessonLearned:
    return await school.taught(lesson, tools=[{"tool_id": "ledger", "helped": helped}])
