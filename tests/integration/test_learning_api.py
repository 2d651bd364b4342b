"""Learning over REST, and by the SDK over either of its ways, on a real memOS."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from running import until

from memos.client import Client
from memos.errors import Conflict, InvalidCommand, NotFound
from memos.events.learning import LearningNoted, Lesson, LessonLearned, MemoryJudged, ToolJudged
from memos.events.problems import Problem
from memos.records import LearningOutcome

pytest_plugins = ["bus_fixtures"]

OWN: dict[str, Any] = {"outcome": "success", "visibility": "private"}
"""Lessons that are compared with nobody else's."""


@pytest.fixture
def task() -> str:
    """A task that nobody else has."""
    return f"Water the {uuid4().hex} roses."


@pytest.fixture
async def tool(http: httpx.AsyncClient) -> str:
    """The id of a tool that nobody else calls."""
    name = f"k{uuid4().hex}"
    body = {"tool_id": name, "name": "Hose", "description": "waters beds", "endpoint_url": "http://tools.test"}
    response = await http.post("/tools/register", json=body)
    assert response.status_code == 200, response.text
    return name


async def test_what_is_told_of_a_task_is_learned_and_listed(
    client: Client, agent: str, task: str, tool: str
) -> None:
    known = (await client.store("The hose is in the shed.", agent_id=agent)).memory_id

    recorded = await client.learning.record(
        task,
        outcome="success",
        lessons=["Water them in the evening.", Lesson(content="Roses want no wet leaves.", tags=["roses"])],
        memories={known: True},
        tools={tool: True},
        visibility="private",
        agent_id=agent,
        task_id="garden-1",
        cost=0.5,
        tokens=1200,
        seconds=30.0,
    )
    [listed] = (await client.learning.list(agent_id=agent)).results

    first, second = recorded.lessons
    assert isinstance(first, LessonLearned)
    assert isinstance(second, LessonLearned)
    assert [(one.status, one.times, one.contradicts) for one in (first, second)] == [("stored", 1, [])] * 2
    [judged] = recorded.memories
    assert isinstance(judged, MemoryJudged)
    assert (judged.memory_id, judged.usefulness > 0) == (known, True)
    assert recorded.tools == [ToolJudged(tool_id=tool, recorded=True)]
    assert (listed.learning_id, listed.task, listed.task_id) == (recorded.learning_id, task, "garden-1")
    assert (listed.lessons, listed.memories, listed.tools) == ([first.memory_id, second.memory_id], 1, 1)
    assert (listed.cost, listed.tokens, listed.seconds, listed.outcome) == (0.5, 1200, 30.0, "success")


async def test_a_lesson_is_a_memory_that_a_task_like_it_finds(client: Client, agent: str, task: str) -> None:
    words = f"Use rain for the {agent}."
    recorded = await client.learning.record(task, outcome="success", lessons=[words], agent_id=agent)
    [lesson] = recorded.lessons
    assert isinstance(lesson, LessonLearned)

    memory = await client.get(lesson.memory_id, agent_id=agent)
    found = await client.query(task, agent_id=agent, filter={"kind": "lesson", "agent_id": agent})

    assert (memory.kind, memory.visibility) == ("lesson", "shared")
    assert words in memory.content
    assert task in memory.content
    assert (memory.metadata["lesson"], memory.metadata["task"]) == (words, task)
    assert [one.memory_id for one in found.memories.results] == [lesson.memory_id]


async def test_a_lesson_that_was_known_is_strengthened_and_not_kept_twice(
    client: Client, agent: str, task: str
) -> None:
    said = {**OWN, "lessons": ["Use rain."], "agent_id": agent}

    tasks = (task, f"{task}, once more")
    first, second = [(await client.learning.record(one, **said)).lessons[0] for one in tasks]

    assert isinstance(first, LessonLearned)
    assert isinstance(second, LessonLearned)
    assert (first.status, second.status, second.times) == ("stored", "strengthened", 2)
    assert second.memory_id == first.memory_id


async def test_an_earlier_lesson_that_is_contradicted_is_flagged_and_stays(
    client: Client, agent: str, task: str
) -> None:
    first = (await client.learning.record(task, outcome="success", lessons=["Use rain."], agent_id=agent)).lessons[
        0
    ]
    assert isinstance(first, LessonLearned)

    wrong = {"content": "Tap water does as well.", "contradicts": [first.memory_id]}
    [second] = (await client.learning.record(task, lessons=[wrong], agent_id=agent, **OWN)).lessons

    assert isinstance(second, LessonLearned)
    assert [one.memory_id for one in second.contradicts] == [first.memory_id]
    assert (await client.get(first.memory_id, agent_id=agent)).memory_id == first.memory_id


async def test_what_is_not_known_is_told_and_the_rest_is_learned(
    client: Client, agent: str, task: str, tool: str
) -> None:
    known, unknown = (await client.store("It rained.", agent_id=agent)).memory_id, uuid4()

    recorded = await client.learning.record(
        task,
        outcome="success",
        visibility="private",
        lessons=[Lesson(content="Look at the sky.", contradicts=[unknown])],
        memories=[unknown, known],
        tools=["no-such-tool", tool],
        agent_id=agent,
    )

    refused, judged = recorded.memories
    assert isinstance(refused, Problem)
    assert (refused.code, str(unknown) in (refused.detail or "")) == ("not-found", True)
    assert isinstance(judged, MemoryJudged)
    assert judged.memory_id == known
    assert isinstance(recorded.tools[0], Problem)
    assert "no-such-tool" in (recorded.tools[0].detail or "")
    assert recorded.tools[1] == ToolJudged(tool_id=tool, recorded=True)
    assert len(recorded.lessons) == 1


async def test_the_same_id_teaches_once_and_takes_no_other_body(client: Client, agent: str, task: str) -> None:
    command_id = uuid4().hex
    said = {**OWN, "lessons": ["Use rain."], "agent_id": agent}

    first, again = [await client.learning.record(task, command_id=command_id, **said) for _ in range(2)]
    with pytest.raises(Conflict):
        await client.learning.record(task, command_id=command_id, **{**said, "outcome": "failure"})

    assert again == first
    assert (await client.learning.list(agent_id=agent)).count == 1


async def test_what_is_told_without_waiting_is_learned_under_its_id(client: Client, agent: str, task: str) -> None:
    said = {**OWN, "outcome": "partial", "lessons": ["Use rain."], "agent_id": agent}

    command_id = await client.learning.record_later(task, **said)
    await until(_any_of(client, agent))
    recorded = await client.learning.record(task, command_id=command_id, **said)
    [listed] = (await client.learning.list(agent_id=agent)).results

    assert (recorded.learning_id, listed.outcome) == (listed.learning_id, "partial")


async def test_learnings_are_listed_newest_first_page_by_page(client: Client, agent: str, task: str) -> None:
    outcomes: list[LearningOutcome] = ["success", "failure", "success"]
    told = [
        await client.learning.record(task, outcome=outcome, agent_id=agent, task_id=f"{agent}-{number % 2}")
        for number, outcome in enumerate(outcomes)
    ]
    newest = [one.learning_id for one in reversed(told)]

    first = await client.learning.list(agent_id=agent, limit=2)
    rest = await client.learning.list(agent_id=agent, limit=2, before=first.next)

    assert ([one.learning_id for one in first.results], first.next) == (newest[:2], newest[1])
    assert ([one.learning_id for one in rest.results], rest.next) == (newest[2:], None)
    every = [one.learning_id async for one in client.learning.every(agent_id=agent, outcome="success")]
    assert every == [newest[0], newest[2]]
    named = [one.learning_id async for one in client.learning.every(task_id=f"{agent}-0")]
    assert named == [newest[0], newest[2]]
    with pytest.raises(NotFound):
        await client.learning.list(before=uuid4())
    with pytest.raises(InvalidCommand, match="limit"):
        await client.learning.list(limit=1001)


async def test_what_agents_learn_is_in_the_log(client: Client, agent: str, task: str) -> None:
    newest = (await client.facts(limit=1)).newest
    recorded = await client.learning.record(task, lessons=["Use rain."], agent_id=agent, **OWN)

    async for fact in client.follow(after=newest, types=["memos.learning.recorded.v1"]):
        noted = LearningNoted.model_validate(fact.data)
        if noted.agent_id == agent:
            break

    assert (noted.learning_id, noted.outcome) == (recorded.learning_id, "success")
    assert [one.memory_id for one in recorded.lessons if isinstance(one, LessonLearned)] == noted.lessons


def _any_of(client: Client, agent: str) -> Callable[[], Awaitable[object]]:
    async def told() -> bool:
        return (await client.learning.list(agent_id=agent)).count > 0

    return told
