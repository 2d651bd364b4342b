"""Waiting that ends when told to stop or as long as was asked for, and ending what heeds no cancellation."""

import asyncio
import logging
import time
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

GRACE = 0.5
"""Seconds that a cancelled task may take to end before it is cancelled again."""

AT_ONCE = 0.02
"""Seconds in which a task that heeds its cancellation ends."""

LONGEST_REST = 60.0
"""Most seconds for which a server that is busy is left alone, however long it asks for."""


async def told(stopping: asyncio.Event, seconds: float) -> bool:
    """Wait so long, or until told to stop; say whether that was it."""
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def ended(tasks: Collection["asyncio.Task[Any]"], seconds: float) -> int:
    """Give tasks some seconds to end, then cancel them, again and again until they have; return how many were late.

    Tidying up after a cancellation can wait for an engine as well, and redis-py can swallow one. Whoever is
    cancelled meanwhile gives the tasks no more time, and is cancelled when they have ended.
    """
    if not tasks:
        return 0
    late, cancelled = await _late(tasks, max(0, seconds))
    count = len(late)
    while late:
        for task in late:
            task.cancel()
        late, again = await _late(late, GRACE)
        cancelled = cancelled or again
    if cancelled:
        raise cancelled
    return count


async def _late(
    tasks: Collection["asyncio.Task[Any]"], seconds: float
) -> tuple[Collection["asyncio.Task[Any]"], asyncio.CancelledError | None]:
    """Those that have not ended after some seconds, or when this is cancelled."""
    try:
        _, late = await asyncio.wait(tasks, timeout=seconds)
    except asyncio.CancelledError as cancelled:
        return [task for task in tasks if not task.done()], cancelled
    return late, None


class Stragglers:
    """Tasks that were given up and take their time to end; who opens this awaits them when it closes.

    Tidying up waits for an engine that hangs, and whoever gave the task up has no time for that.
    """

    def __init__(self) -> None:
        self._ending: set[asyncio.Task[int]] = set()

    async def give_up(self, tasks: Collection["asyncio.Task[Any]"]) -> None:
        """Cancel tasks; those that do not end at once are ended while this is open."""
        unfinished = {task for task in tasks if not task.done()}
        for task in unfinished:
            task.cancel()
        try:
            if unfinished:
                await asyncio.wait(unfinished, timeout=AT_ONCE)
        finally:
            self._end({task for task in unfinished if not task.done()})

    def _end(self, tasks: Collection["asyncio.Task[Any]"]) -> None:
        if not tasks:
            return
        for task in tasks:
            task.add_done_callback(_tell_of)
        ending = asyncio.create_task(ended(tasks, GRACE))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._ending:
            await asyncio.wait(self._ending)


def _tell_of(task: "asyncio.Task[Any]") -> None:
    """Log with what a task ended that nobody waits for any more."""
    if not task.cancelled() and (error := task.exception()):
        log.warning("What was given up ended with %s: %s", type(error).__name__, error)


def seconds_asked_for(retry_after: str) -> float:
    """The seconds of a header `Retry-After`, RFC 9110 section 10.2.3, in either of its forms; else 0."""
    try:
        if retry_after[:1].isdigit():
            seconds = float(retry_after)
        else:
            seconds = parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_REST)


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
