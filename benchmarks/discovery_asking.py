"""Looking for tools by REST, beside the embedder alone with the same questions; and of a worker that just began."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from os import kill
from signal import SIGKILL
from typing import Any

import httpx
from discovery_api import discover, discover_all, in_batches, outcome_body
from discovery_plans import Outcome
from discovery_scores import Found
from metrics import Latency, latency, mean
from stack import Connection, Stack, connections
from steady import family, own_memory, role_of

from memos.ports import Embedder

TURNS = 6
"""Pieces that questions are asked in, each followed by the embedder alone."""

LANE = "interactive"
STARTS_WITHIN = 60.0
AFTERWARDS = 50


@dataclass(frozen=True)
class Shape:
    """Questions of one shape by so many clients: as they see them, as the worker does, and the embedder alone."""

    state: str
    name: str
    clients: int
    seen: Latency
    worker: Latency
    embedding: Latency
    results: float

    @property
    def beyond(self) -> float:
        """Milliseconds of the median beyond that of the embedding."""
        return round(self.seen.p50 - self.embedding.p50, 2)


@dataclass(frozen=True)
class Restarted:
    """A worker in the place of one that was killed: seconds until it is ready, then milliseconds of discoveries."""

    ready_seconds: float
    first_ms: float
    then: Latency


async def ask_shape(
    clients: Sequence[Connection], embedder: Embedder, state: str, name: str, bodies: Sequence[Mapping[str, Any]]
) -> Shape:
    """Ask them all, each client the next as soon as it has an answer; the embedder has as many callers."""
    found: list[Found] = []
    embedded: list[float] = []
    for turn in in_batches(bodies, -(-len(bodies) // TURNS)):
        found += await discover_all(clients, turn)
        embedded += await embedding_times(embedder, [body["query"] for body in turn], len(clients))
    return Shape(
        state,
        name,
        len(clients),
        latency(one.milliseconds for one in found),
        latency(one.took_ms for one in found),
        latency(embedded),
        round(mean(len(one.ranked) for one in found), 1),
    )


async def embedding_times(embedder: Embedder, texts: Sequence[str], callers: int) -> list[float]:
    """Milliseconds of embedding each text alone, by so many callers at once."""
    times = []
    pending = iter(texts)

    async def drain() -> None:
        for text in pending:
            started = time.perf_counter()
            await embedder.embed([text])
            times.append((time.perf_counter() - started) * 1000)

    await asyncio.gather(*(drain() for _ in range(callers)))
    return times


@asynccontextmanager
async def trickling(port: int, outcomes: Iterator[Outcome], per_second: float) -> AsyncIterator[None]:
    """Report outcomes one by one at a steady rate until the context is left."""
    async with connections(port, 1) as [client]:
        task = asyncio.create_task(_trickle(client, outcomes, per_second))
        try:
            yield
        finally:
            ended = task.done()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert not ended, "The outcomes ended before the questions."


async def restarted(stack: Stack, bodies: Sequence[Mapping[str, Any]]) -> Restarted:
    """Kill the worker that answers, and ask the one that takes its place as soon as it is ready."""
    former = worker_of(stack)
    assert former
    started = time.perf_counter()
    kill(former, SIGKILL)
    async with asyncio.timeout(STARTS_WITHIN):
        await _ready(stack, former)
    ready = time.perf_counter() - started
    async with connections(stack.port, 1) as [client]:
        first, *others = [await discover(client, body) for body in bodies[: AFTERWARDS + 1]]
    return Restarted(round(ready, 2), round(first.milliseconds, 1), latency(one.milliseconds for one in others))


def worker_of(stack: Stack) -> int | None:
    """The process of the worker that answers questions."""
    return next((pid for pid in family(stack.pid) if role_of(pid) == LANE), None)


def memory_of(stack: Stack) -> float:
    """MB of anonymous memory of the worker that answers questions."""
    return round(own_memory(stack.pid)[LANE], 1)


async def _ready(stack: Stack, former: int) -> None:
    url = f"http://127.0.0.1:{stack.port}/health/ready/{LANE}"
    async with httpx.AsyncClient(trust_env=False, timeout=1) as client:
        while worker_of(stack) in {None, former} or not await _answers(client, url):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


async def _trickle(client: Connection, outcomes: Iterator[Outcome], per_second: float) -> None:
    clock = asyncio.get_running_loop().time
    started = clock()
    for number, one in enumerate(outcomes):
        await asyncio.sleep(max(0, started + number / per_second - clock()))
        await client.post("/tools/outcomes", outcome_body(one))
