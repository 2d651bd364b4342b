"""An orchestrator: tasks are given to agents together with what memory has for them, and each of them ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from devenviro.mailbox import send
from devenviro.messages import AgentCard, Delegation, Result, Task, results_of, tasks_of
from devenviro.roster import Roster
from running import until
from society import LEASE, Society

from memos.client.redis import open_redis
from memos.errors import Conflict

pytest_plugins = ["bus_fixtures", "society_fixtures"]


@asynccontextmanager
async def pretending(society: Society, agent: str) -> AsyncIterator[AgentCard]:
    """An agent that says that it is there, and does nothing."""
    card = AgentCard(name=agent, instance=f"{agent}:{uuid4().hex}", capabilities=(society.name,))
    async with open_redis(society.memos.redis_url) as redis, Roster(redis, LEASE).present(card):
        yield card


async def delegated(society: Society, agent: str, number: int = 1) -> Delegation:
    """What an agent was given by the `number`-th entry in its stream."""
    async with open_redis(society.memos.redis_url) as redis:

        async def given() -> bool:
            return bool(await redis.xlen(tasks_of(agent)) >= number)

        await until(given)
        entries: Any = await redis.xrange(tasks_of(agent))
        return Delegation.model_validate_json(entries[number - 1][1][b"message"])


async def answer(society: Society, given: Delegation, **fields: object) -> None:
    """Send a result as an agent does."""
    told = {"task_id": given.task.task_id, "attempt": given.attempt, "agent": given.agent, "state": "success"}
    async with open_redis(society.memos.redis_url) as redis:
        await send(redis, given.reply_to, Result.model_validate({**told, **fields}).model_dump_json())


async def test_a_task_is_given_with_the_context_and_the_tools_that_memory_has_for_it(society: Society) -> None:
    lesson = await society.client.learning.record(
        f"Ring the bell of {society.name}.", outcome="success", lessons=[f"Pull the bell of {society.name} twice."]
    )
    fact = await society.client.store(f"The bell of {society.name} hangs in the north tower.", visibility="shared")
    agent = f"cortex-{society.name}"
    async with pretending(society, agent), society.orchestrator() as orchestrator:
        running = asyncio.create_task(orchestrator.run(society.task()))
        given = await delegated(society, agent)
        await answer(society, given)
        assert (await running).state == "success"
    assert given.briefing.lessons[0] == lesson.lessons[0].memory_id  # type: ignore[union-attr]
    assert fact.memory_id in given.briefing.memories
    assert f"Pull the bell of {society.name} twice." in given.briefing.block
    assert "north tower" in given.briefing.block
    [spec] = [tool.spec for tool in given.briefing.tools if tool.tool_id == society.tool]
    assert spec["function"]["name"] == society.tool
    assert given.briefing.missing == []


async def test_a_task_goes_to_an_agent_that_can_do_it_and_has_least_to_do(society: Society) -> None:
    busy, idle = f"busy-{society.name}", f"idle-{society.name}"
    async with (
        pretending(society, busy),
        pretending(society, idle),
        open_redis(society.memos.redis_url) as redis,
        society.orchestrator() as orchestrator,
    ):
        await send(redis, tasks_of(busy), "something else")
        running = asyncio.create_task(orchestrator.run(society.task()))
        await answer(society, await delegated(society, idle))
        assert (await running).agent == idle
        assert await redis.xlen(tasks_of(busy)) == 1


async def test_a_task_whose_agent_dies_is_given_to_another_one_under_the_same_id(society: Society) -> None:
    first, second = f"a-{society.name}", f"b-{society.name}"
    task = society.task()
    async with society.orchestrator() as orchestrator:
        async with pretending(society, first):
            running = asyncio.create_task(orchestrator.run(task))
            given = await delegated(society, first)
        async with pretending(society, second):
            again = await delegated(society, second)
            await answer(society, again)
            result = await running
    assert (given.task, given.attempt) == (task, 1)
    assert (again.task, again.attempt) == (task, 2)
    assert (result.state, result.agent) == ("success", second)
    async with open_redis(society.memos.redis_url) as redis:
        assert await redis.xlen(tasks_of(first)) == 0, "nobody shall do it when the first one comes back"


async def test_a_task_on_which_agents_die_is_given_up_after_so_many(society: Society) -> None:
    async with society.orchestrator(most_attempts=2) as orchestrator:
        running = asyncio.create_task(orchestrator.run(society.task()))
        for name in ("a", "b"):
            async with pretending(society, f"{name}-{society.name}"):
                await delegated(society, f"{name}-{society.name}")
        result = await running
    assert result.state == "failure"
    assert result.reason == f"Its agents were gone before they had done it: a-{society.name}, b-{society.name}."


async def test_a_task_that_nobody_can_do_times_out_and_says_so(society: Society) -> None:
    async with society.orchestrator(deadline=0.3) as orchestrator:
        result = await orchestrator.run(society.task())
    assert (result.state, result.reason) == ("timed_out", f"There was no agent that has {society.name}.")


async def test_a_task_that_takes_too_long_times_out_and_its_agent_stops(society: Society) -> None:
    task = society.task()
    society.script(held=lambda _: True)
    async with society.cortex(), society.orchestrator(deadline=3.0) as orchestrator:
        result = await orchestrator.run(task)

        async def told() -> bool:
            return bool((await society.client.learning.list(task_id=task.task_id)).results)

        await until(told)
    assert result.state == "timed_out"
    [learning] = (await society.client.learning.list(task_id=task.task_id)).results
    assert (learning.outcome, learning.lessons) == ("failure", [])


async def test_a_task_is_not_done_again_under_its_id(society: Society) -> None:
    task = society.task()
    async with society.cortex(), society.orchestrator() as orchestrator:
        first = await orchestrator.run(task)
        again = await orchestrator.run(task)
    assert first == again
    assert society.bell.asked == 1


async def test_a_task_cannot_be_run_twice_at_the_same_time(society: Society) -> None:
    task = society.task()
    async with society.orchestrator(deadline=1.0) as orchestrator:
        running = asyncio.create_task(orchestrator.run(task))
        await asyncio.sleep(0)
        with pytest.raises(Conflict):
            await orchestrator.run(task)
        assert (await running).state == "timed_out"


async def test_an_orchestrator_that_is_killed_goes_on_with_its_task_when_it_comes_back(society: Society) -> None:
    task, words = society.task(), ("--name", f"orchestrator-{society.name}", f"--need={society.name}", "--json")
    agent = f"cortex-{society.name}"
    async with pretending(society, agent):
        async with society.process(
            "devenviro.orchestrator", task.text, f"--task-id={task.task_id}", *words
        ) as killed:
            given = await delegated(society, agent)
            await until(lambda: kept(society, task, "handed"))
            killed.kill()
            await killed.wait()
        await answer(society, given, answer="It has rung.")
        async with society.process("devenviro.orchestrator", "--resume", *words) as back:
            assert back.stdout is not None
            [result] = json.loads(await asyncio.wait_for(back.stdout.read(), 30))
            assert await back.wait() == 0
    assert (result["task_id"], result["state"], result["answer"]) == (task.task_id, "success", "It has rung.")
    async with open_redis(society.memos.redis_url) as redis:
        assert await redis.xlen(tasks_of(agent)) == 1, "it was given once"
        assert await redis.xlen(results_of(f"orchestrator-{society.name}")) == 0


async def kept(society: Society, task: Task, what: str) -> bool:
    """Whether an orchestrator remembers something of a task."""
    owner = f"orchestrator-{society.name}"
    found = await society.client.working.get_many("tasks", [f"task/{task.task_id}"], agent_id=owner)
    return any(isinstance(one.value, dict) and one.value[what] for one in found.results)


async def test_two_orchestrators_each_get_the_results_of_their_own_tasks(society: Society) -> None:
    tasks = [society.task() for _ in range(6)]
    async with (
        society.cortex("one-" + society.name),
        society.cortex("two-" + society.name),
        society.orchestrator(f"left-{society.name}") as left,
        society.orchestrator(f"right-{society.name}") as right,
    ):
        results = await asyncio.gather(
            *(side.run(task) for task, side in zip(tasks, [left, right] * 3, strict=True))
        )
    assert [(result.task_id, result.state) for result in results] == [(task.task_id, "success") for task in tasks]
    assert len(society.bell.rung) == len(tasks)
    assert {result.agent for result in results} == {"one-" + society.name, "two-" + society.name}
