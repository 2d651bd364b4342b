"""Waiting that ends when the lane is told to stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

log = logging.getLogger(__name__)

PAUSE_AFTER_ERROR = 1.0
GRACE = 0.5
"""Seconds that a cancelled task may take to end; one that takes longer is left behind."""


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


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Return after some seconds, or as soon as told to stop."""
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return


async def every(seconds: float, stopping: asyncio.Event, act: Callable[[], Awaitable[None]], doing: str) -> None:
    """Act again and again until told to stop; whatever goes wrong with Redis is waited out."""
    while not stopping.is_set():
        rest = seconds
        try:
            await act()
        except (RedisError, OSError) as error:
            rest = max(seconds, PAUSE_AFTER_ERROR)
            log.warning("%s failed: %s; trying again in %.1f s", doing, error, rest)
        await pause(stopping, rest)


async def ended(tasks: Collection[asyncio.Task[None]], seconds: float) -> int:
    """Give tasks some seconds to end, then cancel them; return how many had to be."""
    if not tasks:
        return 0
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=GRACE)
    return len(late)
