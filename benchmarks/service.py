"""The rates of the whole service beside those of its embedder and its lane consumer, in one run.

    python benchmarks/service.py [--json] [--rounds 3] [--only store,batch,query,vectors,ingest]

Every figure is a median over the rounds; a ratio compares two figures of the same round, taken one after
the other, since other work on the machine changes both.
"""

import argparse
import asyncio
import json
import random
import statistics
import sysconfig
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import uvloop
from lane import consumer_rate, vector_store_rate
from stack import Connection, Stack, connections, running_memos, share

from memos.cli.ingest import item_of
from memos.client import connect
from memos.embeddings.minilm import MiniLM
from memos.events.memories import IngestItem
from memos.ingestion import Passage, read

CLIENTS = 32
STORES = 6_000
BATCH = 64
KNOWN = 10_000
QUERIES = 300
INGESTED = 10_000

WORDS = (
    *("harbour", "pilot", "letter", "rain", "cloud", "revenue", "agent", "memory", "answer", "question"),
    *("worker", "lease", "stream", "ledger", "vector", "garden", "window", "river", "engine", "market"),
    *("school", "doctor", "music", "winter", "summer", "travel", "kitchen", "paper", "signal", "bridge"),
)


@dataclass(frozen=True)
class Figure:
    """One measured ratio and its two sides, medians over the rounds."""

    name: str
    measured: float
    beside: float
    unit: str
    ratio: float
    target: str


def short_texts(count: int, seed: int) -> list[str]:
    """Different texts of ten words."""
    draw = random.Random(seed)  # noqa: S311 - the same texts in every run
    return [f"{' '.join(draw.choices(WORDS, k=9))} {seed}{number}" for number in range(count)]


async def timed(count: int, work: Awaitable[object]) -> float:
    """Pieces of work a second."""
    started = time.perf_counter()
    await work
    return count / (time.perf_counter() - started)


async def embedder_rate(texts: Sequence[str]) -> float:
    """Texts a second of the embedder alone, given all at once."""
    async with MiniLM() as embedder:
        await embedder.embed(texts[:64])
        return await timed(len(texts), embedder.embed(texts))


async def store_one_by_one(stack: Stack, texts: Sequence[str]) -> float:
    """Stores a second by REST, each its own request."""

    async def store(connection: Connection, text: str) -> None:
        answer = await connection.post("/memory/store", {"content": text})
        assert answer["status"] == "stored", answer

    async with connections(stack.port, CLIENTS) as clients:
        return await timed(len(texts), share(clients, texts, store))


async def store_in_batches(stack: Stack, texts: Sequence[str]) -> float:
    """Stores a second by REST, 64 in a request."""

    async def store(connection: Connection, batch: Sequence[str]) -> None:
        body = {"memories": [{"content": text} for text in batch]}
        answer = await connection.post("/memory/store/batch", body)
        assert all(result["status"] == "stored" for result in answer["results"]), answer

    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    async with connections(stack.port, CLIENTS) as clients:
        return await timed(len(texts), share(clients, batches, store))


async def query_latency(stack: Stack, queries: Sequence[str]) -> float:
    """Median milliseconds of a query by REST, one client."""
    async with connections(stack.port, 1) as [client]:
        return await median_ms(queries, lambda text: client.post("/memory/query", {"query": text}))


async def embedding_latency(queries: Sequence[str]) -> float:
    """Median milliseconds of embedding one text, alone."""
    async with MiniLM() as embedder:
        return await median_ms(queries, lambda text: embedder.embed([text]))


async def median_ms(texts: Sequence[str], ask: Callable[[str], Awaitable[object]]) -> float:
    times = []
    for text in texts:
        started = time.perf_counter()
        await ask(text)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def docstrings(count: int) -> list[IngestItem]:
    """The first passages of the standard library."""
    found = read(Path(sysconfig.get_paths()["stdlib"]))
    return [item_of(one) for one in islice((one for one in found if isinstance(one, Passage)), count)]


async def ingest(stack: Stack, items: Sequence[IngestItem]) -> float:
    """Passages a second over the bus, as `memos ingest` sends them."""
    pending = iter([items[start : start + BATCH] for start in range(0, len(items), BATCH)])
    async with connect(stack.addresses.redis_url, timeout=900) as client:

        async def drain() -> None:
            for batch in pending:
                results = (await client.ingest(batch)).results
                assert all(result.status in {"stored", "duplicate"} for result in results)

        return await timed(len(items), asyncio.gather(*(drain() for _ in range(4))))


def figure(
    name: str, unit: str, target: str, pairs: Sequence[tuple[float, float]], *, difference: bool = False
) -> Figure:
    """The medians of paired measurements."""
    measured, beside = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(one - other if difference else one / other for one, other in pairs)
    return Figure(name, round(measured, 2), round(beside, 2), unit, round(ratio, 3), target)


async def run(rounds: int, only: set[str]) -> list[Figure]:
    figures: list[Figure] = []
    async with running_memos() as stack:
        await store_in_batches(stack, short_texts(640, 99))
        measures: dict[str, Callable[[int], Awaitable[tuple[float, float]]]] = {
            "store": lambda seed: _pair(store_one_by_one, stack, short_texts(STORES, 10 + seed)),
            "batch": lambda seed: _pair(store_in_batches, stack, short_texts(2 * STORES, 20 + seed)),
        }
        targets = {
            "store": ("REST store, one by one, beside the embedder", "texts/s", "≥ 0.55"),
            "batch": ("REST store, batches of 64, beside the embedder", "texts/s", "≥ 0.8"),
        }
        for name, measure in measures.items():
            if name in only:
                figures.append(figure(*targets[name], [await measure(seed) for seed in range(rounds)]))
    if "query" in only:
        figures.append(await query_figure(rounds))
    if "vectors" in only:
        pairs = [(await vector_store_rate(), await consumer_rate()) for _ in range(rounds)]
        figures.append(figure("stores with a vector, beside the idle lane consumer", "stores/s", "≥ 0.3", pairs))
    if "ingest" in only:
        figures.append(await ingest_figure(rounds))
    return figures


async def _pair(
    store: Callable[[Stack, Sequence[str]], Awaitable[float]], stack: Stack, texts: Sequence[str]
) -> tuple[float, float]:
    return await store(stack, texts), await embedder_rate(texts)


async def query_figure(rounds: int) -> Figure:
    async with running_memos() as stack:
        await store_in_batches(stack, short_texts(KNOWN, 1))
        pairs = []
        for seed in range(rounds):
            queries = short_texts(QUERIES, 50 + seed)
            pairs.append((await query_latency(stack, queries), await embedding_latency(queries)))
    name = "query at 10,000 memories by REST, minus one embedding"
    return figure(name, "ms p50", "≤ 4 ms", pairs, difference=True)


async def ingest_figure(rounds: int) -> Figure:
    items = docstrings(INGESTED)
    pairs = []
    for _ in range(rounds):
        async with running_memos() as stack:
            pairs.append((await ingest(stack, items), await embedder_rate([item.content for item in items])))
    return figure("ingest of 10,000 docstrings, beside the embedder", "passages/s", "≥ 0.8", pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="store,batch,query,vectors,ingest")
    arguments = parser.parse_args()
    figures = uvloop.run(run(arguments.rounds, set(arguments.only.split(","))))
    if arguments.json:
        print(json.dumps([asdict(one) for one in figures], indent=2))
        return
    for one in figures:
        print(f"{one.name:56} {one.measured:10.1f} {one.beside:10.1f} {one.unit:10} {one.ratio:7.2f}  {one.target}")


if __name__ == "__main__":
    main()
