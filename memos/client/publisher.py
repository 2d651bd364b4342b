"""Adding entries to streams, many in one round trip."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from memos.events.envelope import FIELD


class Addition(NamedTuple):
    """An entry to be added, and the future that is done once it is."""

    stream: str
    document: bytes
    added: asyncio.Future[None]


class Publisher:
    """Adds entries; those that come while others are under way go together after them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: list[Addition] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, stream: str, document: bytes) -> None:
        """Return once the entry is on its stream. Raises `RedisError` or `OSError` when it may not be."""
        added = asyncio.get_running_loop().create_future()
        self._waiting.append(Addition(stream, document, added))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        await added

    async def _work(self) -> None:
        while self._waiting:
            together, self._waiting = self._waiting, []
            results = await self._add(together)
            for addition, result in zip(together, results, strict=True):
                _resolve(addition.added, result)

    async def _add(self, additions: Sequence[Addition]) -> Sequence[object]:
        pipeline = self._redis.pipeline(transaction=False)
        for addition in additions:
            pipeline.xadd(addition.stream, {FIELD: addition.document})
        try:
            results: Sequence[object] = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            return [error] * len(additions)
        return results


def _resolve(added: asyncio.Future[None], result: object) -> None:
    if added.done():
        return
    if isinstance(result, Exception):
        added.set_exception(result)
    else:
        added.set_result(None)
