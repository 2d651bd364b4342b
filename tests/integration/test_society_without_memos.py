"""Agents whose memOS does not answer: every task ends all the same, and says why."""

import asyncio
import time
from typing import Any

from conftest import Engines
from devenviro.cortex import CortexSettings, open_cortex
from devenviro.mailbox import GROUP, send
from devenviro.messages import Briefing, Delegation, Result, Task, tasks_of
from devenviro.model import open_model
from devenviro.orchestrator import OrchestratorSettings, open_orchestrator
from redis.asyncio import Redis
from running import until

from memos.waiting import ended

TASK = Task(task_id="alone", text="Is anybody there?")
NOBODY = "http://127.0.0.1:9/v1"


async def test_a_task_is_tried_again_and_then_ends_as_a_failure(engines: Engines, redis: Redis) -> None:
    settings = CortexSettings(
        *("lonely", "lonely:1", (), "cortex"), lease=0.3, memos_seconds=0.2, most_deliveries=3
    )
    given = Delegation(
        task=TASK,
        agent="lonely",
        attempt=1,
        orchestrator="alone",
        reply_to="answers",
        deadline_at=time.time() + 60,
        briefing=Briefing(),
    )
    async with (
        open_model(NOBODY, None, None, 1.0) as model,
        open_cortex(settings, engines.redis_url, model) as cortex,
    ):
        await send(redis, tasks_of("lonely"), given.model_dump_json())
        running = asyncio.create_task(cortex.run())
        try:
            await until(lambda: redis.xlen("answers"))
            await until(lambda: nothing_left(redis))
        finally:
            await ended([running], 0)
    answers: Any = await redis.xrange("answers")
    [(_, fields)] = answers
    result = Result.model_validate_json(fields[b"message"])
    assert (result.task_id, result.state) == ("alone", "failure")
    assert "0.2 s" in (result.reason or "")


async def nothing_left(redis: Redis) -> bool:
    """Whether no task is left with an agent."""
    return bool((await redis.xpending(tasks_of("lonely"), GROUP))["pending"] == 0)


async def test_an_orchestrator_gives_a_task_up_in_time(engines: Engines, redis: Redis) -> None:
    settings = OrchestratorSettings(deadline=1.0, memos_seconds=0.3)
    async with asyncio.timeout(20), open_orchestrator(settings, engines.redis_url) as orchestrator:
        result = await orchestrator.run(TASK)
    assert result.state == "failure"
    assert (result.reason or "").startswith("memOS or its bus failed: ")
