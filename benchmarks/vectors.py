"""Measures the Edge process through its socket: points written per second, and searches, alone and beside writes.

python benchmarks/vectors.py [POINTS]
"""

import asyncio
import random
import statistics
import subprocess
import sys
import tempfile
import time
from multiprocessing import Process
from pathlib import Path
from uuid import uuid4

from memos.ports import Filter
from memos.records import Collection, Point, VersionKey
from memos.stores.edge import EdgeVectors, open_edge

DIMENSION = 384
SEARCHES = 200
COLLECTION = Collection(
    "memories", "random", DIMENSION, {"tenant": "keyword", "agent_id": "keyword", "visibility": "keyword"}
)
TENANT = {"key": "tenant", "match": {"value": "default"}}
SEEN_BY_AGENT = {
    "must": [TENANT],
    "should": [
        {"key": "agent_id", "match": {"value": "agent-1"}},
        {"key": "visibility", "match": {"value": "shared"}},
    ],
}
FILTERS: dict[str, Filter] = {"none": {}, "tenant": {"must": [TENANT]}, "tenant and agent or shared": SEEN_BY_AGENT}


def random_vector() -> list[float]:
    return [random.gauss(0, 1) for _ in range(DIMENSION)]


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
                "created_at": "2026-01-01T00:00:00Z",
            },
        )
        for i in range(number)
    ]


async def milliseconds(vectors: EdgeVectors, matching: Filter) -> list[float]:
    """The durations of searches, sorted."""
    durations = []
    for query in [random_vector() for _ in range(SEARCHES)]:
        start = time.perf_counter()
        await vectors.search(query, matching=matching, limit=10)
        durations.append((time.perf_counter() - start) * 1000)
    return sorted(durations)


async def report_searches(vectors: EdgeVectors, label: str) -> None:
    for name, matching in FILTERS.items():
        durations = await milliseconds(vectors, matching)
        p50, p95 = statistics.median(durations), durations[int(SEARCHES * 0.95)]
        print(f"{label:28} filter {name:28} p50 {p50:6.2f} ms  p95 {p95:6.2f} ms")


async def write(socket: Path, points: list[Point]) -> float:
    """Points written per second."""
    async with open_edge(socket, COLLECTION) as vectors:
        start = time.perf_counter()
        await vectors.upsert(points)
        return len(points) / (time.perf_counter() - start)


def rewrite_until_killed(socket: Path) -> None:
    """Write the same points again and again, so that the collection does not grow."""
    points = random_points(2048, [random_vector()])
    while True:
        asyncio.run(write(socket, points))


async def measure(socket: Path, number: int) -> None:
    vectors = [random_vector() for _ in range(512)]
    async with open_edge(socket, COLLECTION) as reader:
        written = 0
        for size in sorted({10_000, number}):
            rate = await write(socket, random_points(size - written, vectors))
            print(f"{rate:,.0f} points/s written up to {size:,}")
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
