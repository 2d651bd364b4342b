"""A memOS on engines of its own, which a test takes away and gives back while others store."""

import asyncio
import hashlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from http_servers import serving
from running import Served, ready, until

from memos.client import Client, connect
from memos.devstack.restarts import Supervised
from memos.devstack.stack import Addresses, open_stack
from memos.errors import MemosError
from memos.settings import Settings
from memos.stores.migrate import migrate

DIMENSION = 64

Answer = Callable[[list[str]], Awaitable[Response]]


class Embeddings:
    """An OpenAI-compatible server that answers as `answer` says."""

    def __init__(self) -> None:
        self.answer: Answer = embedded
        self.asked = 0
        self.url = ""

    async def embed(self, request: Request) -> Response:
        self.asked += 1
        return await self.answer((await request.json())["input"])


async def embedded(texts: list[str]) -> Response:
    data = [{"object": "embedding", "index": i, "embedding": vector_of(text)} for i, text in enumerate(texts)]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return JSONResponse({"object": "list", "data": data, "model": "m", "usage": usage})


def vector_of(text: str) -> list[float]:
    """A direction that no other text has."""
    digest = hashlib.sha512(text.encode()).digest()
    return [byte - 127.5 for byte in digest[:DIMENSION]]


@asynccontextmanager
async def embeddings_served() -> AsyncIterator[Embeddings]:
    server, app = Embeddings(), FastAPI()
    app.post("/v1/embeddings")(server.embed)
    async with serving(app) as url:
        server.url = f"{url}/v1"
        yield server


def settings_on(addresses: Addresses, embeddings: Embeddings, **more: Any) -> Settings:
    """Settings for engines that run and a server of embeddings; `more` are further ones."""
    return Settings(
        redis_url=addresses.redis_url,
        postgres_dsn=addresses.postgres_dsn,
        edge_socket=addresses.edge_socket,
        embedder="openai",
        embedding_url=embeddings.url,
        embedding_model="m",
        embedding_dimension=DIMENSION,
        **more,
    )


@dataclass(frozen=True)
class Site:
    """Engines, and both lanes and the facade on them."""

    engines: Mapping[str, Supervised]
    addresses: Addresses
    embeddings: Embeddings
    url: str
    http: httpx.AsyncClient

    @property
    def redis_url(self) -> str:
        return self.addresses.redis_url

    async def kill(self, name: str) -> None:
        """End an engine without warning."""
        child = self.engines[name].child
        child.send(signal.SIGKILL)
        await child.wait()

    async def start(self, name: str) -> None:
        """Start an engine that was killed."""
        await self.engines[name].open()

    def freeze(self, name: str) -> None:
        """Have an engine, and all its processes, do nothing."""
        for process in family(self.engines[name].child.pid):
            os.kill(process, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let an engine go on."""
        for process in family(self.engines[name].child.pid):
            os.kill(process, signal.SIGCONT)

    async def report(self) -> dict[str, Any]:
        """What readiness says of the interactive lane."""
        report: dict[str, Any] = (await self.http.get("/health/ready")).json()["lanes"]["interactive"]
        return report

    async def until_down(self, engine: str) -> None:
        """Return when readiness names an engine that is down; fail when it takes long."""

        async def down() -> bool:
            report = await self.report()
            return "engines" in report and report["engines"][engine]["status"] == "down"

        await until(down)

    async def until_ready(self) -> None:
        await until(self.is_ready, 40)

    async def is_ready(self) -> bool:
        return (await self.http.get("/health/ready")).status_code == httpx.codes.OK

    async def all_searchable(self) -> bool:
        """Whether no memory is left that is committed and not searchable yet."""
        return bool((await self.report()).get("lag", {}).get("memories") == 0)


def family(process: int) -> Iterator[int]:
    """A process and its descendants."""
    yield process
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdecimal() and f"\nPPid:\t{process}\n" in (entry / "status").read_text():
                yield from family(int(entry.name))


@asynccontextmanager
async def site_on(home: Path) -> AsyncIterator[Site]:
    """A memOS with little patience, and its engines on a folder."""
    async with open_stack(home) as stack, site_at(stack.addresses, stack.engines) as site:
        yield site


@asynccontextmanager
async def site_at(
    addresses: Addresses, engines: Mapping[str, Supervised] = MappingProxyType({}), **more: Any
) -> AsyncIterator[Site]:
    """A memOS with little patience on engines that run; `more` are settings."""
    async with embeddings_served() as embeddings:
        patience = {"embedding_timeout": 2, "lease_seconds": 1, "retry_first": 0.1, "retry_longest": 1}
        settings = settings_on(addresses, embeddings, **patience, **more)
        await migrate(addresses.postgres_dsn)
        served = Served(settings)
        served.start()
        try:
            await ready(served.url)
            async with httpx.AsyncClient(base_url=served.url, timeout=30) as http:
                yield Site(engines, addresses, embeddings, served.url, http)
        finally:
            await asyncio.to_thread(served.stop)


@dataclass
class Stored:
    """What clients were told is stored, by content, and the contents that they only put on the stream."""

    agent: str
    memories: dict[str, UUID] = field(default_factory=dict)
    queued: list[str] = field(default_factory=list)

    async def more(self, number: int = 10) -> None:
        """Return when that many more are stored."""
        wanted = len(self.memories) + number

        async def enough() -> bool:
            return len(self.memories) >= wanted

        await until(enough, 60)


@asynccontextmanager
async def storing(site: Site) -> AsyncIterator[Stored]:
    """Clients over HTTP and over the bus that store all the while, each memory by the same id until it is answered.

    On leaving they finish what they are about.
    """
    stored, ending = Stored(f"agent-{uuid4().hex}"), asyncio.Event()
    async with (
        connect(site.url, timeout=3) as over_http,
        connect(site.redis_url, source="outages", timeout=3) as over_bus,
        asyncio.TaskGroup() as tasks,
    ):
        for number, client in enumerate((over_http, over_bus, over_bus)):
            tasks.create_task(_store_on(client, number, stored, ending))
        try:
            await stored.more()
            yield stored
            await stored.more()
        finally:
            ending.set()


async def queue(site: Site, stored: Stored, number: int = 5) -> None:
    """Put memories on the stream and await no answer."""
    async with connect(site.redis_url, source="outages") as client:
        for _ in range(number):
            content = f"Memory {len(stored.queued)} that was only put on the stream by {stored.agent}."
            await client.store_later(content, agent_id=stored.agent, command_id=content)
            stored.queued.append(content)


async def _store_on(client: Client, producer: int, stored: Stored, ending: asyncio.Event) -> None:
    for number in count():
        if ending.is_set():
            return
        content = f"Memory {number} of producer {producer} of {stored.agent}."
        stored.memories[content] = await store(client, content, stored)


async def store(client: Client, content: str, stored: Stored) -> UUID:
    """Store by the same id until it is answered; the memory's id."""
    while True:
        try:
            outcome = await client.store(content, agent_id=stored.agent, command_id=content)
        except MemosError as error:
            if not error.transient:
                raise
            await asyncio.sleep(0.05)
        else:
            return outcome.memory_id


async def assert_nothing_is_lost(site: Site, stored: Stored) -> None:
    """Fail unless all that was sent is in the ledger once, and found, and nothing else is there."""
    ledger = await asyncpg.connect(site.addresses.postgres_dsn)
    query = "select content, memory_id from agent_memories where agent_id = $1 and deleted_at is null"
    rows: list[asyncpg.Record] = []

    async def all_queued_are_done() -> bool:
        rows[:] = await ledger.fetch(query, stored.agent)
        return {row["content"] for row in rows} >= set(stored.queued)

    try:
        await until(all_queued_are_done)
    finally:
        await ledger.close()
    assert sorted(row["content"] for row in rows) == sorted([*stored.memories, *stored.queued])
    kept = {row["content"]: row["memory_id"] for row in rows}
    assert {content: kept[content] for content in stored.memories} == stored.memories
    await until(site.all_searchable)
    async with connect(site.redis_url, source="outages") as client:
        for content, memory_id in kept.items():
            found = await client.query(content, agent_id=stored.agent, top_k=1)
            assert [each.memory_id for each in found.memories.results] == [memory_id]
