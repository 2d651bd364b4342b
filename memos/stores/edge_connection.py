"""The way to the Edge process: one connection of a worker, on which many calls may be in flight."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from memos.errors import ERRORS, Fault, InternalError, MalformedEntry, MemosError, Unavailable
from memos.stores.edge_frames import READ_BUFFER, Failure, Reply, encode, read_frame

PART_TO_BEGIN = 0.9
"""The part of a call's time within which the process must begin with it; the rest is for the answer."""


class EdgeConnection:
    """An open connection on which any number of calls may be in flight."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._listener = asyncio.create_task(self._listen())

    @property
    def lost(self) -> bool:
        """Whether the other side has gone."""
        return self._listener.done()

    async def call(self, header: Mapping[str, Any], floats: bytes) -> Reply:
        """Send a request and await its reply. Raises `ConnectionError` when the connection is lost."""
        number = next(self._numbers)
        frame = encode({"number": number, **header}, floats)
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = reply
        try:
            self._writer.write(frame)
            await self._writer.drain()
            return await reply
        finally:
            del self._waiting[number]

    async def close(self) -> None:
        """Close the connection at once, also to a process that hangs; calls in flight raise `ConnectionError`."""
        self._listener.cancel()
        with suppress(asyncio.CancelledError):
            await self._listener
        self._writer.transport.abort()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _listen(self) -> None:
        reason = "it was closed"
        try:
            while frame := await read_frame(self._reader):
                self._accept(Reply.model_validate_json(frame.header))
        except (OSError, MalformedEntry, ValidationError) as error:
            reason = str(error)
        finally:
            for reply in self._waiting.values():
                if not reply.done():
                    reply.set_exception(ConnectionResetError(f"The connection was lost: {reason}"))

    def _accept(self, reply: Reply) -> None:
        waiting = self._waiting.get(reply.number)
        if waiting and not waiting.done():
            waiting.set_result(reply)


class EdgeProcess:
    """The Edge process as a worker sees it: connected when first called, and again when it was restarted."""

    def __init__(self, socket: Path, timeout: float) -> None:
        self._socket = socket
        self._timeout = timeout
        self._connection: EdgeConnection | None = None
        self._connecting = asyncio.Lock()

    async def call(self, op: str, *, floats: bytes = b"", **fields: Any) -> Reply:
        """The reply to a request. Raises the error that the process answered, or `Unavailable`.

        What was not begun in time is never done: a process that hung refuses it, so that no write which was
        given up comes after what others have written since.
        """
        deadline = time.monotonic() + self._timeout * PART_TO_BEGIN
        try:
            async with asyncio.timeout(self._timeout):
                reply = await self._exchange({"op": op, "deadline": deadline, **fields}, floats)
        except TimeoutError as error:
            raise self._unavailable(op, f"no answer within {self._timeout:g} s") from error
        except OSError as error:
            raise self._unavailable(op, str(error)) from error
        if reply.failure:
            raise _error(reply.failure)
        return reply

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection:
            await self._connection.close()

    async def _exchange(self, header: Mapping[str, Any], floats: bytes) -> Reply:
        connection = await self._connected()
        try:
            return await connection.call(header, floats)
        except ConnectionError:
            connection = await self._connected(instead_of=connection)
            return await connection.call(header, floats)

    async def _connected(self, instead_of: EdgeConnection | None = None) -> EdgeConnection:
        async with self._connecting:
            if self._connection and (self._connection.lost or self._connection is instead_of):
                await self._connection.close()
                self._connection = None
            if not self._connection:
                streams = await asyncio.open_unix_connection(self._socket, limit=READ_BUFFER)
                self._connection = EdgeConnection(*streams)
            return self._connection

    def _unavailable(self, op: str, reason: str) -> Unavailable:
        return Unavailable(
            f"Qdrant Edge at {self._socket} failed to {op}: {reason}. See that its process runs: `memos up` "
            f"starts it, and its log tells why it ended."
        )


def _error(failure: Failure) -> MemosError:
    faults = [Fault(field, message) for field, message in failure.faults]
    return ERRORS.get(failure.code, InternalError)(failure.detail, faults=faults)
