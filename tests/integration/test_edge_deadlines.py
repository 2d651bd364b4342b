"""An Edge process that hung comes to requests that were given up long ago: none of them is done."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from builders import COLLECTION, Rooms, draft, origin, vector_of
from edge_process import EdgeServer

from memos.errors import Unavailable
from memos.events.memories import DeleteMemory
from memos.handlers.memories.change import delete_memory
from memos.projection.derived import DerivedVectors
from memos.projection.points import point_of
from memos.projection.projector import project
from memos.records import Point, VersionKey
from memos.stores.edge import EdgeVectors, open_edge
from memos.stores.edge_connection import EdgeProcess

pytest_plugins = ["rooms"]

FIELDS = {"collection": COLLECTION.name, "generation": 1}
POINT = {"ids": ["00000000-0000-0000-0000-000000000001"]}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EdgeServer]:
    server = EdgeServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def patient(server: EdgeServer) -> AsyncIterator[EdgeVectors]:
    async with open_edge(server.socket, COLLECTION, call_timeout=30) as opened:
        yield opened


@pytest.fixture
async def hasty(server: EdgeServer, patient: EdgeVectors) -> AsyncIterator[EdgeVectors]:
    """A worker that gives up soon; connected."""
    del patient
    async with open_edge(server.socket, COLLECTION, call_timeout=0.5) as opened:
        yield opened


def points(number: int, size: int = 1) -> list[Point]:
    drafts = [draft(f"text {n}", metadata={"long": "x" * size}) for n in range(number)]
    return [point_of(VersionKey("default", one.memory_id, 1), one, vector_of(one.content)) for one in drafts]


async def test_a_write_that_was_given_up_is_not_done_when_the_process_goes_on(
    server: EdgeServer, patient: EdgeVectors, hasty: EdgeVectors
) -> None:
    server.send(signal.SIGSTOP)
    with pytest.raises(Unavailable, match="no answer within"):
        await hasty.upsert(points(128))
    server.send(signal.SIGCONT)

    await hasty.ping()  # answered after what was sent before it

    assert await patient.count({}) == 0
    await hasty.upsert(points(128))
    assert await patient.count({}) == 128


async def test_a_deletion_is_final_though_a_write_before_it_was_given_up(
    rooms: Rooms, server: EdgeServer, patient: EdgeVectors, hasty: EdgeVectors
) -> None:
    drafts = [draft(f"text {n}") for n in range(128)]
    keys = [VersionKey("default", stored.memory_id, 1) for stored in await rooms.commit(*drafts)]
    written = [point_of(key, one, vector_of(one.content)) for key, one in zip(keys, drafts, strict=True)]
    server.send(signal.SIGSTOP)
    with pytest.raises(Unavailable):
        await project(written, vectors=hasty, projections=rooms.projections)
    command = DeleteMemory(memory_id=keys[-1].memory_id, agent_id="ada")
    derived = [DerivedVectors(patient, rooms.projections)]
    deleting = asyncio.create_task(
        delete_memory(command, origin=origin(), memories=rooms.memories, derived=derived)
    )
    server.send(signal.SIGCONT)

    outcome = await deleting
    await hasty.ping()

    assert outcome.status == "deleted"
    assert await patient.present([keys[-1].record]) == {}


@pytest.mark.parametrize(
    ("op", "fields"),
    [
        ("ping", {}),
        ("drop", FIELDS),
        ("delete", {**FIELDS, **POINT}),
        ("open", {**FIELDS, "model": COLLECTION.model, "dimension": COLLECTION.dimension, "indexes": {}}),
        ("count", {**FIELDS, "matching": {}}),
        ("candidates", {**FIELDS, "matching": {}, "corpus": {}, "terms": [], "limit": 1}),
        ("measured", {**FIELDS, "matching": {}, "corpus": {}, "terms": [], **POINT}),
    ],
)
async def test_whatever_comes_after_its_deadline_is_refused(
    server: EdgeServer, op: str, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.stores.edge_connection.PART_TO_BEGIN", -1)
    process = EdgeProcess(server.socket, 10)

    with pytest.raises(Unavailable, match=f"came to a request, {op}, after its deadline"):
        await process.call(op, **fields)

    await process.close()


async def test_a_connection_to_a_process_that_hangs_is_closed_at_once(server: EdgeServer) -> None:
    """Much of what was written waits in this process, since the other reads nothing."""
    async with open_edge(server.socket, COLLECTION, call_timeout=60) as vectors:
        server.send(signal.SIGSTOP)
        writing = asyncio.create_task(vectors.upsert(points(128, size=50_000)))
        await asyncio.wait([writing], timeout=0.1)
        writing.cancel()
        closing = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - closing < 20
    with suppress(asyncio.CancelledError):
        await writing
    server.send(signal.SIGCONT)
