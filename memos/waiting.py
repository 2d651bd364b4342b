"""Waiting that ends when told to stop, and ending what does not heed a cancellation."""

import asyncio
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

GRACE = 0.5
"""Seconds that a cancelled task may take to end before it is cancelled again."""


async def told(stopping: asyncio.Event, seconds: float) -> bool:
    """Wait so long, or until told to stop; say whether that was it."""
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def ended(tasks: Collection["asyncio.Task[Any]"], seconds: float) -> int:
    """Give tasks some seconds to end, then cancel them, again and again until they have; return how many were late.

    Tidying up after a cancellation can wait for an engine as well, and redis-py can swallow one.
    """
    if not tasks:
        return 0
    _, late = await asyncio.wait(tasks, timeout=max(0, seconds))
    count = len(late)
    while late:
        for task in late:
            task.cancel()
        _, late = await asyncio.wait(late, timeout=GRACE)
    return count


@contextmanager
def set_in_the_end(event: asyncio.Event) -> Iterator[None]:
    """Set an event when the context ends, however it ends.

    A task group cancels its tasks when one fails, but redis-py can swallow a cancellation; a task that heeds
    the event ends all the same.
    """
    try:
        yield
    finally:
        event.set()


async def heeding(work: Coroutine[Any, Any, T]) -> T:
    """The result of work, unless it was cancelled meanwhile: redis-py can swallow a cancellation."""
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        await asyncio.sleep(0)  # takes a cancellation that came while the task ran, as that of Ctrl-C does
        return await work
    finally:
        work.close()
        if task and task.cancelling() > before:
            raise asyncio.CancelledError
