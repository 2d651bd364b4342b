"""Acting again and again until a lane is told to stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from redis.exceptions import RedisError

from memos.waiting import told

log = logging.getLogger(__name__)

PAUSE_AFTER_ERROR = 1.0


async def every(seconds: float, stopping: asyncio.Event, act: Callable[[], Awaitable[None]], doing: str) -> None:
    """Act again and again until told to stop; whatever goes wrong with Redis is waited out."""
    while not stopping.is_set():
        rest = seconds
        try:
            await act()
        except (RedisError, OSError) as error:
            rest = max(seconds, PAUSE_AFTER_ERROR)
            log.warning("%s failed: %s; trying again in %.1f s", doing, error, rest)
        await told(stopping, rest)
