"""Points that a former version made, without terms, are searched as they are and made anew in the background."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from fastapi import Response
from logs import logged
from outages import DIMENSION, Embeddings, embedded, embeddings_served, settings_on
from rebuilding import Site as Ledger
from running import until

from memos import runtime
from memos.client import Client, connect
from memos.devstack.stack import Stack, open_stack
from memos.errors import Unavailable
from memos.projection.points import collection_of
from memos.projection.rebuild import Told
from memos.records import Generation
from memos.runtime import rebuild_memories, run_worker, upgrade_memories
from memos.settings import Settings
from memos.stores.generations import PostgresGenerations
from memos.stores.migrate import migrate
from memos.stores.postgres import open_pool

pytest_plugins = ["rooms", "rebuilding_fixtures"]

FORMER = """
    insert into generations (projection, generation, embedder, model, dimension, is_current)
    values ('memories', 1, 'openai', 'm', $1, true)
"""
RARE = "The pump reports ERR-7741-QX."
TEXTS = [RARE, *(f"The pump of hall {number} is fine." for number in range(30))]


@dataclass
class Old:
    """Engines of the test's own, and a ledger that a former version has begun."""

    stack: Stack
    embeddings: Embeddings
    texts: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return settings_on(self.stack.addresses, self.embeddings, stop_seconds=1.0)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[Client]:
        """A client of workers of both lanes."""
        stopping = asyncio.Event()
        async with connect(self.stack.addresses.redis_url) as client, asyncio.TaskGroup() as tasks:
            for lane in ("interactive", "bulk"):
                tasks.create_task(run_worker(self.settings, lane, stopping))
            try:
                yield client
            finally:
                stopping.set()

    @asynccontextmanager
    async def generations(self) -> AsyncIterator[PostgresGenerations]:
        async with open_pool(self.stack.addresses.postgres_dsn) as pool:
            yield PostgresGenerations(pool, "memories")

    async def current(self) -> tuple[int, int]:
        """The number of the current generation, and its format."""
        async with self.generations() as generations:
            current = await generations.current()
        assert current
        return current.number, current.format

    async def is_upgraded(self) -> bool:
        return await self.current() == (2, 2)

    async def embed(self, texts: list[str]) -> Response:
        self.texts += texts
        return await embedded(texts)


@pytest.fixture
async def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Old]:
    monkeypatch.setattr("memos.projection.rebuild.LINGERING_SECONDS", 0.5)
    monkeypatch.setattr("memos.projection.upgrade.FIRST_PAUSE", 0.05)
    monkeypatch.setattr("memos.shifts.POLL_SECONDS", 0.05)
    async with open_stack(tmp_path) as stack, embeddings_served() as embeddings:
        await migrate(stack.addresses.postgres_dsn)
        async with open_pool(stack.addresses.postgres_dsn) as pool:
            await pool.execute(FORMER, DIMENSION)
        site = Old(stack, embeddings)
        embeddings.answer = site.embed
        yield site


async def test_what_was_stored_without_terms_is_used_at_once_and_found_by_them_soon(
    old: Old, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="memos")
    allowed = asyncio.Event()

    async def when_allowed(settings: Settings) -> None:
        await allowed.wait()
        await upgrade_memories(settings)

    monkeypatch.setattr(runtime, "upgrade_memories", when_allowed)
    async with old.served() as client:
        for text in TEXTS:
            assert (await client.store(text)).status == "stored"
        assert [one.content for one in (await client.query(TEXTS[7], top_k=1)).memories.results] == [TEXTS[7]]
        assert await old.current() == (1, 1)
        old.texts.clear()

        allowed.set()
        await until(old.is_upgraded)

        async def found() -> bool:
            results = (await client.query("ERR-7741-QX", top_k=1)).memories.results
            return [one.content for one in results] == [RARE]

        await until(found)
        assert (await client.store("The valve is fine.")).status == "stored"
    assert set(old.texts).isdisjoint(TEXTS)
    for said in ("was made by a former version", "points: verifying, ", "searched in generation 2 from now on"):
        assert said in caplog.text


async def test_an_upgrade_that_fails_is_tried_again_while_the_former_points_are_used(
    old: Old, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [Unavailable("Nobody is there."), RuntimeError("A cable is loose.")]
    goes_on = asyncio.Event()

    async def rebuild(settings: Settings, told: Told) -> object:
        if failures:
            raise failures.pop(0)
        await goes_on.wait()
        return await rebuild_memories(settings, told)

    async def failed() -> bool:
        return not failures

    monkeypatch.setattr(runtime, "rebuild_memories", rebuild)
    async with old.served() as client:
        await until(failed)
        assert (await client.store(RARE)).status == "stored"
        assert await old.current() == (1, 1)
        goes_on.set()
        await until(old.is_upgraded)
    assert "is put off: Nobody is there." in caplog.text
    assert "A cable is loose." in caplog.text


async def test_an_upgrade_waits_for_another_process_that_rebuilds(
    old: Old, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="memos")

    async def waits() -> bool:
        return "waits: Another process is rebuilding memories" in caplog.text

    async with old.generations() as generations, AsyncExitStack() as serving:
        async with generations.rebuilding():
            await serving.enter_async_context(old.served())
            await until(waits)
            assert await old.current() == (1, 1)
        await until(old.is_upgraded)
    told = {record.levelname for record in logged(caplog, "memos.runtime", "memos.projection.upgrade")}
    assert told == {"INFO"}


async def test_a_worker_that_is_told_to_stop_does_not_wait_for_its_upgrade(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def rebuild(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(runtime, "rebuild_memories", rebuild)
    async with asyncio.timeout(20):
        async with old.served():
            await begun.wait()
    assert await old.current() == (1, 1)


async def test_points_of_the_present_format_are_left_as_they_are(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_pool(old.stack.addresses.postgres_dsn) as pool:
        await pool.execute("update generations set format = 2")
    monkeypatch.setattr(runtime, "rebuild_memories", None)
    await upgrade_memories(old.settings)
    assert await old.current() == (1, 2)


async def test_a_generation_knows_how_its_points_are_made(site: Ledger) -> None:
    made = await site.generations.begin("openai", "m", 8)
    await site.rooms.pool.execute("update generations set format = 1 where generation = 1")
    former, latter = await site.generations.known()
    assert (former.format, latter.format, made.format) == (1, 2, 2)


async def test_an_unfinished_generation_of_a_former_version_is_not_gone_on_with(site: Ledger) -> None:
    abandoned = await site.begun(site.rooms.embedder)
    await site.rooms.pool.execute("update generations set format = 1 where generation = 2")

    following = await site.begun(site.rooms.embedder)

    assert (following.number, following.format) == (3, 2)
    assert [one.number for one in await site.generations.known() if one.dropped_at] == [abandoned.number]


async def test_a_projection_made_without_terms_differs_in_nothing_else(site: Ledger) -> None:
    await site.rooms.pool.execute("update generations set format = 1")
    async with site.current() as former:
        await former.remember(RARE)
        assert await former.vectors.count({}) == 1
    made = await site.rebuild(site.rooms.embedder)
    assert (made.generation, made.records, made.points, made.differences) == (2, 1, 1, 0)


def test_a_collection_of_the_first_format_has_no_terms() -> None:
    generation = Generation("memories", 1, "minilm", "m", 8, is_current=True, format=1)
    assert not collection_of(generation).has_terms
    assert collection_of(replace(generation, format=2)).has_terms
