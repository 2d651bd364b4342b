"""Generations in the Edge process: what is left of one when the process is killed, or its folder is lost."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from edge_process import EdgeServer

from memos.errors import CollectionMissing, ConfigurationError, Unavailable
from memos.records import Collection, Point, Question, VersionKey
from memos.stores.edge import EdgeVectors, open_edge

FIRST = Collection("memories", "model-a", 8, {"tenant": "keyword"})
SECOND = replace(FIRST, generation=2)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EdgeServer]:
    server = EdgeServer(tmp_path)
    server.start()
    yield server
    if server.running:
        server.stop()


@pytest.fixture
async def first(server: EdgeServer) -> AsyncIterator[EdgeVectors]:
    """Generation 1, with a hundred points."""
    async with open_edge(server.socket, FIRST) as opened:
        await opened.upsert(points(*range(100)))
        yield opened


def points(*numbers: int) -> list[Point]:
    return [Point(VersionKey("default", UUID(int=n), 1), [1.0, float(n), 0, 0, 0, 0, 0, 0], {}) for n in numbers]


def folder_of(server: EdgeServer, generation: int) -> Path:
    return server.data / "memories" / f"g{generation}"


def leftovers(server: EdgeServer) -> list[str]:
    return [path.name for path in server.data.glob(".*")]


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


async def kill_when(server: EdgeServer, seen: Callable[[], bool], work: "asyncio.Future[None]") -> None:
    """Kill the process once something is seen, or the work is done before that."""
    while not (seen() or work.done()):  # noqa: ASYNC110 - what is awaited is in the other process
        await asyncio.sleep(0)
    server.stop(signal.SIGKILL)
    with suppress(Unavailable):
        await work


async def open_second(server: EdgeServer) -> None:
    async with open_edge(server.socket, SECOND):
        pass


async def test_each_generation_has_a_folder_of_its_own(server: EdgeServer, first: EdgeVectors) -> None:
    await open_second(server)
    assert sorted(path.name for path in (server.data / "memories").iterdir()) == ["g1", "g2"]
    await first.drop()
    assert sorted(path.name for path in (server.data / "memories").iterdir()) == ["g2"]
    assert leftovers(server) == []


async def test_generations_are_found_again_after_a_restart(server: EdgeServer, first: EdgeVectors) -> None:
    async with open_edge(server.socket, SECOND) as second:
        await second.upsert(points(1))
        server.stop(signal.SIGKILL)
        server.start()
        assert await second.count({}) == 1
        assert await first.count({}) == 100


async def test_a_generation_that_says_nothing_of_terms_has_none_and_goes_on(server: EdgeServer) -> None:
    former = replace(FIRST, has_terms=False)
    async with open_edge(server.socket, former) as vectors:
        await vectors.upsert(points(1))
        server.stop()
        (folder_of(server, 1) / "meta.json").write_text('{"model": "model-a", "dimension": 8}')
        server.start()
        await vectors.recreate()
        await vectors.upsert(points(2))
        assert await vectors.count({}) == 2
    with pytest.raises(ConfigurationError, match=r"Generation 1 of the collection memories in .* without terms"):
        async with open_edge(server.socket, FIRST):
            pass


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_terms_are_found_again_after_a_restart(server: EdgeServer, how: signal.Signals) -> None:
    async with open_edge(server.socket, FIRST) as vectors:
        await vectors.upsert([replace(points(1)[0], terms={7: 2.0, 9: 1.0}), *points(2)])
        question = Question([[1.0] * 8], [7])
        before = await vectors.candidates(question, matching={}, corpus={}, limit=5)
        server.stop(how)
        server.start()
        assert await vectors.candidates(question, matching={}, corpus={}, limit=5) == before
        assert {one.memory_id.int: one.terms for one in before} == {1: {7: 2.0}, 2: {}}


async def test_a_folder_that_names_its_current_generation_still_opens(
    server: EdgeServer, first: EdgeVectors
) -> None:
    server.stop()
    (server.data / "memories" / "CURRENT").write_text("g1")
    server.start()
    assert await first.count({}) == 100
    await open_second(server)


@pytest.mark.parametrize("round_", range(3))
async def test_a_kill_while_a_generation_is_made_leaves_it_whole_or_not_there(
    server: EdgeServer, first: EdgeVectors, round_: int
) -> None:
    marks = [lambda: True, lambda: bool(leftovers(server)), folder_of(server, 2).exists]
    await kill_when(server, marks[round_], asyncio.create_task(open_second(server)))
    server.start()
    assert leftovers(server) == []
    async with open_edge(server.socket, SECOND) as second:
        await second.upsert(points(1))
        assert await second.count({}) == 1
    assert await first.count({}) == 100


@pytest.mark.parametrize("round_", range(3))
async def test_a_kill_while_a_generation_is_dropped_leaves_it_whole_or_not_there(
    server: EdgeServer, first: EdgeVectors, round_: int
) -> None:
    await open_second(server)
    slowing = [folder_of(server, 1) / "shard" / f"slows deletion down {number}" for number in range(5_000)]
    for file in slowing:
        file.touch()
    marks = [lambda: True, lambda: bool(leftovers(server)), lambda: not slowing[0].exists()]
    await kill_when(server, marks[round_], asyncio.create_task(first.drop()))
    whole = folder_of(server, 1).exists()
    server.start()
    assert leftovers(server) == []
    if whole:
        assert await first.count({}) == 100
    else:
        with pytest.raises(CollectionMissing):
            await first.count({})
    async with open_edge(server.socket, SECOND) as second:
        assert await second.count({}) == 0


async def test_what_a_killed_process_left_is_cleared_at_the_next_start(
    server: EdgeServer, first: EdgeVectors
) -> None:
    await open_second(server)
    server.stop(signal.SIGKILL)
    folder_of(server, 1).rename(server.data / ".dropped-memories-g1")
    (folder_of(server, 2) / "meta.json").unlink()
    folder_of(server, 2).rename(server.data / ".unfinished-memories-g2")
    server.start()
    assert leftovers(server) == []
    with pytest.raises(CollectionMissing):
        await first.count({})
    async with open_edge(server.socket, SECOND) as second:
        assert await second.count({}) == 0


async def test_a_making_that_failed_before_does_not_stand_in_the_way(server: EdgeServer) -> None:
    half = server.data / ".unfinished-memories-g1" / "shard"
    half.mkdir(parents=True)
    (half / "edge_config.json").write_text("{")
    async with open_edge(server.socket, FIRST) as vectors:
        await vectors.upsert(points(1))
    assert leftovers(server) == []


async def test_a_dropping_that_failed_before_does_not_stand_in_the_way(
    server: EdgeServer, first: EdgeVectors
) -> None:
    (server.data / ".dropped-memories-g1" / "shard").mkdir(parents=True)
    await first.drop()
    assert leftovers(server) == []


@pytest.mark.parametrize("restarted", [True, False])
async def test_a_worker_goes_on_once_a_lost_generation_is_made_anew(
    server: EdgeServer, first: EdgeVectors, restarted: bool
) -> None:
    if restarted:
        server.stop(signal.SIGKILL)
    empty(server.data)
    if restarted:
        server.start()
    for call in (first.count({}), first.upsert(points(1))):
        with pytest.raises(CollectionMissing, match="no generation 1 of the collection memories"):
            await call
    await first.recreate()
    await first.upsert(points(1))
    assert await first.count({}) == 1
    server.stop(signal.SIGKILL)
    server.start()
    assert await first.count({}) == 1


async def test_a_process_whose_folder_was_emptied_stops_in_order(server: EdgeServer, first: EdgeVectors) -> None:
    await first.upsert(points(1))
    empty(server.data)
    assert server.stop() == 0


async def test_a_damaged_generation_can_be_dropped_and_made_anew(server: EdgeServer, first: EdgeVectors) -> None:
    server.stop()
    (folder_of(server, 1) / "meta.json").write_text("{}")
    server.start()
    with pytest.raises(Unavailable, match="is damaged"):
        await first.count({})
    await first.drop()
    await first.recreate()
    assert await first.count({}) == 0
