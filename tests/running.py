"""A whole memOS on the engines under test: both lanes and the facade, in a thread of their own."""

import asyncio
import os
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from conftest import Engines, execute, with_database

from memos.api.app import create_app
from memos.api.server import FacadeServer
from memos.client.redis import open_redis
from memos.devstack.stack import open_stack
from memos.runtime import run_worker
from memos.settings import Settings


@dataclass(frozen=True)
class Memos:
    """Where a running memOS is reached."""

    url: str
    settings: Settings

    @property
    def redis_url(self) -> str:
        assert self.settings.redis_url is not None
        return self.settings.redis_url


class Served:
    """Both lanes and the facade, run until told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._socket = tcp_socket()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="memos")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        assert self._settings.redis_url is not None
        app = create_app(self._settings, self._settings.redis_url)
        facade = FacadeServer(app, log_config=None, access_log=False, lifespan="on")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run_worker(self._settings, "interactive", self._stopping))
            tasks.create_task(run_worker(self._settings, "bulk", self._stopping))
            tasks.create_task(facade.serve(sockets=[self._socket]))
            await self._stopping.wait()
            facade.should_exit = True


def tcp_socket() -> socket.socket:
    """A socket that listens on a free port; asyncio sends without delay only on those that name their protocol."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.bind(("127.0.0.1", 0))
    opened.listen()
    return opened


async def ready(url: str) -> None:
    """Return when the facade and a worker of each lane answer."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:

        async def answered() -> bool:
            return (await client.get("/health/ready")).status_code == httpx.codes.OK

        await until(answered)


@asynccontextmanager
async def served(engines: Engines, template: str, number: str, **told: Any) -> AsyncIterator[Memos]:
    """A memOS on a database of its own of Redis and of PostgreSQL, and vectors of its own, with some settings."""
    name = f"memos_served_{uuid4().hex[:8]}"
    await execute(engines.postgres_dsn, f"create database {name} template {template} strategy file_copy")
    redis_url, dsn = with_redis_database(engines.redis_url, number), with_database(engines.postgres_dsn, name)
    async with open_redis(redis_url) as client:
        await client.flushdb()
    async with own_edge(redis_url, dsn) as edge_socket:
        settings = Settings(
            redis_url=redis_url, postgres_dsn=dsn, edge_socket=edge_socket, embedding_threads=1, **told
        )
        running = Served(settings)
        running.start()
        try:
            await ready(running.url)
            yield Memos(running.url, settings)
        finally:
            await asyncio.to_thread(running.stop)
    await execute(engines.postgres_dsn, f"drop database {name} with (force)")


@asynccontextmanager
async def own_edge(redis_url: str, postgres_dsn: str) -> AsyncIterator[Path]:
    """The socket of an embedded vector engine for one ledger: two would take each other's points for strays."""
    with tempfile.TemporaryDirectory(prefix="memos-edge-") as home:
        async with open_stack(Path(home), redis_url=redis_url, postgres_dsn=postgres_dsn) as stack:
            yield stack.addresses.edge_socket


async def until(condition: Callable[[], Awaitable[object]], seconds: float = 60) -> None:
    """Return when a condition holds; fail when it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what is awaited is in other processes and threads
            await asyncio.sleep(0.01)


def with_redis_database(url: str, number: str) -> str:
    """A Redis URL with another database."""
    return f"{url}{'&' if '?' in url else '?'}db={number}"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int | None
    output: str
    errors: str


async def command(*words: str, **settings: str) -> Ended:
    """Run a `memos` command to its end, with no other settings than these."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "memos", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", **settings},
    )
    async with asyncio.timeout(120):
        output, errors = await process.communicate()
    return Ended(process.returncode, output.decode(), errors.decode())
