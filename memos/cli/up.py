"""`memos up`: the whole of memOS from one command, on embedded engines where no address is given."""

import asyncio
import os
import shlex
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import typer

from memos.devstack.processes import Child, Processes, Program, first_exit, until_ready
from memos.devstack.stack import Stack, open_stack
from memos.errors import ConfigurationError
from memos.settings import Settings

_BULK_NICENESS = 10
_ANSWER_WITHIN = 10.0
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up(settings: Settings) -> int:
    """Run engines, workers and API until Ctrl-C; the exit code.

    It is 0 after a signal, and 1 when a process ended by itself, after one line on standard error
    that says which and why. Raises `ConfigurationError` when something does not start.
    """
    return asyncio.run(_until_signalled(settings))


async def _until_signalled(settings: Settings) -> int:
    """Cancel what runs on the first signal; later ones change nothing, since the stop is bounded in time."""
    running = asyncio.create_task(_run(settings))

    def stop() -> None:
        if not running.cancelling():
            running.cancel()

    loop = asyncio.get_running_loop()
    for number in _STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop)
    try:
        return await running
    except asyncio.CancelledError:
        return 0


async def _run(settings: Settings) -> int:
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
        commands = _Commands(stack, {**os.environ, **_addresses(settings, stack)})
        await front.start(commands.program("api", "api"))
        await workers.run(commands.program("migrate", "migrate"))
        await workers.start(commands.program("worker-interactive", "worker", "--lane", "interactive"))
        await workers.start(commands.program("worker-bulk", "worker", "--lane", "bulk", nice=_BULK_NICENESS))
        children = [*stack.engines.children, *workers.children, *front.children]
        await _api_ready(_url(settings), children)
        typer.echo(_welcome(settings, stack))
        return await _watch(children)


async def _watch(children: list[Child]) -> int:
    """Wait for a child that ends by itself, and say which; all the others are stopped then."""
    ended = await first_exit(children)
    typer.echo(f"memos: {ended.end()}", err=True)
    return 1


@dataclass(frozen=True)
class _Commands:
    """The other `memos` commands as programs, with the environment that lets them find the engines."""

    stack: Stack
    env: Mapping[str, str]

    def program(self, name: str, *words: str, nice: int = 0) -> Program:
        """One command; `-P` keeps a folder `memos` in the working directory from being taken for the package."""
        command = [sys.executable, "-P", "-m", "memos", *words]
        return Program(name, command, self.stack.home.log(name), env=self.env, nice=nice)


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
