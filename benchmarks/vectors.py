"""Measures the Edge process through its socket: points written per second, and how long answers take.

python benchmarks/vectors.py [POINTS]
"""

import asyncio
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from multiprocessing import Process
from pathlib import Path
from uuid import uuid4

from memos.ports import Filter
from memos.records import Collection, Point, Question, VersionKey
from memos.stores.edge import EdgeVectors, open_edge

DIMENSION = 384
SEARCHES = 200
TERMS_OF_A_TEXT = 25
TERMS_OF_A_QUESTION = 8
NOMINATED = 60
COLLECTION = Collection(
    "memories", "random", DIMENSION, {"tenant": "keyword", "agent_id": "keyword", "visibility": "keyword"}
)
DENSE = replace(COLLECTION, name="dense", has_terms=False)
TENANT = {"key": "tenant", "match": {"value": "default"}}
SEEN_BY_AGENT = {
    "must": [TENANT],
    "should": [
        {"key": "agent_id", "match": {"value": "agent-1"}},
        {"key": "visibility", "match": {"value": "shared"}},
    ],
}
ONE_TENANT: Filter = {"must": [TENANT]}
FILTERS: dict[str, Filter] = {"none": {}, "tenant": ONE_TENANT, "tenant and agent or shared": SEEN_BY_AGENT}


def random_vector() -> list[float]:
    return [random.gauss(0, 1) for _ in range(DIMENSION)]


def random_terms(number: int) -> list[int]:
    """Terms of which few are frequent and most are rare, as words are: Zipf's law, roughly."""
    return list({int(random.paretovariate(0.7)) % 200_000 * 2654435761 % 2**32 for _ in range(number)})


def random_points(number: int, vectors: list[list[float]]) -> list[Point]:
    """Points of ten agents; every fifth is shared."""
    return [
        Point(
            VersionKey("default", uuid4(), 1),
            vectors[i % len(vectors)],
            {
                "agent_id": f"agent-{i % 10}",
                "visibility": "private" if i % 5 else "shared",
                "kind": "episodic",
                "tags": ["a", "b"],
                "metadata": {"topic": f"topic {i % 100}"},
                "session_id": f"session-{i // 20}",
                "sequence": i,
                "occurred_at": "2026-01-01T00:00:00Z",
                "created_at": "2026-01-01T00:00:00Z",
            },
            dict.fromkeys(random_terms(TERMS_OF_A_TEXT), 1.1),
        )
        for i in range(number)
    ]


async def milliseconds(asked: Callable[[], Awaitable[object]]) -> str:
    """How long something takes when it is asked again and again."""
    durations = []
    for _ in range(SEARCHES):
        start = time.perf_counter()
        await asked()
        durations.append((time.perf_counter() - start) * 1000)
    p95 = sorted(durations)[int(SEARCHES * 0.95)]
    return f"p50 {statistics.median(durations):6.2f} ms  p95 {p95:6.2f} ms"


async def report_searches(vectors: EdgeVectors, label: str) -> None:
    for name, matching in FILTERS.items():
        took = await milliseconds(partial(search, vectors, matching))
        print(f"{label:28} search      filter {name:28} {took}", flush=True)
    for name, matching in FILTERS.items():
        for number in (1, 3):
            took = await milliseconds(partial(ask, vectors, matching, number))
            print(f"{label:28} {number} vector(s) filter {name:28} {took}", flush=True)


async def search(vectors: EdgeVectors, matching: Filter) -> object:
    """Search by one vector."""
    return await vectors.search(random_vector(), matching=matching, limit=10)


async def ask(vectors: EdgeVectors, matching: Filter, number: int) -> object:
    """Ask by so many vectors and by terms."""
    question = Question([random_vector() for _ in range(number)], random_terms(TERMS_OF_A_QUESTION))
    return await vectors.candidates(question, matching=matching, corpus=ONE_TENANT, limit=NOMINATED)


async def write(socket: Path, collection: Collection, points: list[Point]) -> float:
    """Points written per second."""
    async with open_edge(socket, collection) as vectors:
        start = time.perf_counter()
        await vectors.upsert(points)
        return len(points) / (time.perf_counter() - start)


def rewrite_until_killed(socket: Path) -> None:
    """Write the same points again and again, so that the collection does not grow."""
    points = random_points(2048, [random_vector()])
    while True:
        asyncio.run(write(socket, COLLECTION, points))


async def measure(socket: Path, number: int) -> None:
    vectors = [random_vector() for _ in range(512)]
    rate = await write(socket, DENSE, random_points(10_000, vectors))
    print(f"{rate:,.0f} points/s written without terms up to 10,000", flush=True)
    async with open_edge(socket, COLLECTION) as reader:
        written = 0
        for size in sorted({10_000, number}):
            rate = await write(socket, COLLECTION, random_points(size - written, vectors))
            print(f"{rate:,.0f} points/s written up to {size:,}", flush=True)
            written = size
            await report_searches(reader, f"{size:,} points, idle")
        writer = Process(target=rewrite_until_killed, args=(socket,))
        writer.start()
        await report_searches(reader, f"{number:,} points, beside writes")
        writer.kill()


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder, "edge.sock")
        command = [sys.executable, "-m", "memos.stores.edge_server", "--socket", str(socket), "--data", folder]
        with subprocess.Popen(command) as process:
            while not socket.exists() and process.poll() is None:
                time.sleep(0.01)
            try:
                asyncio.run(measure(socket, number))
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
