"""Child processes: started ready, watched, stopped together, and never outliving their parent."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from memos.devstack import logs
from memos.errors import ConfigurationError, MemosError, Unavailable

Probe = Callable[[], Awaitable[bool]]
"""Asks a program whether it is ready to serve."""

START_WITHIN = 120.0
"""Seconds a program may take until it is ready; loading much data takes most of them."""

STOP_WITHIN = 10.0
"""Seconds a program may take to stop after its signal, before it is killed, unless it says otherwise."""

_SHORTEST_PAUSE = 0.01
_LONGEST_PAUSE = 0.16
_LAUNCHER = Path(__file__).with_name("launch.py")
_SCARCE = 64 * 2**20


@dataclass(frozen=True)
class Program:
    """What to run.

    `stop` is the signal that ends it in order within `stop_within` seconds, `not_root_in` names folders that
    it must own and, when there are any, says that it refuses to run as root. `env` is inherited when `None`.
    """

    name: str
    command: Sequence[str]
    log: Path
    stop: signal.Signals = signal.SIGTERM
    env: Mapping[str, str] | None = None
    nice: int = 0
    stop_within: float = STOP_WITHIN
    not_root_in: tuple[Path, ...] = ()

    def launched(self) -> list[str]:
        """The command line of the launcher that becomes this program."""
        options = [f"--parent={os.getpid()}", f"--signal={self.stop.value}", f"--nice={self.nice}"]
        options += [f"--not-root-in={folder}" for folder in self.not_root_in]
        return [sys.executable, "-I", "-S", str(_LAUNCHER), *options, "--", *self.command]


class Child:
    """One running program."""

    def __init__(self, program: Program, process: asyncio.subprocess.Process, log_from: int) -> None:
        self.program = program
        self.pid = process.pid
        self._process = process
        self._log_from = log_from

    @property
    def exited(self) -> bool:
        """Whether it has ended."""
        return self._process.returncode is not None

    async def wait(self) -> int:
        """Its exit code, once it has ended; minus the signal if one killed it."""
        return await self._process.wait()

    async def feed(self, text: bytes) -> int:
        """Give it all of its standard input; its exit code, once it has ended."""
        await self._process.communicate(text)
        return await self.wait()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal unless it has ended."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def stop(self) -> None:
        """End it by its own signal, or by SIGKILL when it takes longer than it may."""
        self.send(self.program.stop)
        try:
            await asyncio.wait_for(self.wait(), self.program.stop_within)
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self.wait()

    def complaint(self) -> str | None:
        """The last line of this run's log that tells of an error."""
        return logs.complaint(self._lines())

    def last_words(self) -> str:
        """The last line of this run's log that tells of an error, else the last one."""
        return self.complaint() or ["it logged nothing", *self._lines()][-1]

    def _lines(self) -> list[str]:
        return logs.lines(self.program.log, self._log_from)

    def end(self) -> str:
        """One line on how it ended: its name, exit code, last words and log."""
        code = self._process.returncode
        how = f"was killed by {signal.Signals(-code).name}" if code and code < 0 else f"ended with exit code {code}"
        return f"{self.program.name} {how}: {self.last_words()} (log: {self.program.log})"

    def failure(self, what: str) -> MemosError:
        """The error for a start that failed; when the disk is full it is that, which may pass.

        A full disk keeps the line that says so from its own log, hence the look at what is free.
        """
        folder = self.program.log.parent
        full = any("No space left" in line for line in self._lines())
        if full or shutil.disk_usage(folder).free < _SCARCE:
            return Unavailable(f"The disk of {folder.parent} is full: free some space. {what}")
        return ConfigurationError(what)


class Processes:
    """Children that belong together: leaving the context stops them all, at the same time.

    They inherit `held`, the descriptor of the home folder's lock, so that the folder counts as taken until
    the last of them has ended, even when their parent was killed. The kernel ends them with the
    *thread* that starts them: enter the context in one that lives as long as they have to.
    """

    def __init__(self, held: int) -> None:
        self.children: list[Child] = []
        self._held = held

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stopping = asyncio.ensure_future(self._stop())
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:
            await stopping
            raise

    async def _stop(self) -> None:
        await asyncio.gather(*(child.stop() for child in self.children))

    async def start(self, program: Program, *, ready: Probe | None = None) -> Child:
        """Start a program and return when it is ready.

        Raises `ConfigurationError` when it ends before, or is not ready within `START_WITHIN` seconds, and
        `Unavailable` when that is for want of room on the disk. It does not run then.
        """
        child = await self._spawn(program, stdin=asyncio.subprocess.DEVNULL)
        if ready is not None:
            try:
                await until_ready(program.name, ready, [child])
            except MemosError:
                await child.stop()
                raise
        return child

    async def run(self, program: Program, *, text: bytes = b"") -> None:
        """Run a program to its end. Raises `ConfigurationError` or `Unavailable` unless it succeeds."""
        child = await self._spawn(program, stdin=asyncio.subprocess.PIPE)
        if await child.feed(text) != 0:
            raise child.failure(child.end())

    async def _spawn(self, program: Program, *, stdin: int) -> Child:
        self.children = [child for child in self.children if not child.exited]
        log_from = logs.rotated(program.log)
        with program.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *program.launched(),
                stdin=stdin,
                stdout=log,
                stderr=log,
                env=program.env,
                start_new_session=True,
                pass_fds=[self._held],
            )
        child = Child(program, process, log_from)
        self.children.append(child)
        return child


async def until_ready(what: str, ready: Probe, children: Sequence[Child]) -> None:
    """Return when `ready` says so.

    Raises `ConfigurationError`, or `Unavailable` when the disk is full, when one of the children it depends
    on ends before, or when it does not say so within `START_WITHIN` seconds.
    """
    pause = _SHORTEST_PAUSE
    try:
        async with asyncio.timeout(START_WITHIN):
            while not await ready():
                for child in children:
                    if child.exited:
                        raise child.failure(child.end())
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
    except TimeoutError:
        raise _not_ready(what, children) from None


def _not_ready(what: str, children: Sequence[Child]) -> MemosError:
    complaining = [child for child in children if child.complaint()] or children[-1:]
    words = "; ".join(
        f"{child.program.name}: {child.last_words()} (log: {child.program.log})" for child in complaining
    )
    return complaining[-1].failure(f"{what} is not ready after {START_WITHIN:.0f} seconds: {words}")


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all at the same time; the first failure ends the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
