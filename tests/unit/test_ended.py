"""Tasks that are ended: in their own time, by a cancellation, or by as many as it takes."""

import asyncio
from contextlib import suppress

import pytest

from memos import waiting
from memos.waiting import ended


class Deaf:
    """Work that swallows its first cancellations."""

    def __init__(self, deaf_to: int) -> None:
        self._deaf_to = deaf_to
        self.begun = asyncio.Event()
        self.heard = asyncio.Event()
        self.cancelled = 0

    async def __call__(self) -> None:
        while self.cancelled <= self._deaf_to:
            self.begun.set()
            with suppress(asyncio.CancelledError):
                await asyncio.get_running_loop().create_future()
            self.heard.set()
            self.cancelled += 1


async def begun(work: Deaf) -> "asyncio.Task[None]":
    task = asyncio.ensure_future(work())
    await work.begun.wait()
    return task


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "GRACE", 0.01)


async def test_what_ends_in_its_time_is_not_cancelled() -> None:
    task = asyncio.create_task(asyncio.sleep(0, "done"))

    assert await ended([task], 10) == 0

    assert task.result() == "done"


async def test_what_swallows_a_cancellation_is_cancelled_again() -> None:
    work = Deaf(2)
    task = await begun(work)

    assert await ended([task], 0) == 1

    assert (task.done(), work.cancelled) == (True, 3)


async def test_who_is_cancelled_while_tasks_have_time_ends_them_at_once() -> None:
    work = Deaf(0)
    task = await begun(work)
    ending = asyncio.create_task(ended([task], 3600))
    await asyncio.sleep(0)

    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending

    assert task.done()


async def test_who_is_cancelled_while_a_task_is_deaf_leaves_it_not_behind() -> None:
    work = Deaf(2)
    task = await begun(work)
    ending = asyncio.create_task(ended([task], 0))
    await work.heard.wait()

    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending

    assert (task.done(), work.cancelled) == (True, 3)
