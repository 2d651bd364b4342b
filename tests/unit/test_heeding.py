"""A cancellation that a library swallows ends the task all the same."""

import asyncio

import pytest

from memos.waiting import heeding


async def swallowing(*, failing: bool = False) -> str:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        if failing:
            raise ConnectionError from None
    return "an answer"


@pytest.mark.parametrize("failing", [False, True])
async def test_a_swallowed_cancellation_is_heeded(*, failing: bool) -> None:
    task = asyncio.create_task(heeding(swallowing(failing=failing)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_that_comes_while_the_task_runs_is_heeded() -> None:
    async def interrupted() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return await heeding(swallowing())

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(interrupted())


async def test_a_task_that_was_cancelled_before_may_still_work() -> None:
    async def cleaning() -> str:
        await swallowing()
        return await heeding(asyncio.sleep(0, "done"))

    task = asyncio.create_task(cleaning())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "done"
