"""Vectors kept by the Edge process, over its unix socket."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count, starmap
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from pydantic import ValidationError

from memos.errors import ERRORS, Fault, InternalError, MalformedEntry, MemosError, Unavailable
from memos.ports import Filter
from memos.records import Collection, Hit, Point, RecordKey, Seen, Vector
from memos.stores.edge_frames import (
    MAX_POINTS,
    MAX_SEEN,
    READ_BUFFER,
    Failure,
    Reply,
    encode,
    pack_floats,
    read_frame,
)
from memos.stores.points import float32s, payload_with_key, seen

CALLS_IN_FLIGHT = 4
"""Calls of one upsert sent ahead, so that the process works on one while the next is written."""

PART_TO_BEGIN = 0.9
"""The part of a call's time within which the process must begin with it; the rest is for the answer."""

Item = TypeVar("Item")


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


class EdgeVectors:
    """One generation of a collection; every call is idempotent and made once more after a reconnect."""

    def __init__(self, process: EdgeProcess, collection: Collection) -> None:
        self._process = process
        self._collection = collection

    async def upsert(self, points: Sequence[Point]) -> None:
        """Write points, each searchable on return. Raises `InvalidCommand`, `Unavailable`."""
        for window in _slices(points, MAX_POINTS * CALLS_IN_FLIGHT):
            await asyncio.gather(*map(self._upsert, _slices(window, MAX_POINTS)))

    async def delete(self, keys: Sequence[RecordKey]) -> None:
        """Remove points; keys without a point are no error. Raises `Unavailable`."""
        for part in _slices(keys, MAX_POINTS):
            await self._call("delete", ids=[str(key.point_id) for key in part])

    async def search(self, vector: Vector, *, matching: Filter, limit: int) -> list[Hit]:
        """The most similar points that match, best first. Raises `InvalidCommand`, `Unavailable`."""
        floats = pack_floats([float32s(vector, self._collection)])
        if limit < 1:
            return []
        reply = await self._call("search", floats=floats, matching=matching, limit=limit)
        return [Hit(UUID(memory_id), score) for memory_id, score in reply.hits]

    async def present(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Seen]:
        """Those of the records that have a point, and what it is. Raises `Unavailable`."""
        found: dict[RecordKey, Seen] = {}
        for part in _slices(keys, MAX_SEEN):
            key_of = {key.point_id: key for key in part}
            reply = await self._call("present", ids=[str(point_id) for point_id in key_of])
            found |= {key_of[one.point_id]: one for one in starmap(seen, reply.seen)}
        return found

    async def scroll(self, after: UUID | None, limit: int) -> list[Seen]:
        """At most `limit` points in the order of their ids, from the one after `after`. Raises `Unavailable`."""
        found: list[Seen] = []
        while wanted := min(MAX_SEEN, max(limit, 0) - len(found)):
            reply = await self._call("scroll", after=after, limit=wanted)
            found += starmap(seen, reply.seen)
            if len(reply.seen) < wanted:
                break
            after = found[-1].point_id
        return found

    async def drop(self) -> None:
        """Remove this generation for good; none is no error. Raises `Unavailable`."""
        await self._call("drop")

    async def recreate(self) -> None:
        """Make this generation, empty, unless it is there; add what indexes it lacks.

        Raises `ModelMismatch` when it holds vectors of another model, `Unavailable`.
        """
        await self._call(
            "open",
            model=self._collection.model,
            dimension=self._collection.dimension,
            indexes=self._collection.indexes,
        )

    async def announce(self) -> None:
        """Do nothing: only memOS reads from the Edge process, and names the generation that it means."""

    async def count(self, matching: Filter) -> int:
        """How many points match. Raises `InvalidCommand`, `Unavailable`."""
        return (await self._call("count", matching=matching)).count

    async def ping(self) -> None:
        """Return when the process answers. Raises `Unavailable`."""
        await self._process.call("ping")

    async def _upsert(self, points: Sequence[Point]) -> None:
        await self._call(
            "upsert",
            ids=[str(point.key.record.point_id) for point in points],
            payloads=[payload_with_key(point) for point in points],
            floats=pack_floats([float32s(point.vector, self._collection) for point in points]),
        )

    async def _call(self, op: str, **fields: Any) -> Reply:
        place: dict[str, Any] = {"collection": self._collection.name, "generation": self._collection.generation}
        return await self._process.call(op, **place, **fields)


@asynccontextmanager
async def open_edge(
    socket: Path, collection: Collection, *, call_timeout: float = 10.0, make: bool = True
) -> AsyncIterator[EdgeVectors]:
    """One generation of a collection in the Edge process at a socket, created if missing.

    `call_timeout` is in seconds. Raises `ModelMismatch` when it holds vectors of another model, `Unavailable`
    when nobody serves the socket. Unless it may `make` it, nothing is asked yet, and a generation that is not
    there stays away.
    """
    process = EdgeProcess(socket, call_timeout)
    try:
        vectors = EdgeVectors(process, collection)
        if make:
            await vectors.recreate()
        yield vectors
    finally:
        await process.close()


def _slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _error(failure: Failure) -> MemosError:
    faults = [Fault(field, message) for field, message in failure.faults]
    return ERRORS.get(failure.code, InternalError)(failure.detail, faults=faults)
