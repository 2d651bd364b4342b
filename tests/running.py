"""A whole memOS on the engines under test: both lanes and the facade, in a thread of their own."""

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from memos.api.app import create_app
from memos.api.server import FacadeServer
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
        self._socket = socket.create_server(("127.0.0.1", 0))
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


async def ready(url: str) -> None:
    """Return when the facade and a worker of each lane answer."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:

        async def answered() -> bool:
            return (await client.get("/health/ready")).status_code == httpx.codes.OK

        await until(answered)


async def until(condition: Callable[[], Awaitable[object]], seconds: float = 20) -> None:
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
    async with asyncio.timeout(60):
        output, errors = await process.communicate()
    return Ended(process.returncode, output.decode(), errors.decode())
