"""A whole memOS with two facades, whose worker also answers a command without any work."""

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from memos.devstack.processes import Program
from memos.devstack.stack import Addresses, embedded_stack
from memos.stores.migrate import migrate

FACADES = 2
STARTS_WITHIN = 60.0
MEMOS = ("-P", "-m", "memos")
IDLE_WORKER = (str(Path(__file__).with_name("idle_worker.py")),)


@asynccontextmanager
async def running_facades(upstream: str) -> AsyncIterator[Sequence[int]]:
    """The ports of the facades of a memOS of its own, before a server of language models."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="memos-bench-")))
        addresses = await stack.enter_async_context(embedded_stack(home))
        await migrate(addresses.postgres_dsn)
        env = _environment(home, addresses, upstream)
        ports = _free_ports(FACADES)
        await stack.enter_async_context(_running(home, IDLE_WORKER, env))
        await stack.enter_async_context(_running(home, (*MEMOS, "worker", "--lane", "bulk"), env))
        for port in ports:
            facade = {**env, "MEMOS_API_PORT": str(port)}
            await stack.enter_async_context(_running(home, (*MEMOS, "api"), facade))
        async with asyncio.timeout(STARTS_WITHIN):
            for port in ports:
                await _ready(port)
        yield ports


def _environment(home: Path, addresses: Addresses, upstream: str) -> Mapping[str, str]:
    return {
        **os.environ,
        "MEMOS_HOME": str(home),
        "MEMOS_REDIS_URL": addresses.redis_url,
        "MEMOS_POSTGRES_DSN": addresses.postgres_dsn,
        "MEMOS_EDGE_SOCKET": str(addresses.edge_socket),
        "MEMOS_QDRANT_URL": "",
        "MEMOS_LLM_URL": upstream,
    }


@asynccontextmanager
async def _running(home: Path, words: Sequence[str], env: Mapping[str, str]) -> AsyncIterator[None]:
    """A Python program that ends with this process, whatever becomes of it."""
    program = Program("bench", [sys.executable, *words], home / "bench.log", env=env)
    process = await asyncio.create_subprocess_exec(*program.launched(), env=env)
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _free_ports(count: int) -> list[int]:
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in opened]
    for one in opened:
        one.close()
    return ports


async def _ready(port: int) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        while not await _answers(client, f"http://127.0.0.1:{port}/health/ready"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
