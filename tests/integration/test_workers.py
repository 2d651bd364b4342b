"""A worker on engines of its own: it ends in time whatever hangs, and outlives a generation that cannot be used."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from outages import DIMENSION, Embeddings, embeddings_served, family, settings_on
from running import until

from memos.broker.leases import LEASE_PREFIX
from memos.client import connect
from memos.client.redis import open_redis
from memos.devstack.stack import Stack, open_stack
from memos.engines import open_embedder
from memos.errors import Unavailable
from memos.events.streams import Lane
from memos.ports import Embedder
from memos.runtime import run_worker
from memos.settings import Settings
from memos.stores.edge_connection import EdgeProcess
from memos.stores.generations import PostgresGenerations
from memos.stores.migrate import migrate
from memos.stores.postgres import open_pool

STOP_SECONDS = 1.0
SPARE_SECONDS = 2.5


@dataclass(frozen=True)
class Site:
    """Engines of the test's own, for workers in this process."""

    stack: Stack
    embeddings: Embeddings

    @property
    def settings(self) -> Settings:
        return settings_on(self.stack.addresses, self.embeddings, stop_seconds=STOP_SECONDS)

    def signal(self, engine: str, what: signal.Signals) -> None:
        for process in family(self.stack.engines[engine].child.pid):
            os.kill(process, what)

    @asynccontextmanager
    async def worker(self, lane: Lane) -> AsyncIterator["Worker"]:
        """A worker that is at work."""
        stopping = asyncio.Event()
        running = asyncio.create_task(run_worker(self.settings, lane, stopping))
        async with open_redis(self.stack.addresses.redis_url) as redis:

            async def begun() -> bool:
                return running.done() or bool(await redis.keys(f"{LEASE_PREFIX}*"))

            await until(begun)
        try:
            yield Worker(running, stopping)
        finally:
            stopping.set()
            await running


@dataclass(frozen=True)
class Worker:
    """A worker in this process."""

    running: "asyncio.Task[None]"
    stopping: asyncio.Event

    async def seconds_to_stop(self) -> float:
        """How long it takes to end when it is told to."""
        loop = asyncio.get_running_loop()
        told = loop.time()
        self.stopping.set()
        await self.running
        return loop.time() - told


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_stack(tmp_path) as stack, embeddings_served() as embeddings:
        await migrate(stack.addresses.postgres_dsn)
        yield Site(stack, embeddings)


@pytest.mark.parametrize(
    ("engine", "asked", "how"), [("postgres", PostgresGenerations, "current"), ("edge", EdgeProcess, "call")]
)
async def test_a_worker_ends_in_time_though_an_engine_hangs_that_it_waits_for(
    site: Site, engine: str, asked: type, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.projection.reconciler.PAUSE_SECONDS", 0.05)
    waiting: set[object] = set()
    ask = getattr(asked, how)

    async def noted(self: Any, *given: Any, **named: Any) -> Any:
        waiting.add(call := object())
        try:
            return await ask(self, *given, **named)
        finally:
            waiting.discard(call)

    async def waits() -> bool:
        return bool(waiting)

    monkeypatch.setattr(asked, how, noted)
    async with site.worker("bulk") as worker:
        site.signal(engine, signal.SIGSTOP)
        try:
            await until(waits)
            assert await worker.seconds_to_stop() < STOP_SECONDS + SPARE_SECONDS
        finally:
            site.signal(engine, signal.SIGCONT)


async def test_a_worker_that_is_told_to_stop_while_it_begins_ends_at_once(site: Site) -> None:
    stopping = asyncio.Event()
    site.signal("postgres", signal.SIGSTOP)
    try:
        running = asyncio.create_task(run_worker(site.settings, "bulk", stopping))
        await asyncio.wait([running], timeout=0.1)
        assert not running.done()
        assert await Worker(running, stopping).seconds_to_stop() < SPARE_SECONDS
    finally:
        site.signal("postgres", signal.SIGCONT)


async def test_a_generation_that_fails_unforeseen_is_tried_less_and_less_often_and_the_former_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("memos.shifts.POLL_SECONDS", 0.01)
    monkeypatch.setattr("memos.shifts.FIRST_PAUSE", 0.1)
    monkeypatch.setattr("memos.shifts.LONGEST_PAUSE", 0.4)
    tried: list[float] = []

    @asynccontextmanager
    async def open_choosy(settings: Settings) -> AsyncIterator[Embedder]:
        if settings.embedding_model == "broken":
            tried.append(asyncio.get_running_loop().time())
            raise RuntimeError("The file of the model is damaged.")
        async with open_embedder(settings) as embedder:
            yield embedder

    monkeypatch.setattr("memos.engines.open_embedder", open_choosy)

    async def tried_five_times() -> bool:
        return len(tried) == 5

    async with (
        site.worker("interactive") as worker,
        open_pool(site.stack.addresses.postgres_dsn) as pool,
        connect(site.stack.addresses.redis_url) as client,
    ):
        generations = PostgresGenerations(pool, "memories")
        await generations.switch(await generations.begin("openai", "broken", DIMENSION))
        await until(tried_five_times)
        assert (await client.store("The kettle boils.")).status == "stored"
        assert not worker.running.done()

    pauses = [later - earlier for earlier, later in pairwise(tried)]
    assert [pause >= least for pause, least in zip(pauses, (0.1, 0.2, 0.4, 0.4), strict=True)] == [True] * 4
    assert "work goes on with the former one" in caplog.text
    assert "The file of the model is damaged" in caplog.text


@pytest.mark.parametrize("lane", ["interactive", "bulk"])
async def test_a_worker_that_cannot_begin_says_so_by_one_error(site: Site, lane: Lane) -> None:
    gone = site.settings.model_copy(update={"edge_socket": site.stack.home.path / "nobody"})
    with pytest.raises(Unavailable, match="Qdrant Edge"):
        await run_worker(gone, lane, asyncio.Event())


async def test_a_worker_ends_when_a_part_of_it_fails_though_cancellations_are_swallowed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*given: object, **named: object) -> None:
        raise ZeroDivisionError

    async def deaf(over: asyncio.Event, *given: object, **named: object) -> None:
        while not over.is_set():
            with suppress(asyncio.CancelledError):
                await over.wait()

    monkeypatch.setattr("memos.runtime.keep_watch", fail)
    monkeypatch.setattr("memos.runtime.keep_publishing", deaf)
    monkeypatch.setattr("memos.runtime.keep_relaying", deaf)
    async with asyncio.timeout(20):
        with pytest.raises(ExceptionGroup) as failed:
            await run_worker(site.settings, "bulk", asyncio.Event())
    assert failed.group_contains(ZeroDivisionError)
