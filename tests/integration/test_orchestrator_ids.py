"""Tasks that have the same id: each has the result that is its own, or is refused."""

import asyncio
import os
import sys
from typing import Any

import pytest
from conftest import EXAMPLES
from society import Society, answered, calls, says
from upstream import Body

from memos.errors import Conflict

pytest_plugins = ["bus_fixtures", "society_fixtures"]


async def test_tasks_of_two_orchestrators_with_the_same_id_are_two_tasks(society: Society) -> None:
    def echo(body: Body) -> dict[str, Any]:
        return says(body["messages"][1]["content"]) if answered(body) else calls(society.tool)

    society.script(echo)
    tasks = [society.task(f"Ring {side} of {{name}}.", f"same-{society.name}") for side in ("left", "right")]
    async with (
        society.cortex(),
        society.orchestrator(f"left-{society.name}") as left,
        society.orchestrator(f"right-{society.name}") as right,
    ):
        results = [await left.run(tasks[0]), await right.run(tasks[1])]
    assert [result.answer for result in results] == [task.text for task in tasks]
    assert [(result.state, result.note) for result in results] == [("success", None)] * 2
    assert len(society.bell.rung) == 2
    learned = [one async for one in society.client.learning.every(task_id=tasks[0].task_id)]
    assert [one.outcome for one in learned] == ["success"] * 2


async def test_an_id_that_another_task_has_is_refused(society: Society) -> None:
    task = society.task()
    async with society.cortex(), society.orchestrator() as orchestrator:
        await orchestrator.run(task)
        with pytest.raises(Conflict, match=f"Task '{task.task_id}' is another one: 'Ring the bell"):
            await orchestrator.run(society.task("Sing.", task.task_id))
    assert society.bell.asked == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([""], "memos: This is no task: its text is wrong. String should have at least 1 character.\n"),
        (
            ["Sing.", "--task-id="],
            "memos: This is no task: its task_id is wrong. String should have at least 1 character.\n",
        ),
        (
            ["Sing.", "--name=a/b"],
            "memos: An orchestrator cannot be called 'a/b': a name has 1 to 100 characters and no '/'.\n",
        ),
    ],
)
async def test_what_is_no_task_is_refused_in_one_line(society: Society, words: list[str], said: str) -> None:
    env = {**os.environ, "PYTHONPATH": os.fspath(EXAMPLES), "MEMOS_REDIS_URL": society.memos.redis_url}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "devenviro.orchestrator", *words), env=env, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, errors.decode()) == (1, said)
