"""Programs that are started again when they end."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

from memos.devstack.processes import Child
from memos.errors import ConfigurationError, MemosError, Unavailable

Start = Callable[[], Awaitable[Child]]
"""Starts a program and returns once it is ready; an error says why it is not."""

SOON = 10.0
"""Seconds; a program that ends sooner after its start has not run well."""

MOST_STARTS = 5
"""Starts in a row that do not end well until a program is given up."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
MOST_DOUBLINGS = 10

_PASSING = {os.EX_TEMPFAIL, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP}
"""Exit codes that say nothing against a program: it waits for another, or somebody killed it."""


class Supervised:
    """A program that is started again at once when it ends, and with growing pauses when it ends soon.

    It is given up only when it cannot be started at all: when it ended by itself, soon after its start,
    `MOST_STARTS` times in a row.
    """

    def __init__(self, start: Start) -> None:
        self._start = start
        self._run: Child | MemosError | None = None
        self._began = 0.0
        self._ended_soon = 0
        self._failed = 0

    @property
    def child(self) -> Child:
        """The program as it runs, or as it ran last."""
        if not isinstance(self._run, Child):
            raise TypeError("the program was not started, or its last start failed")
        return self._run

    async def open(self) -> None:
        """Start it. Raises what the start raises."""
        self._began = _now()
        self._run = await self._start()

    async def keep(self, tell: Callable[[str], None]) -> None:
        """Start it again whenever it ends, for ever, and tell so in one line each time.

        Raises `ConfigurationError` when it cannot be started at all.
        """
        while True:
            end, passing = await self._end()
            pause = self._pause(end, passing=passing)
            tell(f"{end}; starting it again{f' in {pause:g} s' if pause else ''}")
            await asyncio.sleep(pause)
            await self._again()

    async def _end(self) -> tuple[str, bool]:
        """Wait for the end; how it came, and whether it says nothing against the program."""
        if isinstance(self._run, MemosError):
            return self._run.detail, self._run.transient
        code = await self.child.wait()
        fault = self.child.failure(self.child.end())
        return fault.detail, fault.transient or code in _PASSING

    def _pause(self, end: str, *, passing: bool) -> float:
        """Seconds until the next start. Raises `ConfigurationError` when there is to be none."""
        if _now() - self._began >= SOON:
            self._ended_soon = self._failed = 0
            return 0
        self._ended_soon += 1
        self._failed = 0 if passing else self._failed + 1
        if self._failed >= MOST_STARTS:
            raise ConfigurationError(f"{end}; it was started {self._failed} times in a row and did not stay up")
        if self._ended_soon == 1:
            return 0
        return min(FIRST_PAUSE * 2.0 ** min(self._ended_soon - 2, MOST_DOUBLINGS), LONGEST_PAUSE)

    async def _again(self) -> None:
        self._began = _now()
        try:
            self._run = await self._start()
        except MemosError as error:
            self._run = error
        except OSError as error:
            self._run = Unavailable(f"What had ended cannot be started now ({error})")


def _now() -> float:
    return asyncio.get_running_loop().time()
