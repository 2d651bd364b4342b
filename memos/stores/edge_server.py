"""The Edge process: serves the collections of one data folder to all workers over a unix socket.

    python -m memos.stores.edge_server --socket PATH --data FOLDER

The socket appears only when the process is ready. Requests of one connection are answered in order, and
those of different connections take turns. What is wrong with a request is answered as an error; a
connection that no longer carries frames is closed. On SIGTERM the process finishes, flushes and ends.

A request whose deadline has passed is refused: a process that hung comes to requests that were given up
long ago, and a write among them could undo what another worker has done since.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from memos.errors import ConfigurationError, InternalError, MalformedEntry, MemosError, Unavailable
from memos.records import Collection
from memos.stores.edge_engine import EdgeCollection
from memos.stores.edge_folder import EdgeFolder, edge_folder
from memos.stores.edge_frames import (
    READ_BUFFER,
    Candidates,
    Count,
    Delete,
    Drop,
    Failure,
    Frame,
    Measured,
    Open,
    Ping,
    PointsRequest,
    Present,
    Reply,
    Request,
    Row,
    Scroll,
    Search,
    Upsert,
    encode,
    read_frame,
    read_number,
    read_request,
)
from memos.stores.edge_numbers import unpack_floats, unpack_points
from memos.stores.filters import parse_filter

LONGEST_SOCKET_PATH = 100
"""Most bytes of the socket's path; the kernel's limit is 107, and a name beside it is needed."""

FLUSH_SECONDS = 5.0
"""Longest time that something written stays only in the write-ahead log."""

GOODBYE_SECONDS = 1.0
"""Longest time that a stopping process waits for a client to read its last reply."""

logger = logging.getLogger(__name__)


def answer(folder: EdgeFolder, request: Request, floats: bytes) -> Reply:
    """Do what a request asks, unless nobody waits for it any more. Raises kinds of `MemosError`."""
    number = request.number
    require_in_time(request)
    match request:
        case Ping():
            return Reply(number=number)
        case Open():
            folder.open(collection_in(request))
            return Reply(number=number)
        case Drop():
            folder.drop(request.collection, request.generation)
            return Reply(number=number)
    return answer_from(folder.collection(request.collection, request.generation), request, floats)


def collection_in(request: Open) -> Collection:
    """The collection that a request names."""
    return Collection(
        request.collection,
        request.model,
        request.dimension,
        request.indexes,
        request.generation,
        request.has_terms,
    )


def require_in_time(request: Request) -> None:
    """Raise `Unavailable` when the deadline of a request has passed."""
    if request.deadline is not None and time.monotonic() > request.deadline:
        raise Unavailable(
            f"Qdrant Edge came to a request, {request.op}, after its deadline, and did not do it. Send it again; "
            "if it happens again, the process or its disk is overloaded."
        )


def answer_from(collection: EdgeCollection, request: PointsRequest, floats: bytes) -> Reply:
    """Do what a request asks of the points of a collection. Raises kinds of `MemosError`."""
    number = request.number
    match request:
        case Upsert(ids=ids, payloads=payloads, counts=counts):
            numbers, terms = unpack_points(floats, counts)
            collection.upsert(ids, numbers, payloads, terms)
        case Delete(ids=ids):
            collection.delete(ids)
        case Search(matching=matching, limit=limit):
            hits = collection.search(unpack_floats(floats), parse_filter(matching), limit)
            return Reply(number=number, hits=hits)
        case Candidates() | Measured():
            return Reply(number=number, rows=rows_for(collection, request, unpack_floats(floats)))
        case Present(ids=ids):
            return Reply(number=number, seen=collection.present(ids))
        case Scroll(after=after, limit=limit):
            return Reply(number=number, seen=collection.scroll(after, limit))
        case Count(matching=matching):
            return Reply(number=number, count=collection.count(parse_filter(matching)))
    return Reply(number=number)


def rows_for(collection: EdgeCollection, request: Candidates | Measured, numbers: "array[float]") -> list[Row]:
    """What is measured of the points that a request finds or names. Raises kinds of `MemosError`."""
    matching, corpus = parse_filter(request.matching), parse_filter(request.corpus)
    if isinstance(request, Measured):
        return collection.measured(numbers, request.terms, request.ids, matching=matching, corpus=corpus)
    return collection.candidates(numbers, request.terms, matching=matching, corpus=corpus, limit=request.limit)


def reply_to(folder: EdgeFolder, frame: Frame) -> Reply:
    """Answer a frame, whatever is in it."""
    try:
        return answer(folder, read_request(frame), frame.floats)
    except MemosError as error:
        failure = error
    except OSError as error:
        failure = Unavailable(f"Qdrant Edge cannot use its data folder: {error}. Check the disk.")
    except Exception as error:
        logger.exception("A request failed in a way that was not foreseen.")
        failure = InternalError(f"The Edge process failed on a request: {error!r}. Its log tells more.")
    return Reply(
        number=read_number(frame),
        failure=Failure(code=failure.code, detail=failure.detail, faults=list(failure.faults)),
    )


async def converse(folder: EdgeFolder, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection in order until it ends or no longer carries frames."""
    try:
        while frame := await read_frame(reader):
            writer.write(encode(reply_to(folder, frame)))
            await writer.drain()
            await asyncio.sleep(0)
    except MalformedEntry as error:
        logger.warning("A connection was closed. %s", error)
        writer.write(encode(Reply(number=0, failure=Failure(code=error.code, detail=error.detail))))
    except ConnectionError as error:
        logger.info("A connection was lost. %s", error)
    finally:
        writer.close()
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await writer.wait_closed()


async def flush_regularly(folder: EdgeFolder) -> None:
    """Flush what was written, every few seconds for ever; a failure is logged and tried again."""
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        try:
            folder.flush()
        except Unavailable as error:
            logger.warning("%s", error)


async def serve(folder: EdgeFolder, path: Path) -> None:
    """Serve at a path until SIGTERM or SIGINT. Raises `ConfigurationError` when the path cannot be used."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with listening(path) as listener:
        logger.info("Qdrant Edge serves at %s.", path)
        await serve_until(stop, folder, listener)


async def serve_until(stop: asyncio.Event, folder: EdgeFolder, listener: socket.socket) -> None:
    """Converse with every client until told to stop; then let each have the reply to its running request."""
    async with asyncio.TaskGroup() as group:
        tasks = {group.create_task(flush_regularly(folder))}

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = group.create_task(converse(folder, reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_unix_server(connected, sock=listener, limit=READ_BUFFER)
        await stop.wait()
        server.close()
        for task in tasks:
            task.cancel()


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A socket of this user that listens at a path until the end.

    Raises `ConfigurationError` when the path is too long, or taken by something alive.
    """
    check_free(path)
    unnamed = path.with_name(f"{path.name}.new")
    unnamed.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        mask = os.umask(0o177)
        try:
            listener.bind(os.fspath(unnamed))
        finally:
            os.umask(mask)
        listener.listen()
        unnamed.rename(path)
        inode = path.stat().st_ino
        try:
            yield listener
        finally:
            with suppress(FileNotFoundError):
                if path.stat().st_ino == inode:
                    path.unlink()


def check_free(path: Path) -> None:
    """Raise `ConfigurationError` unless a socket may be made here; one that nobody serves may be replaced."""
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise ConfigurationError(
            f"The socket's path {path} is longer than {LONGEST_SOCKET_PATH} bytes. Set a shorter MEMOS_HOME."
        )
    if path.exists() and not path.is_socket():
        raise ConfigurationError(f"{path} is a file, not a socket. Move it away, or name another socket.")
    with socket.socket(socket.AF_UNIX) as probe, suppress(FileNotFoundError, ConnectionRefusedError):
        probe.connect(os.fspath(path))
        raise ConfigurationError(f"The socket {path} is served by another process. Stop that one first.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the Edge process; exits with one line on stderr when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m memos.stores.edge_server", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="unix socket to serve")
    parser.add_argument("--data", type=Path, required=True, help="folder of the collections")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        with edge_folder(options.data) as folder:
            asyncio.run(serve(folder, options.socket))
        logger.info("Qdrant Edge stopped.")
    except (MemosError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
