"""A whole memOS of separate processes, each restarted when it ends and each within reach of a signal."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

import memos
from faults.plan import BACKEND, WORKERS
from memos.client.redis import open_redis
from memos.devstack.edge import start_edge
from memos.devstack.folder import Home, held_home
from memos.devstack.postgres import postgres_dsn, start_postgres
from memos.devstack.processes import Child, Processes, Program
from memos.devstack.valkey import start_valkey, valkey_url
from memos.errors import ConfigurationError, MemosError
from memos.events.streams import GROUP

log = logging.getLogger(__name__)

TESTS = Path(__file__).parents[1]
UP_WITHIN = 60.0
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
LANE_OF = {"worker-interactive-1": "interactive", "worker-interactive-2": "interactive", "worker-bulk": "bulk"}
READ_BY = {"interactive": "memos:query", "bulk": "memos:ingest"}
"""A stream of each lane: whoever reads it is at work."""

Start = Callable[[], Awaitable[object]]


class Part:
    """One process that is started again whenever it ends; `up` is set while it serves."""

    def __init__(self, name: str, processes: Processes, start: Start) -> None:
        self.name = name
        self.up = asyncio.Event()
        self.starts = 0
        self._processes = processes
        self._start = start
        self._last: Child | None = None

    @property
    def child(self) -> Child:
        """Its last process, also one that has ended. Raises `LookupError` when none was started."""
        for child in reversed(self._processes.children):
            if child.program.name == self.name:
                self._last = child
                break
        if self._last is None:
            raise LookupError(f"{self.name} was not started yet")
        return self._last

    async def keep(self) -> None:
        """Start it again and again, until cancelled."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self._start()
                self.starts += 1
                self.up.set()
                pause = FIRST_PAUSE
                await self.child.wait()
            except MemosError as error:
                log.info("%s did not start: %s", self.name, error)
            finally:
                self.up.clear()
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def pids(self) -> list[int]:
        """Its process and those that it started, which is what a stop has to reach."""
        return [self.child.pid, *children_of(self.child.pid)]

    def send(self, number: signal.Signals, pids: Sequence[int]) -> None:
        """Send a signal to processes; those that have ended are none."""
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


class System:
    """The parts of a memOS, and where they are reached."""

    def __init__(self, home: Home, port: int, mutation: str | None) -> None:
        self.home = home
        self.redis_url = valkey_url(home)
        self.postgres_dsn = postgres_dsn(home)
        self.edge_socket = home.socket("edge")
        self.url = f"http://127.0.0.1:{port}"
        self.parts: dict[str, Part] = {}
        self._mutation = mutation
        self._env = {
            "PATH": os.defpath,
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(map(os.fspath, (Path(memos.__file__).parents[1], TESTS))),
            "MEMOS_HOME": os.fspath(home.path),
            "MEMOS_REDIS_URL": self.redis_url,
            "MEMOS_POSTGRES_DSN": self.postgres_dsn,
            "MEMOS_EDGE_SOCKET": os.fspath(self.edge_socket),
            "MEMOS_API_PORT": str(port),
            "MEMOS_EMBEDDING_THREADS": "1",
        }

    @property
    def env(self) -> Mapping[str, str]:
        """The settings under which every `memos` command finds this system."""
        return self._env

    def add_engines(self, processes: Processes) -> None:
        """Valkey, PostgreSQL and the Edge process."""
        starts: dict[str, Start] = {
            "valkey": lambda: start_valkey(self.home, processes, port=0),
            "postgres": lambda: start_postgres(self.home, processes),
            "edge": lambda: start_edge(self.home, processes),
        }
        self.parts.update({name: Part(name, processes, start) for name, start in starts.items()})

    def add_commands(self, processes: Processes, redis: Redis) -> None:
        """The workers and the facade."""
        for name in WORKERS:
            self.parts[name] = Part(name, processes, self._worker(name, processes, redis))
        self.parts["api"] = Part("api", processes, self._api(processes))

    def program(self, name: str, *words: str) -> Program:
        """A `memos` command; a worker may run with a mutation."""
        mutated = self._mutation and words[0] == "worker"
        module = ["faults.mutants", self._mutation or ""] if mutated else ["memos"]
        return Program(name, [sys.executable, "-P", "-m", *module, *words], self.home.log(name), env=self.env)

    def backends(self) -> list[int]:
        """The processes of PostgreSQL that serve a client each."""
        return [pid for pid in children_of(self.parts["postgres"].child.pid) if b"postgres: memos" in title(pid)]

    def part_of(self, target: str) -> Part:
        """The part that a fault's target belongs to."""
        return self.parts["postgres" if target == BACKEND else target]

    def _worker(self, name: str, processes: Processes, redis: Redis) -> Start:
        lane = LANE_OF[name]

        async def reads() -> bool:
            pid = self.parts[name].child.pid
            try:
                consumers = await redis.xinfo_consumers(READ_BY[lane], GROUP)
            except RedisError:
                return False
            return any(consumer_of(row["name"], pid) for row in consumers)

        async def start() -> None:
            await processes.start(self.program(name, "worker", "--lane", lane), ready=reads)

        return start

    def _api(self, processes: Processes) -> Start:
        async def answers() -> bool:
            async with httpx.AsyncClient(base_url=self.url, timeout=2) as client:
                try:
                    return (await client.get("/health/live")).status_code == httpx.codes.OK
                except httpx.HTTPError:
                    return False

        async def start() -> None:
            await processes.start(self.program("api", "api"), ready=answers)

        return start


@asynccontextmanager
async def open_system(folder: Path, mutation: str | None = None) -> AsyncIterator[System]:
    """A memOS on a folder of its own, all of it up, until the context is left."""
    async with AsyncExitStack() as stack:
        home = await stack.enter_async_context(held_home(folder))
        engines = await stack.enter_async_context(Processes(home.held))
        commands = await stack.enter_async_context(Processes(home.held))
        system = System(home, _free_port(), mutation)
        redis = await stack.enter_async_context(open_redis(system.redis_url))
        keeping: list[asyncio.Task[None]] = []
        stack.push_async_callback(_end, keeping)
        system.add_engines(engines)
        keeping += [_kept(part) for part in system.parts.values()]
        await _all_up(system)
        await commands.run(system.program("migrate", "migrate"))
        before = set(system.parts)
        system.add_commands(commands, redis)
        keeping += [_kept(part) for name, part in system.parts.items() if name not in before]
        await _all_up(system)
        yield system


def _kept(part: Part) -> asyncio.Task[None]:
    """A task that keeps a part; should it end by itself, that is told at once."""

    def told(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            log.error("%s is not kept any more", part.name, exc_info=error)

    task = asyncio.create_task(part.keep())
    task.add_done_callback(told)
    return task


async def _all_up(system: System) -> None:
    """Return when every part serves. Raises `ConfigurationError` naming those that do not."""
    try:
        async with asyncio.timeout(UP_WITHIN):
            await asyncio.gather(*(part.up.wait() for part in system.parts.values()))
    except TimeoutError:
        missing = ", ".join(part.name for part in system.parts.values() if not part.up.is_set())
        logs = system.home.path / "logs"
        raise ConfigurationError(f"{missing} did not start within {UP_WITHIN:.0f} s. See {logs}.") from None


async def _end(keeping: Sequence[asyncio.Task[None]]) -> None:
    for task in keeping:
        task.cancel()
    await asyncio.gather(*keeping, return_exceptions=True)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def consumer_of(name: bytes, pid: int) -> bool:
    """Whether a consumer's name is that of a process of this machine."""
    return name.startswith(f"{socket.gethostname()}-{pid}-".encode())


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except OSError:
        return []


def title(pid: int) -> bytes:
    """What a process calls itself."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
