"""A way to Redis that can be cut and joined again."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from redis.asyncio.connection import parse_url


class Cable:
    """Carries what is said on a port of this machine to the Redis of a URL, and back."""

    def __init__(self, redis_url: str) -> None:
        self._place = parse_url(redis_url)
        self._server: asyncio.Server | None = None
        self._writers: set[StreamWriter] = set()
        self._port = 0

    @property
    def url(self) -> str:
        """The URL of the same database by this way."""
        return f"redis://127.0.0.1:{self._port}/{self._place.get('db', 0)}"

    async def join(self) -> None:
        """Carry from now on, on the same port as before."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break every connection, and take no more."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        path = self._place.get("path")
        there = asyncio.open_unix_connection(path) if path else asyncio.open_connection(*self._address())
        far_reader, far_writer = await there
        self._writers |= {writer, far_writer}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_pass_on(reader, far_writer))
            tasks.create_task(_pass_on(far_reader, writer))
        self._writers -= {writer, far_writer}

    def _address(self) -> tuple[str, int]:
        return self._place.get("host", "localhost"), self._place.get("port", 6379)


@asynccontextmanager
async def cable_to(redis_url: str) -> AsyncIterator[Cable]:
    """A cable that is joined."""
    cable = Cable(redis_url)
    await cable.join()
    try:
        yield cable
    finally:
        await cable.cut()


async def _pass_on(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65_536):
            writer.write(some)
            await writer.drain()
    writer.close()
