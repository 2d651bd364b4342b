"""A projection that a former version of memOS made goes on as it is, until it is made anew beside that."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from memos.errors import Conflict, MemosError
from memos.ports import Generations
from memos.projection.rebuild import Stage, Told
from memos.records import FORMAT, Generation

log = logging.getLogger(__name__)

FIRST_PAUSE = 5.0
LONGEST_PAUSE = 300.0
"""Seconds between two attempts; they double from the first."""


async def outdated(generations: Generations) -> Generation | None:
    """The current generation if its points are made as they no longer are. Raises `Unavailable`."""
    current = await generations.current()
    return current if current and current.format < FORMAT else None


async def patiently(upgrade: Callable[[], Awaitable[None]]) -> None:
    """Attempt an upgrade until it succeeds: its failures are logged, and harm nobody."""
    pause = FIRST_PAUSE
    while True:
        try:
            return await upgrade()
        except Conflict as busy:
            log.info("The upgrade of the memories' points waits: %s", busy)
        except MemosError as error:
            log.warning("The upgrade of the memories' points is put off: %s", error)
        except Exception:
            # The worker is healthy: whatever a model or an engine raises must not end it.
            log.exception("The upgrade of the memories' points fails in a way that was not foreseen; it is put off")
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def stages_logged() -> Told:
    """Logs each stage of a rebuild as it begins."""
    begun: set[Stage] = set()

    def told(stage: Stage, done: int, total: int) -> None:
        if stage not in begun:
            begun.add(stage)
            log.info("The upgrade of the memories' points: %s, %d of %d", stage, done, total)

    return told
