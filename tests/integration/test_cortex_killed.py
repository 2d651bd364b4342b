"""A Cortex that is killed at its work: another one goes on, nothing is done twice and nothing is learned twice."""

import asyncio
import time
from typing import Any

from devenviro.mailbox import GROUP, send
from devenviro.messages import Briefing, Delegation, Result, results_of, tasks_of
from running import until
from society import Society, answered, calls, looks_back, says
from upstream import Body

from memos.client.redis import open_redis

pytest_plugins = ["bus_fixtures", "society_fixtures"]


async def times_learned(society: Society, task_id: str, lesson: object) -> tuple[int, int]:
    """How many learnings of a task the ledger has, and how often its lesson was stored."""
    learnings = [one async for one in society.client.learning.every(task_id=task_id)]
    found = await society.client.get(str(lesson))
    return len(learnings), found.times_stored


async def test_killed_between_a_tool_call_and_learning_it_goes_on_and_calls_and_learns_once(
    society: Society,
) -> None:
    task = society.task()
    society.script(held=looks_back)
    async with society.orchestrator() as orchestrator:
        async with society.cortex_process() as killed:
            running = asyncio.create_task(orchestrator.run(task))
            await society.asked(looking_back=True)
            killed.kill()
            await killed.wait()
        society.gate.set()
        async with society.cortex_process():
            result = await running
    assert (result.state, result.tool_calls, society.bell.asked) == ("success", 1, 1)
    assert len(society.model.asked_for(society.name)) == 4, "two for the work, and two to look back"
    assert await times_learned(society, task.task_id, result.lessons[0]) == (1, 1)


async def test_killed_while_a_tool_is_called_it_calls_again_under_the_same_key(society: Society) -> None:
    society.bell.gate.clear()
    async with society.orchestrator() as orchestrator:
        async with society.cortex_process() as killed:
            running = asyncio.create_task(orchestrator.run(society.task()))
            await society.bell.called()
            killed.kill()
            await killed.wait()
        society.bell.gate.set()
        async with society.cortex_process():
            result = await running
    assert (result.state, society.bell.asked, len(society.bell.rung)) == ("success", 2, 1)


async def test_a_task_that_is_delivered_twice_is_done_and_learned_once(society: Society) -> None:
    task = society.task()
    given = Delegation(
        task=task,
        agent=f"cortex-{society.name}",
        attempt=1,
        orchestrator=society.name,
        reply_to=results_of(society.name),
        deadline_at=time.time() + 60,
        briefing=Briefing(),
    )
    async with open_redis(society.memos.redis_url) as redis, society.cortex():
        for _ in range(2):
            await send(redis, tasks_of(given.agent), given.model_dump_json())

        async def both() -> bool:
            return bool(await redis.xlen(given.reply_to) == 2)

        await until(both)
        entries: Any = await redis.xrange(given.reply_to)
        one, other = (Result.model_validate_json(fields[b"message"]) for _, fields in entries)
    assert one == other
    assert (one.state, society.bell.asked) == ("success", 1)
    assert await times_learned(society, task.task_id, one.lessons[0]) == (1, 1)


async def test_a_model_that_answers_otherwise_after_a_kill_is_not_asked_again_what_it_said(
    society: Society,
) -> None:
    """What a step was to be is kept before it is done, so that it is the same step after the kill."""
    volumes = iter(range(100))

    def louder(body: Body) -> dict[str, object]:
        return says("It has rung.") if answered(body) else calls(society.tool, volume=next(volumes))

    society.script(louder)
    society.bell.gate.clear()
    async with society.orchestrator() as orchestrator:
        async with society.cortex_process() as killed:
            running = asyncio.create_task(orchestrator.run(society.task()))
            await society.bell.called()
            killed.kill()
            await killed.wait()
        society.bell.gate.set()
        async with society.cortex_process():
            await running
    assert society.bell.told == [{"volume": 0}, {"volume": 0}]


async def test_what_is_no_task_is_put_aside_and_the_next_one_is_done(society: Society) -> None:
    stream = tasks_of(f"cortex-{society.name}")
    async with open_redis(society.memos.redis_url) as redis, society.orchestrator() as orchestrator:
        await send(redis, stream, '{"task": "no task"}')
        async with society.cortex():
            result = await orchestrator.run(society.task())
        assert result.state == "success"
        assert await redis.xlen(f"{stream}:dead") == 1
        assert (await redis.xpending(stream, GROUP))["pending"] == await redis.xlen(stream) == 0
