"""Steady load for a while: does anything grow without bound?

    python benchmarks/steady.py [--minutes 60] [--rate 20] [--json]

So many commands a second: of 20, nine stores, six queries, two updates and three deletions, and beside them
now and then a batch to ingest. What is stored is deleted again, so that the memories stay about as many.
Sampled are the memory of Redis, its keys by family, the length of every stream, and the memory of every
process of its own (shared pages left out). The second half of a series decides: what still rises there by
more than a twentieth is said to grow. The stream of facts is capped low, so that its cap is reached.
"""

import argparse
import asyncio
import json
import random
import re
import statistics
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop
from service import docstrings, short_texts
from stack import Stack, running_memos

from memos.client import Client, connect
from memos.client.redis import open_redis
from memos.errors import MemosError
from memos.events.streams import LASTING_KEYS

POPULATION = 500
FACTS_KEPT = 1_000
MOST_UNDER_WAY = 200
INGEST_EVERY = 50
INGESTED = 32
LEAST_RISE = {"MB": 8.0, "keys": 20.0, "entries": 50.0}
"""Rises in the second half that are taken for noise, by unit."""

MIX = ("store",) * 9 + ("query",) * 6 + ("update",) * 2 + ("delete",) * 3


@dataclass(frozen=True)
class Series:
    """What became of one quantity; `per_hour` is the slope of its second half."""

    name: str
    unit: str
    first: float
    middle: float
    last: float
    per_hour: float
    grows: bool


@dataclass
class Load:
    """An agent that stores, asks, changes and deletes, and counts what it did and what failed."""

    memos: Client
    bus: Client
    texts: Sequence[str]
    items: Sequence[Any]
    known: deque[UUID] = field(default_factory=deque)
    done: Counter[str] = field(default_factory=Counter)
    draw: random.Random = field(default_factory=lambda: random.Random(11))  # noqa: S311 - the same load in every run

    async def run(self, kind: str) -> None:
        """One command; an error is counted and said once."""
        work: Mapping[str, Callable[[], Awaitable[object]]] = {
            "store": self.store,
            "query": lambda: self.memos.query(self.text()),
            "update": self.update,
            "delete": self.delete,
            "ingest": self.ingest,
        }
        try:
            await work[kind]()
            self.done[kind] += 1
        except MemosError as error:
            self.done[f"{kind} failed: {error.code}"] += 1

    def text(self) -> str:
        return f"{self.draw.choice(self.texts)} {self.draw.randrange(10**9)}"

    async def store(self) -> None:
        self.known.append((await self.memos.store(self.text())).memory_id)

    async def update(self) -> None:
        if self.known:
            await self.memos.update(self.known[-1], content=self.text())

    async def delete(self) -> None:
        for _ in range(4):
            if len(self.known) > POPULATION:
                await self.memos.delete(self.known.popleft())

    async def ingest(self) -> None:
        start = self.draw.randrange(len(self.items) - INGESTED)
        await self.bus.ingest(self.items[start : start + INGESTED])


async def press(load: Load, rate: float, seconds: float) -> None:
    """Begin commands at a steady rate, whether or not the former are answered; too many are left out."""
    under_way: set[asyncio.Task[None]] = set()
    clock = asyncio.get_running_loop().time
    started = clock()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0, started + number / rate - clock()))
        if len(under_way) >= MOST_UNDER_WAY:
            load.done["left out"] += 1
            continue
        kinds = [MIX[number % len(MIX)], *(["ingest"] if number % INGEST_EVERY == 0 else [])]
        for kind in kinds:
            task = asyncio.create_task(load.run(kind))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)


async def sampled(stack: Stack, redis: Any) -> dict[tuple[str, str], float]:
    """One sample of everything, by name and unit."""
    families = Counter([family_of(key.decode()) async for key in redis.scan_iter(count=1000)])
    memory = await redis.info("memory")
    found = {("redis: used memory", "MB"): memory["used_memory"] / 2**20}
    found |= {(f"redis: keys {family}", "keys"): float(count) for family, count in families.items()}
    for key in sorted(LASTING_KEYS):
        kind = await redis.type(key)
        if kind in {b"stream", b"zset"}:
            length = await (redis.xlen(key) if kind == b"stream" else redis.zcard(key))
            found[f"redis: {key}", "entries"] = float(length)
    return found | {(f"process: {name}", "MB"): size for name, size in own_memory(stack.pid).items()}


def family_of(key: str) -> str:
    """A key without what tells streams, workers and clients apart."""
    return "of streams" if key in LASTING_KEYS else re.sub(r"^(memos:\w+):.+", r"\1:…", key)


def own_memory(root: int) -> dict[str, float]:
    """MB of anonymous memory of the processes below one, by what they are."""
    sizes: dict[str, float] = defaultdict(float)
    for pid in family(root):
        sizes[role_of(pid)] += megabytes_of(pid)
    return sizes


def family(root: int) -> list[int]:
    """A process and those below it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    return [pid for pid in parents if pid == root or root in ancestors(pid, parents)]


def ancestors(pid: int, parents: Mapping[int, int]) -> list[int]:
    found = []
    while pid := parents.get(pid, 0):
        found.append(pid)
    return found


def role_of(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "ended"
    for role in ("edge_server", "valkey", "postgres", "interactive", "bulk", "api", "up"):
        if any(role in (Path(word).name if word.startswith("/") else word) for word in words):
            return role
    return "other"


def megabytes_of(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"RssAnon:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


async def watch(stack: Stack, every: float, seconds: float) -> list[tuple[float, dict[tuple[str, str], float]]]:
    """Samples with their times, in minutes."""
    samples = []
    started = time.perf_counter()
    async with open_redis(stack.addresses.redis_url) as redis:
        while (passed := time.perf_counter() - started) < seconds:
            samples.append((passed / 60, await sampled(stack, redis)))
            print(f"{passed / 60:6.1f} min: {len(samples)} samples", file=sys.stderr)
            await asyncio.sleep(every)
    return samples


def series(samples: Sequence[tuple[float, Mapping[tuple[str, str], float]]]) -> list[Series]:
    """Each quantity over the whole time; one that is missing from a sample was nothing then."""
    names = sorted({name for _, sample in samples for name in sample})
    middle = len(samples) // 2
    times = [time for time, _ in samples]
    found = []
    for name, unit in names:
        values = [sample.get((name, unit), 0.0) for _, sample in samples]
        slope = statistics.linear_regression(times[middle:], values[middle:]).slope
        rise = slope * (times[-1] - times[middle])
        grows = rise > max(LEAST_RISE[unit], 0.05 * statistics.mean(values[middle:]))
        first, half, last = (round(values[at], 1) for at in (0, middle, -1))
        found.append(Series(name, unit, first, half, last, round(slope * 60, 1), grows))
    return found


async def run(minutes: float, rate: float, every: float) -> tuple[Counter[str], list[Series]]:
    async with (
        running_memos(MEMOS_FACTS_KEPT=str(FACTS_KEPT)) as stack,
        connect(f"http://127.0.0.1:{stack.port}", timeout=60) as memos,
        connect(stack.addresses.redis_url, source="steady", timeout=60) as bus,
    ):
        load = Load(memos, bus, short_texts(5_000, 3), docstrings(500))
        _, samples = await asyncio.gather(press(load, rate, minutes * 60), watch(stack, every, minutes * 60))
    return load.done, series(samples)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=20, help="commands a second")
    parser.add_argument("--every", type=float, default=60, help="seconds between samples")
    chosen = parser.parse_args()
    done, found = uvloop.run(run(chosen.minutes, chosen.rate, min(chosen.every, chosen.minutes * 60 / 12)))
    if chosen.json:
        print(json.dumps({"done": done, "series": [asdict(one) for one in found]}, indent=2))
    else:
        print(", ".join(f"{count} {what}" for what, count in sorted(done.items())))
        print(f"{'':40} {'first':>9} {'middle':>9} {'last':>9} {'per hour':>10}")
        for one in found:
            figures = f"{one.first:9.1f} {one.middle:9.1f} {one.last:9.1f} {one.per_hour:+10.1f}"
            print(f"{one.name:40} {figures} {one.unit}{'  GROWS' if one.grows else ''}")
    sys.exit(any(one.grows for one in found if one.name.startswith("redis")))


if __name__ == "__main__":
    main()
