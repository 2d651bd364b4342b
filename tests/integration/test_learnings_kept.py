"""Learnings as they are listed, and what is left of them when their lessons are forgotten."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from builders import Rooms, count, origin
from taught import LESSON, TASK, School

from memos.errors import NotFound
from memos.events.deletions import DeleteMemories, PurgeMemories
from memos.events.learning import LearningRecorded, LessonLearned, ListLearnings
from memos.handlers.learning.learn import list_learnings
from memos.handlers.memories.forget import delete_memories, purge_memories

pytest_plugins = ["rooms"]


@pytest.fixture
async def school(rooms: Rooms) -> School:
    return School(rooms)


async def forget(school: School, *ids: UUID) -> None:
    command = DeleteMemories(memory_ids=[*ids], agent_id="ann", dry_run=False)
    await delete_memories(command, origin=origin(), **school.rooms.deleting_many)


async def purge(school: School, *ids: UUID) -> dict[str, int]:
    """Forget memories for good; how many rows of each table that took, which is what was foretold."""
    await forget(school, *ids)
    told = await purge_memories(PurgeMemories(memory_ids=[*ids]), origin=origin(), **school.rooms.deleting_many)
    command = PurgeMemories(memory_ids=[*ids], dry_run=False)
    done = await purge_memories(command, origin=origin(), **school.rooms.deleting_many)
    assert told.tables == done.tables
    return dict(done.tables)


def ids(learned: LearningRecorded) -> list[UUID]:
    return [one.memory_id for one in learned.lessons if isinstance(one, LessonLearned)]


async def test_learnings_are_listed_newest_first_with_what_was_told(school: School) -> None:
    used = await school.rooms.remember("tea", agent_id="ann")
    first = await school.learn()
    uses: list[Any] = [{"memory_id": used}, {"memory_id": uuid4()}]
    told: dict[str, Any] = {"task_id": "t", "session_id": "s", "cost": 0.5, "tokens": 7, "seconds": 1.5}
    second = await school.learn(LESSON, memories=uses, outcome="partial", **told)

    newest, oldest = await school.listed()
    assert (newest.learning_id, oldest.learning_id) == (second.learning_id, first.learning_id)
    assert (newest.task, newest.outcome, newest.lessons, newest.memories) == (TASK, "partial", ids(second), 1)
    assert newest.model_dump(include={*told}) == told
    assert (oldest.task, oldest.lessons, oldest.memories, oldest.tools) == (None, [], 0, 0)


async def test_they_are_chosen_by_agent_task_and_outcome_within_their_tenant(school: School) -> None:
    mine = await school.learn(task_id="t", outcome="failure")
    await school.learn(task_id="t", agent_id="bob")
    await school.learn(of=origin(tenant="other"), task_id="t", outcome="failure")

    for chosen in ({"agent_id": "ann"}, {"outcome": "failure"}, {"agent_id": "ann", "task_id": "t"}):
        assert [one.learning_id for one in await school.listed(**chosen)] == [mine.learning_id]
    assert len(await school.listed(task_id="t")) == 2
    assert await school.listed(agent_id="cid") == []


async def test_pages_follow_one_another_without_gap_or_repeat(school: School) -> None:
    told = [(await school.learn()).learning_id for _ in range(5)]
    # as if all had been recorded in one moment
    await school.rooms.pool.execute("update learnings set recorded_at = now()")

    seen: list[UUID] = []
    before = None
    for expected in (2, 2, 1):
        command = ListLearnings(before=before, limit=2)
        page = await list_learnings(command, origin=origin(), learnings=school.ports["learnings"])
        assert page.count == len(page.results) == expected
        seen += [one.learning_id for one in page.results]
        before = page.next
    assert (before, sorted(seen)) == (None, sorted(told))


async def test_a_page_after_a_learning_that_is_not_there_is_refused(school: School) -> None:
    other = await school.learn(of=origin(tenant="other"))
    for unknown in (uuid4(), other.learning_id):
        with pytest.raises(NotFound, match="No learning"):
            await school.listed(before=unknown)


async def test_the_task_of_a_private_lesson_is_shown_to_its_agent_alone(school: School) -> None:
    await school.learn(LESSON, visibility="private")
    assert await school.listed() == []
    assert [one.task for one in await school.listed(agent_id="ann")] == [TASK]


async def test_a_lesson_that_was_known_does_not_lend_its_task_to_another(school: School) -> None:
    await school.taught(task="write the yearly sales report for the board")
    await school.taught(agent_id="bob")
    assert [one.task for one in await school.listed(agent_id="bob")] == [None]


async def test_a_deleted_lesson_takes_its_task_with_it_and_can_be_learned_anew(school: School) -> None:
    first = await school.taught()
    await forget(school, first.memory_id)

    [learning] = await school.listed()
    assert (learning.task, learning.lessons) == (None, [first.memory_id])
    again = await school.taught()
    assert (again.status, again.times, again.memory_id == first.memory_id) == ("stored", 1, False)


async def test_a_deleted_lesson_is_contradicted_by_nothing_any_more(school: School) -> None:
    first = await school.taught()
    named = {"content": "leave all amounts in dollars", "contradicts": [first.memory_id]}
    sender = origin()
    second = await school.taught(named, of=sender)
    await forget(school, first.memory_id)

    assert await count(school.rooms.pool, "memory_links") == 0
    assert (await school.taught(named, of=sender)).contradicts == []
    assert (await school.memory(second.memory_id)).memory_id == second.memory_id


async def test_nothing_of_a_lesson_is_left_after_a_purge(school: School) -> None:
    first, second = origin(), origin()
    learned = await school.learn("xyzzy opens the vault", of=first, task="plugh the vault")
    strengthened = await school.learn("Xyzzy opens the vault", of=second, task="plugh the vault", agent_id="bob")
    assert ids(strengthened) == ids(learned)

    tables = await purge(school, *ids(learned))

    assert (tables["memory_reports"], tables["commands"]) == (1, 4)
    rows = await school.rooms.pool.fetch("select tablename from pg_tables where schemaname = 'public'")
    for (table,) in rows:
        for word in ("xyzzy", "plugh"):
            left = await count(school.rooms.pool, f"{table} t where t::text ilike '%{word}%'")
            assert left == 0, (table, word)
    for sender in (first, second):
        digests = await school.rooms.pool.fetch(
            "select digest from commands where command_id like $1", f"{sender.command_id}%"
        )
        assert {row["digest"] for row in digests} == {b""}


async def test_a_command_is_answered_as_before_after_its_lesson_was_purged(school: School) -> None:
    sender = origin()
    first = await school.learn(LESSON, of=sender)
    await purge(school, *ids(first))
    assert await school.learn("whatever", of=sender) == first


async def test_a_lesson_that_is_forgotten_takes_the_tasks_along_of_which_it_was_learned(school: School) -> None:
    learned = await school.taught()
    await school.taught(agent_id="bob", task_id="t")
    assert await count(school.rooms.pool, "lesson_tasks") == 1
    await purge(school, learned.memory_id)
    assert await count(school.rooms.pool, "lesson_tasks") == 0
