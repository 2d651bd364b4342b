"""Running a program until it is done, or a signal says stop."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from memos.waiting import ended

T = TypeVar("T")

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_until_stopped(work: Coroutine[Any, Any, T]) -> T | None:
    """What comes of the work; nothing if a signal came before, after which it has cleaned up."""
    return asyncio.run(_run(work))


async def _run(work: Coroutine[Any, Any, T]) -> T | None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOPS:
        loop.add_signal_handler(number, stopped.set)
    working, stopping = asyncio.create_task(work), asyncio.create_task(stopped.wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    await ended([working, stopping], 0)
    return None if working.cancelled() else working.result()
