"""The server on standard input and output: one client, which started it and ends it."""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast

from mcp.server import Server
from mcp.server.stdio import stdio_server

log = logging.getLogger(__name__)

MOST_UNREAD = 64
"""How many messages are read ahead of the server."""


class Lines:
    """The lines of standard input, read by a thread that nobody waits for.

    A read of a terminal or a pipe cannot be called off: whoever waited for it could not end before another line.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()
        self._room = threading.Semaphore(MOST_UNREAD)
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    async def __aiter__(self) -> AsyncIterator[str]:
        """The lines until the end of input."""
        while line := await self._lines.get():
            self._room.release()
            yield line.decode(errors="replace")

    def _read(self) -> None:
        with suppress(RuntimeError):  # the loop is closed
            with suppress(OSError), os.fdopen(os.dup(0), "rb") as stdin:  # which ends it, too
                for line in stdin:
                    self._room.acquire()
                    self._loop.call_soon_threadsafe(self._lines.put_nowait, line)
            self._loop.call_soon_threadsafe(self._lines.put_nowait, b"")


async def serve_stdio(server: Server[Any]) -> None:
    """Serve until the input ends or its reader is gone. Nothing but the protocol goes to standard output."""
    lines = cast("Any", Lines())
    try:
        async with stdio_server(stdin=lines) as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())
    except* BrokenPipeError:
        log.info("The client is gone: it does not read any more")
