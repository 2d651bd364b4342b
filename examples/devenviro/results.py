"""Results as they come back: kept first, then acknowledged, then given to whoever waits for them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from pydantic import ValidationError
from redis.exceptions import RedisError

from devenviro.mailbox import Mailbox
from devenviro.messages import Result
from devenviro.tasks import Tasks
from memos.errors import Conflict, MemosError
from memos.waiting import ended

PAUSE = 0.5
"""Seconds to wait after the bus or memOS did not answer."""


class Results:
    """The results for one orchestrator. The first one for a task counts."""

    def __init__(self, mailbox: Mailbox, tasks: Tasks) -> None:
        self._mailbox = mailbox
        self._tasks = tasks
        self._waiting: dict[str, asyncio.Future[Result]] = {}

    @contextmanager
    def waiting_for(self, task_id: str) -> Iterator[asyncio.Future[Result]]:
        """What gets the result if it comes meanwhile. Raises `Conflict` when somebody waits for it already."""
        if task_id in self._waiting:
            raise Conflict(f"Task {task_id!r} is being run already: await that.")
        self._waiting[task_id] = asyncio.get_running_loop().create_future()
        try:
            yield self._waiting[task_id]
        finally:
            del self._waiting[task_id]

    @asynccontextmanager
    async def collected(self) -> AsyncIterator[None]:
        """Take results meanwhile; a bus that is away is waited for."""
        collecting = asyncio.create_task(self._collect())
        try:
            yield
        finally:
            await ended([collecting], 0)

    async def _collect(self) -> None:
        while True:
            try:
                await self._mailbox.open()
                while True:
                    await self._collect_one()
            except (RedisError, OSError, MemosError):
                await asyncio.sleep(PAUSE)

    async def _collect_one(self) -> None:
        letter = await self._mailbox.next()
        if letter is None:
            return
        try:
            result = Result.model_validate_json(letter.message)
        except ValidationError:
            await self._mailbox.bury(letter, "no result")
            return
        if await self._tasks.result(result.task_id) is None:
            await self._tasks.keep_result(result)
        await self._mailbox.finish(letter)
        waiting = self._waiting.get(result.task_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(result)
