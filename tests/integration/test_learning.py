"""What agents tell of their tasks is learned: lessons are found again, and repeats strengthen them."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from builders import Rooms, count, draft, origin
from taught import LESSON, TASK, School

from memos.embeddings.minilm import MiniLM
from memos.errors import Conflict
from memos.events.facts import FACTS
from memos.events.learning import LearningNoted, LessonLearned, ToolJudged
from memos.events.problems import Problem
from memos.handlers.learning.lessons import STATED
from memos.projection.points import memories_collection
from memos.testing import TwinVectors

pytest_plugins = ["rooms"]


@pytest.fixture
async def school(rooms: Rooms) -> School:
    return School(rooms)


@pytest.fixture
async def reading(school: School) -> AsyncIterator[School]:
    """A school whose embedder understands what it reads."""
    async with MiniLM() as model:
        vectors = TwinVectors(memories_collection(model.model, model.dimension))
        yield School(school.rooms, {"embedder": model, "vectors": vectors})


async def test_a_lesson_becomes_a_memory_that_is_found_for_a_task_like_that_one(school: School) -> None:
    learned = await school.taught({"content": LESSON, "tags": ["money"]}, task_id="t-1", metadata={"team": "blue"})

    assert (learned.status, learned.times, learned.contradicts) == ("stored", 1, [])
    memory = await school.memory(learned.memory_id, "bob")
    assert (memory.kind, memory.visibility, memory.agent_id, memory.tags) == ("lesson", "shared", "ann", ["money"])
    told = {name: memory.metadata[name] for name in ("lesson", "task", "task_id", "outcome", "team")}
    assert told == {"lesson": LESSON, "task": TASK, "task_id": "t-1", "outcome": "success", "team": "blue"}
    assert await school.rooms.recalled("write a sales report", agent_id="bob") == [memory.content]


async def test_what_metadata_says_of_a_lesson_does_not_hide_what_is_so(school: School) -> None:
    learned = await school.taught(metadata={"lesson": "another", "learning_id": "x", "outcome": "failure"})
    memory = await school.memory(learned.memory_id)
    assert (memory.metadata["lesson"], memory.metadata["outcome"]) == (LESSON, "success")


async def test_the_same_words_strengthen_what_another_agent_learned(school: School) -> None:
    first = await school.taught()
    again = await school.taught(LESSON.upper(), agent_id="bob", outcome="failure")

    assert (again.status, again.memory_id, again.times) == ("strengthened", first.memory_id, 2)
    memory = await school.memory(first.memory_id)
    assert (memory.times_stored, memory.version) == (2, 1)
    assert memory.usefulness > 0
    assert await count(school.rooms.pool, "agent_memories") == 1


async def test_a_lesson_is_counted_once_for_each_agent_and_task(school: School) -> None:
    first = await school.taught(task_id="t-1")
    agents = [{}, {"agent_id": "bob"}, {"task_id": "t-2"}, {"agent_id": "bob", "task_id": "t-3"}]
    again = [await school.taught(LESSON, **fields) for fields in agents]
    assert {(one.memory_id, one.status) for one in again} == {(first.memory_id, "strengthened")}
    assert [first.times, *(one.times for one in again)] == [1, 1, 2, 2, 2]

    of_others = {"task": "write the yearly sales report for the board"}
    assert (await school.taught(**of_others, task_id="t-1")).times == 2
    assert (await school.taught(**of_others, task_id="t-4")).times == 3
    assert (await school.taught(**of_others, task_id="t-5")).times == 3
    assert (await school.taught(**of_others, agent_id="bob")).times == 4


async def test_other_words_of_the_same_meaning_strengthen_a_lesson(reading: School) -> None:
    first = await reading.taught("Run the migrations before restarting the service.", task="Deploy the shop")
    again = await reading.taught("Run migrations before you restart the service.", task="Deploy the web shop")
    assert (again.status, again.memory_id) == ("strengthened", first.memory_id)


async def test_a_lesson_that_says_the_opposite_is_kept_and_both_are_flagged(reading: School) -> None:
    first = await reading.taught("Run the tests in parallel.", task="Test the parser")
    second = await reading.taught("Do not run the tests in parallel.", task="Test the parser", agent_id="bob")

    [against] = second.contradicts
    assert (second.status, against.memory_id, against.reason) == ("stored", first.memory_id, "negation: 1 and 0")
    assert against.similarity is not None
    assert against.similarity > 0.8
    for memory_id, other in ((first.memory_id, second.memory_id), (second.memory_id, first.memory_id)):
        [link] = await reading.rooms.memories.links("default", "cid", memory_id)
        assert (link.memory_id, link.relation, link.reason) == (other, "contradicts", "negation: 1 and 0")
    memory = await reading.memory(first.memory_id)
    assert (memory.times_stored, memory.usefulness, memory.superseded_by) == (1, 0, None)
    pairs = await reading.ports["learnings"].contradictions("default", "ann", [first.memory_id])
    assert pairs == [(second.memory_id, first.memory_id)]
    assert await reading.ports["learnings"].contradictions("other", "ann", [first.memory_id]) == []


async def test_what_is_named_as_wrong_is_flagged_and_not_strengthened_by_the_same_words(school: School) -> None:
    first = await school.taught()
    second = await school.taught({"content": LESSON, "contradicts": [first.memory_id, uuid4()]}, agent_id="bob")

    assert second.memory_id != first.memory_id
    assert [(one.memory_id, one.reason) for one in second.contradicts] == [(first.memory_id, STATED)]
    assert (await school.memory(first.memory_id)).times_stored == 1


async def test_lessons_of_one_command_that_say_the_same_are_one_and_are_learned_once(reading: School) -> None:
    learned = await reading.learn(
        "Check the health endpoint after every deploy.",
        "After each deploy, check the health endpoint.",
        "Never check the health endpoint after a deploy.",
    )
    first, second, third = [one for one in learned.lessons if isinstance(one, LessonLearned)]
    assert (second.memory_id, second.status, second.times) == (first.memory_id, "strengthened", 1)
    assert {one.memory_id for one in third.contradicts} == {first.memory_id}
    assert await count(reading.rooms.pool, "agent_memories") == 2


@pytest.mark.parametrize("visibility", ["private", "shared"])
async def test_only_lessons_with_the_same_readers_are_taken_together(school: School, visibility: str) -> None:
    other = "shared" if visibility == "private" else "private"
    first = await school.taught(visibility=other)
    second = await school.taught(visibility=visibility)
    assert (second.status, second.memory_id == first.memory_id) == ("stored", False)


async def test_the_private_lesson_of_another_agent_or_tenant_is_not_known(school: School) -> None:
    private = await school.taught(visibility="private")
    assert (await school.taught(visibility="private", agent_id="bob")).status == "stored"
    assert (await school.taught(of=origin(tenant="other"), visibility="private")).status == "stored"
    assert (await school.memory(private.memory_id)).times_stored == 1


async def test_a_lesson_that_was_superseded_is_not_strengthened_though_the_vector_engine_still_shows_it(
    school: School,
) -> None:
    first = await school.taught()
    newer = draft("euros alone", agent_id="ann", visibility="shared", supersedes=[first.memory_id])
    await school.rooms.commit(newer)
    again = await school.taught(agent_id="bob")
    assert (again.status, again.memory_id == first.memory_id) == ("stored", False)
    kept = await school.memory(first.memory_id)
    assert (kept.superseded_by, kept.times_stored) == (newer.memory_id, 1)


async def test_long_lessons_that_differ_at_their_ends_are_two(school: School) -> None:
    long = "word " * 1000
    first, second, third = [await school.taught(f"{long} {end}") for end in ("this", "that", "this")]
    assert (second.status, third.status, third.memory_id) == ("stored", "strengthened", first.memory_id)


async def test_a_lesson_is_learned_while_the_vector_engine_is_away(school: School) -> None:
    school.rooms.vectors.away = True
    assert (await school.taught()).status == "accepted"


async def test_memories_that_are_not_known_are_problems_in_their_places_and_the_rest_is_learned(
    school: School,
) -> None:
    mine = await school.rooms.remember("the sky is blue", agent_id="ann")
    private = await school.rooms.remember("the sea is dry", agent_id="bob")
    others = await school.rooms.remember("the sun is hot", agent_id="ann", tenant="other")
    gone = await school.rooms.remember("the moon is far", agent_id="ann")
    await school.rooms.memories.delete(origin(), b"d", "ann", gone)
    absent = uuid4()

    uses: list[Any] = [{"memory_id": one, "helped": True} for one in (absent, private, mine, others, gone)]
    learned = await school.learn(LESSON, memories=uses)

    problems = [one.code if isinstance(one, Problem) else one.memory_id for one in learned.memories]
    assert problems == ["not-found", "not-found", mine, "not-found", "not-found"]
    unseen, unknown = [one.detail for one in learned.memories[:2] if isinstance(one, Problem)]
    assert unseen.replace(str(absent), "") == unknown.replace(str(private), "")
    assert "4 more could not be" in learned.message
    assert await count(school.rooms.pool, "memory_reports") == 1


async def test_a_tool_gets_an_outcome_unless_it_is_said_to_have_been_reported(school: School) -> None:
    await school.register("ledger", "chart", "mail")
    uses: list[Any] = [
        {"tool_id": "ledger", "helped": False, "error": "no such month"},
        {"tool_id": "chart", "helped": True, "reported": True},
        {"tool_id": "mail"},
        {"tool_id": "unknown", "helped": True},
        {"tool_id": "unknown-too"},
    ]
    learned = await school.learn(tools=uses, outcome="partial")

    told = [one.recorded if isinstance(one, ToolJudged) else one.code for one in learned.tools]
    assert told == [True, False, False, "not-found", "not-found"]
    tool = await school.ports["tools"].get("default", "ledger")
    assert (tool.statistics.outcomes, tool.statistics.last_error) == (1, "no such month")
    assert (await school.ports["tools"].get("default", "chart")).statistics.outcomes == 0


@pytest.mark.parametrize(("outcome", "counted"), [("success", 1), ("partial", 0), ("failure", 0)])
async def test_whether_a_tool_helped_that_does_not_say_so_is_known_of_successes_alone(
    school: School, outcome: str, counted: int
) -> None:
    await school.register("mail")
    await school.learn(tools=[{"tool_id": "mail"}], outcome=outcome)
    assert (await school.ports["tools"].get("default", "mail")).statistics.successes == counted


async def test_a_learning_is_a_fact(school: School) -> None:
    good, bad = [await school.rooms.remember(text, agent_id="ann") for text in ("the sky is blue", "tea")]
    known = await school.taught()
    uses = [{"memory_id": good, "helped": True}, {"memory_id": bad, "helped": False}, {"memory_id": uuid4()}]
    learned = await school.learn(LESSON, "begin with the largest region", memories=uses, task_id="t")

    row = await school.rooms.pool.fetchrow("select * from facts order by sequence desc limit 1")
    assert row is not None
    fact = FACTS[row["type"]].model_validate(row["data"])
    assert isinstance(fact, LearningNoted)
    assert (row["record_id"], fact.learning_id, fact.task_id) == (learned.learning_id, learned.learning_id, "t")
    assert (fact.strengthened, fact.helped, fact.hindered) == ([known.memory_id], [good], [bad])
    assert len(fact.lessons) == 2


async def test_the_same_id_again_has_the_same_answer_and_with_another_body_it_is_a_conflict(school: School) -> None:
    sender = origin()
    uses = [{"memory_id": await school.rooms.remember("tea", agent_id="ann"), "helped": True}]
    first = await school.learn(LESSON, memories=uses, of=sender)
    assert await school.learn(LESSON, memories=uses, of=sender) == first
    with pytest.raises(Conflict, match="used before with another body"):
        await school.learn("something else", of=sender)
    assert await count(school.rooms.pool, "learnings") == 1
