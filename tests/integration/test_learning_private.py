"""What an agent learns in private: neither its words nor its ids are told to others."""

from typing import Any
from uuid import uuid4

import pytest
from builders import Rooms, origin
from taught import LESSON, School

from memos.events.facts import FACTS
from memos.events.learning import LearningNoted

pytest_plugins = ["rooms"]


@pytest.fixture
async def school(rooms: Rooms) -> School:
    return School(rooms)


@pytest.mark.parametrize(("visibility", "told"), [("private", False), ("shared", True)])
async def test_an_outcome_of_a_private_task_counts_for_its_tool_and_has_no_words(
    school: School, visibility: str, *, told: bool
) -> None:
    await school.register("ledger")
    uses: list[Any] = [{"tool_id": "ledger", "helped": False, "error": "no account of Karl"}]

    await school.learn(tools=uses, task="prepare the layoff of Karl", visibility=visibility)

    statistics = (await school.ports["tools"].get("default", "ledger")).statistics
    assert (statistics.outcomes, statistics.successes) == (1, 0)
    assert statistics.last_error == ("no account of Karl" if told else None)
    kept = await school.rooms.pool.fetchval("select count(*) from tool_texts where text like '%Karl%'")
    assert kept == told


async def test_only_the_agent_itself_reads_what_it_told_in_private(school: School) -> None:
    private = await school.learn(LESSON, visibility="private", agent_id="bob", task_id="t")
    shared = await school.learn(LESSON, agent_id="bob", task_id="t")
    await school.learn(LESSON, visibility="private", agent_id="ann", task_id="t")

    own = [(one.learning_id, one.visibility) for one in await school.listed(agent_id="bob")]
    assert own == [(shared.learning_id, "shared"), (private.learning_id, "private")]
    assert [one.learning_id for one in await school.listed(task_id="t")] == [shared.learning_id]


@pytest.mark.parametrize("visibility", ["private", "shared"])
async def test_the_fact_of_a_learning_says_who_may_read_it(school: School, visibility: str) -> None:
    await school.learn(LESSON, visibility=visibility)

    row = await school.rooms.pool.fetchrow("select type, data from facts order by sequence desc limit 1")
    assert row is not None
    fact = FACTS[row["type"]].model_validate(row["data"])
    assert isinstance(fact, LearningNoted)
    assert fact.visibility == visibility


async def test_what_a_lesson_names_and_nobody_knows_is_told_as_what_is_private(school: School) -> None:
    private = await school.taught(visibility="private", agent_id="bob")
    known, absent = await school.taught(), uuid4()
    named = [private.memory_id, known.memory_id, absent]
    sender = origin()

    learned = await school.taught({"content": "use dollars", "contradicts": named}, of=sender)

    assert [one.memory_id for one in learned.contradicts] == [known.memory_id]
    assert learned.unknown == [private.memory_id, absent]
    assert await school.taught({"content": "use dollars", "contradicts": named}, of=sender) == learned
