"""`memos up`: the whole of memOS from one command, on embedded engines where no address is given."""

import asyncio
import os
import shlex
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import typer

from memos.devstack.logs import keep_small
from memos.devstack.processes import Child, Processes, Program, together, until_ready
from memos.devstack.restarts import Supervised
from memos.devstack.stack import Stack, open_stack
from memos.errors import ConfigurationError
from memos.settings import Settings

_BULK_NICENESS = 10
_ANSWER_WITHIN = 10.0
_TO_LEAVE = 3.0
"""Seconds that a worker may take to end after its `stop_seconds`."""

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up(settings: Settings) -> None:
    """Run engines, workers and API until Ctrl-C, or another signal to end.

    A process that ends is started again, with one line on standard error that says which it was and how it
    ended. Raises `ConfigurationError` when something does not start, or not any more.
    """
    asyncio.run(_until_signalled(settings))


async def _until_signalled(settings: Settings) -> None:
    """Cancel what runs on the first signal; later ones change nothing, since the stop is bounded in time."""
    running = asyncio.create_task(_run(settings))

    def stop() -> None:
        if not running.cancelling():
            running.cancel()

    loop = asyncio.get_running_loop()
    for number in _STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await running


async def _run(settings: Settings) -> None:
    check_port(settings.api_host, settings.api_port)
    async with (
        open_stack(
            settings.home,
            valkey_port=settings.valkey_port,
            redis_url=settings.redis_url,
            postgres_dsn=settings.postgres_dsn,
            edge=settings.qdrant_url is None,
        ) as stack,
        Processes(stack.home.held) as workers,
        Processes(stack.home.held) as front,
    ):
        env = {**os.environ, **_addresses(settings, stack)}
        commands = _Commands(stack, env, settings.stop_seconds + _TO_LEAVE)
        api = Supervised(lambda: _start_api(settings, front, commands.program("api", "api")))
        await api.open()
        await workers.run(commands.program("migrate", "migrate"))
        lanes = [Supervised(partial(workers.start, program)) for program in commands.workers()]
        for lane in lanes:
            await lane.open()
        supervised = [*stack.engines.values(), *lanes, api]
        await _api_ready(_url(settings), [one.child for one in supervised])
        typer.echo(_welcome(settings, stack))
        await together([*(one.keep(_tell) for one in supervised), keep_small(commands.logs)])


def _tell(line: str) -> None:
    typer.echo(f"memos: {line}", err=True)


async def _start_api(settings: Settings, front: Processes, program: Program) -> Child:
    check_port(settings.api_host, settings.api_port)
    return await front.start(program)


@dataclass(frozen=True)
class _Commands:
    """The other `memos` commands as programs, with the environment that lets them find the engines."""

    stack: Stack
    env: Mapping[str, str]
    stop_within: float

    def program(self, name: str, *words: str, nice: int = 0) -> Program:
        """One command; `-P` keeps a folder `memos` in the working directory from being taken for the package."""
        command = [sys.executable, "-P", "-m", "memos", *words]
        log = self.stack.home.log(name)
        return Program(name, command, log, env=self.env, nice=nice, stop_within=self.stop_within)

    def workers(self) -> list[Program]:
        """The worker of each lane."""
        return [
            self.program("worker-interactive", "worker", "--lane", "interactive"),
            self.program("worker-bulk", "worker", "--lane", "bulk", nice=_BULK_NICENESS),
        ]

    def logs(self) -> list[Path]:
        """The logs of all that runs."""
        return sorted((self.stack.home.path / "logs").glob("*.log"))


def _addresses(settings: Settings, stack: Stack) -> dict[str, str]:
    known = {
        "MEMOS_HOME": os.fspath(stack.home.path),
        "MEMOS_REDIS_URL": stack.addresses.redis_url,
        "MEMOS_POSTGRES_DSN": stack.addresses.postgres_dsn,
        "MEMOS_API_HOST": settings.api_host,
        "MEMOS_API_PORT": str(settings.api_port),
    }
    if settings.qdrant_url is None:
        return {**known, "MEMOS_EDGE_SOCKET": os.fspath(stack.addresses.edge_socket)}
    return {**known, "MEMOS_QDRANT_URL": settings.qdrant_url}


def check_port(host: str, port: int) -> None:
    """Raise `ConfigurationError` unless a server could listen there now."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ConfigurationError(
            f"The API cannot listen on {host} port {port} ({error.strerror}): "
            "end the program that uses it, or set MEMOS_API_PORT or MEMOS_API_HOST"
        ) from error


async def _api_ready(url: str, children: list[Child]) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=_ANSWER_WITHIN) as client:

        async def ready() -> bool:
            try:
                return (await client.get("/health/ready")).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        await until_ready("The API", ready, children)


def _url(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.api_host, settings.api_host)  # noqa: S104
    return f"http://[{host}]:{settings.api_port}" if ":" in host else f"http://{host}:{settings.api_port}"


def _welcome(settings: Settings, stack: Stack) -> str:
    url = _url(settings)
    socket_path = shlex.quote(os.fspath(stack.home.socket("valkey")))
    redis = f"-s {socket_path}" if settings.redis_url is None else '-u "$MEMOS_REDIS_URL"'
    return "\n".join(
        (
            f"memOS is ready at {url} (reference: {url}/docs).",
            "  memos ingest PATH      remember a folder of sources",
            '  memos query "…"        search what is remembered',
            f"  redis-cli {redis}",
            f"Logs are in {stack.home.path / 'logs'}. Ctrl-C stops everything.",
        )
    )
