"""The Edge process: what it survives, what it refuses, and how it treats its clients."""

import asyncio
import signal
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from struct import pack
from typing import Any
from uuid import UUID

import pytest
from edge_process import EdgeServer

from memos.errors import InvalidCommand, Unavailable
from memos.records import Collection, Point, VersionKey
from memos.stores.edge import EdgeVectors, open_edge
from memos.stores.edge_frames import MAX_FRAME, MAX_POINTS, MAX_SEEN, Reply, encode, read_frame
from memos.stores.points import MAX_MEASURED, MAX_NOMINATED, MAX_TERMS, MAX_VECTORS

COLLECTION = Collection("memories", "model-a", 8, {"tenant": "keyword"})
ONE_VECTOR = bytes(4 * COLLECTION.dimension)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EdgeServer]:
    server = EdgeServer(tmp_path)
    yield server
    if server.running:
        server.stop()


@pytest.fixture
async def vectors(server: EdgeServer) -> AsyncIterator[EdgeVectors]:
    server.start()
    async with open_edge(server.socket, COLLECTION) as opened:
        yield opened


@pytest.fixture(scope="module")
async def serving(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EdgeServer]:
    """A process with an empty collection, for tests that leave nothing behind."""
    server = EdgeServer(tmp_path_factory.mktemp("edge"))
    server.start()
    async with open_edge(server.socket, COLLECTION):
        yield server
    server.stop()


def points(*numbers: int) -> list[Point]:
    return [Point(VersionKey("default", UUID(int=n), 1), [1.0, float(n), 0, 0, 0, 0, 0, 0], {}) for n in numbers]


@asynccontextmanager
async def connected(server: EdgeServer) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_unix_connection(server.socket)
    yield reader, writer
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def next_reply(reader: asyncio.StreamReader) -> Reply:
    frame = await read_frame(reader)
    assert frame
    return Reply.model_validate_json(frame.header)


async def test_the_socket_is_for_this_user_alone_and_gone_after_the_end(server: EdgeServer) -> None:
    assert "serves" in server.start()
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o600
    assert server.stop(signal.SIGTERM) == 0
    assert not server.socket.exists()


async def test_the_socket_of_a_killed_process_is_replaced(server: EdgeServer) -> None:
    server.start()
    server.stop(signal.SIGKILL)
    assert server.socket.exists()
    server.start()
    async with open_edge(server.socket, COLLECTION) as vectors:
        await vectors.ping()


async def test_a_data_folder_in_use_is_refused(server: EdgeServer, tmp_path: Path) -> None:
    server.start()
    second = EdgeServer(tmp_path)
    second.socket = tmp_path / "second.sock"
    assert f"{server.data} is in use by another Edge process" in second.start()
    assert second.wait() == 1


async def test_a_socket_that_is_served_is_refused(server: EdgeServer, tmp_path: Path) -> None:
    server.start()
    second = EdgeServer(tmp_path)
    second.data = tmp_path / "second"
    assert f"{server.socket} is served by another process" in second.start()
    assert second.wait() == 1
    async with open_edge(server.socket, COLLECTION) as vectors:
        await vectors.ping()


async def test_a_file_in_the_place_of_the_socket_is_refused_and_kept(server: EdgeServer) -> None:
    server.socket.write_text("precious")
    assert "is a file, not a socket" in server.start()
    assert server.wait() == 1
    assert server.socket.read_text() == "precious"


async def test_a_path_too_long_for_a_socket_is_refused(server: EdgeServer, tmp_path: Path) -> None:
    server.socket = tmp_path / ("long" * 30)
    assert "Set a shorter MEMOS_HOME" in server.start()
    assert server.wait() == 1


async def test_a_stop_in_order_keeps_everything(server: EdgeServer, vectors: EdgeVectors) -> None:
    await vectors.upsert(points(*range(200)))
    assert server.stop(signal.SIGTERM) == 0
    server.start()
    assert await vectors.count({}) == 200


async def test_a_kill_loses_nothing_that_was_acknowledged(server: EdgeServer, vectors: EdgeVectors) -> None:
    acknowledged: list[int] = []
    enough = asyncio.Event()

    async def write_until_killed() -> None:
        for start in range(0, 1_000_000, 100):
            await vectors.upsert(points(*range(start, start + 100)))
            acknowledged.extend(range(start, start + 100))
            if start == 5000:
                enough.set()

    writing = asyncio.create_task(write_until_killed())
    await enough.wait()
    server.stop(signal.SIGKILL)
    with pytest.raises(Unavailable):
        await writing
    server.start()
    ids = [str(point.key.record.point_id) for point in points(*acknowledged)]
    assert await vectors.count({"must": [{"has_id": ids}]}) == len(acknowledged) >= 5100


async def test_a_log_that_ends_in_the_middle_of_a_write_is_read_up_to_there(
    server: EdgeServer, vectors: EdgeVectors
) -> None:
    for n in range(50):
        await vectors.upsert(points(n))
    server.stop(signal.SIGKILL)
    tear_last_write(server.data / "memories" / "g1" / "shard" / "wal")
    server.start()
    assert 1 <= await vectors.count({}) <= 50
    await vectors.upsert(points(*range(50)))
    assert await vectors.count({}) == 50


def tear_last_write(log: Path) -> None:
    """Overwrite the end of what the log's open segments hold, as a lost page would."""
    for segment in log.glob("open-*"):
        content = segment.read_bytes()
        end = len(content.rstrip(b"\0"))
        segment.write_bytes(content[: max(end - 20, 8)] + bytes(len(content) - max(end - 20, 8)))


async def test_a_collection_whose_making_was_interrupted_is_made_anew(server: EdgeServer) -> None:
    half = server.data / ".unfinished-memories-g1" / "shard"
    half.mkdir(parents=True)
    (half / "edge_config.json").write_text("{")
    server.start()
    async with open_edge(server.socket, COLLECTION) as vectors:
        await vectors.upsert(points(1))
    assert not (server.data / ".unfinished-memories-g1").exists()


async def test_a_damaged_collection_says_so_and_others_go_on(server: EdgeServer, vectors: EdgeVectors) -> None:
    server.stop()
    (server.data / "memories" / "g1" / "meta.json").write_text("{}")
    server.start()
    with pytest.raises(Unavailable, match=r"memories/g1 of Qdrant Edge is damaged"):
        await vectors.count({})
    async with open_edge(server.socket, Collection("others", "model-a", 8, {})) as others:
        assert await others.count({}) == 0


async def test_a_worker_goes_on_after_the_process_was_restarted(server: EdgeServer, vectors: EdgeVectors) -> None:
    await vectors.upsert(points(1))
    server.stop(signal.SIGKILL)
    with pytest.raises(Unavailable, match=f"Qdrant Edge at {server.socket} failed to count"):
        await vectors.count({})
    server.start()
    assert await vectors.count({}) == 1


async def test_without_a_process_opening_says_where_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"nobody\.sock failed to open: .* `memos up` starts it"):
        async with open_edge(tmp_path / "nobody.sock", COLLECTION):
            pass


async def test_a_process_that_hangs_is_unavailable_until_it_goes_on(
    server: EdgeServer, vectors: EdgeVectors
) -> None:
    server.send(signal.SIGSTOP)
    with pytest.raises(Unavailable, match=r"no answer within 0\.1 s"):
        async with open_edge(server.socket, COLLECTION, call_timeout=0.1):
            pass
    server.send(signal.SIGCONT)
    await vectors.ping()


async def test_a_search_gets_its_turn_while_another_worker_writes_much(
    server: EdgeServer, vectors: EdgeVectors
) -> None:
    await vectors.upsert(points(1))
    async with open_edge(server.socket, COLLECTION) as bulk:
        writing = asyncio.create_task(bulk.upsert(points(*range(100, 20_000))))
        while await vectors.count({}) < 200:
            assert not writing.done()
        assert await vectors.search([1.0] * 8, matching={}, limit=1)
        assert not writing.done()
        writing.cancel()


async def test_a_payload_beyond_the_largest_frame_is_refused(vectors: EdgeVectors) -> None:
    [point] = points(1)
    with pytest.raises(InvalidCommand, match="Keep large texts out of payloads"):
        await vectors.upsert([Point(point.key, point.vector, {"text": "x" * MAX_FRAME})])
    await vectors.upsert([point])


async def test_a_payload_that_is_not_json_is_refused(vectors: EdgeVectors) -> None:
    [point] = points(1)
    with pytest.raises(InvalidCommand, match="cannot be written as JSON"):
        await vectors.upsert([Point(point.key, point.vector, {"text": object()})])


@pytest.mark.parametrize("depth", [50, 200, 5000])
async def test_a_deep_filter_is_answered_or_refused(vectors: EdgeVectors, depth: int) -> None:
    await vectors.upsert(points(1))
    matching: dict[str, Any] = {"must": [{"key": "tenant", "match": {"value": "default"}}]}
    for _ in range(depth):
        matching = {"must": [matching]}
    try:
        assert await vectors.count(matching) == 1
    except InvalidCommand:
        assert depth > 50
    await vectors.ping()


SEARCH = {"op": "search", "matching": {}, "limit": 5}
ASKED: dict[str, Any] = {"terms": [], "matching": {}, "corpus": {}}
CANDIDATES = {"op": "candidates", "limit": 5, **ASKED}
MEASURED = {"op": "measured", "ids": [str(UUID(int=1))], **ASKED}
UPSERT = {"op": "upsert", "ids": [str(UUID(int=1))], "payloads": [{}]}


@pytest.mark.parametrize(
    ("request_", "floats", "said"),
    [
        ({"op": "count", "matching": {}, "extra": 1}, b"", "extra"),
        ({"op": "explode"}, b"", "op"),
        ({}, b"", "op"),
        ({"op": "count", "matching": {}, "collection": "../memories"}, b"", "collection"),
        ({"op": "count", "matching": {}, "generation": 0}, b"", "generation"),
        ({"op": "drop", "generation": "1/../.."}, b"", "generation"),
        ({"op": "present", "ids": ["x"] * (MAX_SEEN + 1)}, b"", "ids"),
        ({"op": "present", "ids": ["x"]}, b"", "UUID"),
        ({"op": "scroll", "after": None, "limit": MAX_SEEN + 1}, b"", "limit"),
        ({"op": "scroll", "after": "x", "limit": 1}, b"", "after"),
        ({**SEARCH, "limit": 2**62}, ONE_VECTOR, "limit"),
        (SEARCH, ONE_VECTOR[4:], "dimensions"),
        (SEARCH, ONE_VECTOR[1:], "float32"),
        (SEARCH, b"", "dimensions"),
        (CANDIDATES, b"", "vectors"),
        (CANDIDATES, ONE_VECTOR * (MAX_VECTORS + 1), "vectors"),
        (CANDIDATES, ONE_VECTOR + ONE_VECTOR[4:], "dimensions"),
        (CANDIDATES, ONE_VECTOR[1:], "float32"),
        ({**CANDIDATES, "limit": 0}, ONE_VECTOR, "limit"),
        ({**CANDIDATES, "limit": MAX_NOMINATED + 1}, ONE_VECTOR, "limit"),
        ({**CANDIDATES, "terms": [-1]}, ONE_VECTOR, "terms"),
        ({**CANDIDATES, "terms": [2**32]}, ONE_VECTOR, "terms"),
        ({**CANDIDATES, "terms": ["x"]}, ONE_VECTOR, "terms"),
        ({**CANDIDATES, "terms": [1] * (MAX_TERMS + 1)}, ONE_VECTOR, "terms"),
        ({**CANDIDATES, "corpus": {"mast": []}}, ONE_VECTOR, "filter.mast"),
        ({**MEASURED, "matching": {"mast": []}}, ONE_VECTOR, "filter.mast"),
        ({**MEASURED, "ids": ["x"]}, ONE_VECTOR, "UUID"),
        ({**MEASURED, "ids": [str(UUID(int=1))] * (MAX_MEASURED + 1)}, ONE_VECTOR, "ids"),
        ({**UPSERT, "counts": [1]}, ONE_VECTOR[:4], "1 terms were announced, but 4 bytes follow"),
        ({**UPSERT, "counts": [1]}, ONE_VECTOR, "dimensions"),
        ({**UPSERT, "counts": [0, 0]}, ONE_VECTOR, "terms of 2"),
        ({**UPSERT, "counts": [-1]}, ONE_VECTOR, "counts"),
        ({**UPSERT, "counts": [2**32 - 1]}, ONE_VECTOR, "4294967295 terms were announced"),
        ({**UPSERT, "ids": ["x"]}, ONE_VECTOR, "UUID"),
        ({**UPSERT, "payloads": []}, ONE_VECTOR, "payloads"),
        (UPSERT, ONE_VECTOR * 2, "dimensions"),
        ({"op": "delete", "ids": ["x"] * (MAX_POINTS + 1)}, b"", "ids"),
        ({"op": "delete", "ids": ["x"]}, b"", "UUID"),
        ({"op": "open", "model": "m", "dimension": 0, "indexes": {}}, b"", "dimension"),
        ({"op": "open", "model": "model-a", "dimension": 8, "indexes": {"f": "magic"}}, b"", "magic"),
    ],
)
async def test_a_request_that_makes_no_sense_is_answered_with_an_error(
    serving: EdgeServer, request_: dict[str, Any], floats: bytes, said: str
) -> None:
    async with connected(serving) as (reader, writer):
        writer.write(encode({"number": 7, "collection": "memories", **request_}, floats))
        reply = await next_reply(reader)
        assert reply.number == 7
        assert reply.failure
        assert reply.failure.code == "invalid"
        assert said in reply.failure.detail
        writer.write(encode({"op": "ping", "number": 8}))
        assert await next_reply(reader) == Reply(number=8)


@pytest.mark.parametrize(
    ("request_", "floats"),
    [
        ({**CANDIDATES, "terms": [1]}, ONE_VECTOR),
        ({**MEASURED, "terms": [1]}, ONE_VECTOR),
        ({**UPSERT, "counts": [1]}, ONE_VECTOR + bytes(8)),
    ],
)
async def test_a_collection_without_terms_refuses_them(
    serving: EdgeServer, request_: dict[str, Any], floats: bytes
) -> None:
    dense = replace(COLLECTION, name="dense", has_terms=False)
    async with open_edge(serving.socket, dense), connected(serving) as (reader, writer):
        writer.write(encode({"number": 7, "collection": "dense", **request_}, floats))
        reply = await next_reply(reader)
    assert reply.failure
    assert (reply.failure.code, "without terms" in reply.failure.detail) == ("invalid", True)


async def test_a_collection_that_was_not_opened_is_missing(serving: EdgeServer) -> None:
    async with connected(serving) as (reader, writer):
        writer.write(encode({"op": "count", "number": 1, "collection": "unheard_of", "matching": {}}))
        reply = await next_reply(reader)
        assert reply.failure
        assert reply.failure.code == "collection-missing"
        assert "no generation 1 of the collection unheard_of" in reply.failure.detail


@pytest.mark.parametrize("header", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"[" * 100_000])
async def test_a_header_that_is_not_json_is_answered_without_a_number(serving: EdgeServer, header: bytes) -> None:
    async with connected(serving) as (reader, writer):
        writer.write(pack(">II", 4 + len(header), len(header)) + header)
        reply = await next_reply(reader)
        assert reply.number == 0
        assert reply.failure
        writer.write(encode({"op": "ping", "number": 8}))
        assert await next_reply(reader) == Reply(number=8)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        pack(">I", MAX_FRAME + 1),
        pack(">I", 0),
        pack(">II", 8, 5) + b"{} x",
    ],
    ids=["HTTP", "too long", "too short", "header beyond its frame"],
)
async def test_a_connection_that_carries_no_frames_is_told_so_and_closed(serving: EdgeServer, sent: bytes) -> None:
    async with connected(serving) as (reader, writer):
        writer.write(sent)
        reply = await next_reply(reader)
        assert reply.failure
        assert reply.failure.code == "malformed"
        assert await reader.read() == b""
    async with open_edge(serving.socket, COLLECTION) as vectors:
        await vectors.ping()


async def test_a_client_that_leaves_within_a_frame_harms_nobody(serving: EdgeServer) -> None:
    async with connected(serving) as (_, writer):
        writer.write(encode({"op": "ping", "number": 1})[:-1])
        await writer.drain()
    async with open_edge(serving.socket, COLLECTION) as vectors:
        await vectors.ping()


async def test_requests_sent_ahead_are_answered_in_order(serving: EdgeServer) -> None:
    async with connected(serving) as (reader, writer):
        writer.write(b"".join(encode({"op": "ping", "number": number}) for number in range(1, 101)))
        assert [(await next_reply(reader)).number for _ in range(100)] == list(range(1, 101))


async def test_a_stop_does_not_wait_for_a_client_that_does_not_read(
    server: EdgeServer, vectors: EdgeVectors
) -> None:
    del vectors
    async with connected(server) as (_, writer):
        refused = {"op": "count", "number": 1, "collection": "memories", "matching": {"x" * 50_000: 1}}
        for _ in range(100):
            writer.write(encode(refused))
        assert server.stop(signal.SIGTERM) == 0


def test_the_data_folder_is_for_this_user_alone(server: EdgeServer) -> None:
    server.start()
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
