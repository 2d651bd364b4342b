"""A whole memOS for a benchmark, on a folder of its own, and a lean HTTP client to load it with."""

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from memos.devstack.stack import Addresses, running_stack


@dataclass(frozen=True)
class Stack:
    """Where the memOS under test listens."""

    port: int
    addresses: Addresses
    pid: int


@asynccontextmanager
async def running_memos(**settings: str) -> AsyncIterator[Stack]:
    """`memos up` on an empty folder and a free port, until the context is left."""
    with tempfile.TemporaryDirectory(prefix="memos-bench-") as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        env = {**os.environ, "MEMOS_HOME": folder, "MEMOS_API_PORT": str(port), **settings}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "memos", "up", env=env, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout
        try:
            if not await process.stdout.readline():
                raise SystemExit("memOS did not start; its error is above.")
            addresses = running_stack(Path(folder))
            assert addresses
            yield Stack(port, addresses, process.pid)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def command(*words: str) -> bytes:
    """What a `memos` command prints; one that fails ends the benchmark."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "memos", *words), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"memos {words[0]} failed; its error is above.")
    return output


class Connection:
    """One kept-alive HTTP/1.1 connection: a client that costs some 50 µs a request, not the server's share."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def post(self, path: str, body: Any) -> Any:
        """The parsed answer; anything but 200 ends the benchmark."""
        return await self.ask("POST", path, body)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The parsed answer to any request; anything but 200 ends the benchmark."""
        payload = b"" if body is None else to_json(body)
        head = f"{method} {path} HTTP/1.1\r\nHost: memos\r\nContent-Type: application/json\r\n"
        self._writer.write(f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload)
        answered = await self._reader.readuntil(b"\r\n\r\n")
        headers = dict(line.lower().split(b": ") for line in answered.split(b"\r\n")[1:] if line)
        length = int(headers[b"content-length"])
        data = await self._reader.readexactly(length)
        if not answered.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"{path} answered {answered.splitlines()[0]!r}: {data[:500]!r}")
        return from_json(data)

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def connections(port: int, count: int) -> AsyncIterator[list[Connection]]:
    opened = [Connection(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(count)]
    try:
        yield opened
    finally:
        for connection in opened:
            connection.close()


async def share(
    workers: Sequence[Connection], work: Sequence[Any], run: Callable[[Connection, Any], Awaitable[None]]
) -> None:
    """Have every connection take the next piece of work as soon as it is free."""
    pending = iter(work)

    async def drain(connection: Connection) -> None:
        for piece in pending:
            await run(connection, piece)

    await asyncio.gather(*map(drain, workers))
