"""Queries beside an ingest: how long they take while nothing else runs, and while `memos ingest` does.

    python benchmarks/contention.py [--json] [--rounds 3] [--passages 6000] [--known 10000] [--clients 1]

Each client asks one query after another by REST. In each round they ask alone, then while the command
`memos ingest` has the bulk lane busy; then the same passages' rate is taken without queries, and that of the
embedder alone. A ratio compares two figures of the same round; a figure is a median over the rounds.
"""

import argparse
import asyncio
import json
import random
import statistics
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import uvloop
from service import embedder_rate, short_texts, store_in_batches
from stack import Connection, Stack, command, connections, running_memos

from memos.ingestion import Passage, read

ALONE = 400
LEAST_BESIDE = 100
EMBEDDED = 1_500
PASSAGES_A_FILE = 50


@dataclass(frozen=True)
class Latency:
    """Milliseconds of queries."""

    asked: int
    p50: float
    p95: float


@dataclass(frozen=True)
class Round:
    """What one round measured; rates are in passages a second."""

    idle: Latency
    beside: Latency
    ingest_with_queries: float
    ingest_alone: float
    embedder: float


def passages(count: int) -> list[str]:
    """The first docstrings of the standard library."""
    found = (one for one in read(Path(sysconfig.get_paths()["stdlib"])) if isinstance(one, Passage))
    return [one.content for one in islice(found, count)]


@contextmanager
def sources(texts: Sequence[str], mark: str) -> Iterator[Path]:
    """A folder of Python files with these docstrings, each made new by a mark."""
    with tempfile.TemporaryDirectory(prefix="memos-bench-") as name:
        folder = Path(name)
        for start in range(0, len(texts), PASSAGES_A_FILE):
            some = texts[start : start + PASSAGES_A_FILE]
            functions = [f"def f{n}():\n    {f'{mark}{start + n} {text}'!r}\n" for n, text in enumerate(some)]
            (folder / f"m{start}.py").write_text("\n".join(functions), encoding="utf-8")
        yield folder


async def ask(clients: Sequence[Connection], texts: Iterator[str]) -> list[float]:
    """Seconds of each query; each client asks the next as soon as it has the answer to the former."""
    times = []

    async def drain(client: Connection) -> None:
        for text in texts:
            started = time.perf_counter()
            await client.post("/memory/query", {"query": text})
            times.append(time.perf_counter() - started)

    await asyncio.gather(*map(drain, clients))
    return times


def latency(times: Sequence[float]) -> Latency:
    cuts = statistics.quantiles(times, n=20)
    return Latency(len(times), round(statistics.median(times) * 1000, 2), round(cuts[-1] * 1000, 2))


async def ingest(stack: Stack, folder: Path) -> float:
    """Passages a second of `memos ingest`, from the first to the last that the worker stores."""
    started = time.perf_counter()
    summary = json.loads(await command("ingest", str(folder), "--json", "--url", stack.addresses.redis_url))
    stored: int = summary["outcomes"]["stored"]
    assert summary["outcomes"] == {"stored": stored}, summary
    return stored / (time.perf_counter() - started)


async def ask_beside(stack: Stack, clients: Sequence[Connection], folder: Path, seed: int) -> tuple[Latency, float]:
    """The latency of queries while an ingest runs, and its rate."""
    running = asyncio.create_task(ingest(stack, folder))
    endless = (text for part in range(10_000) for text in short_texts(100, seed * 10_000 + part))
    times = await ask(clients, (text for text in endless if not running.done()))
    rate = await running
    assert len(times) >= LEAST_BESIDE, "The ingest was too short to measure queries beside it."
    return latency(times), rate


async def one_round(stack: Stack, texts: Sequence[str], number: int, at_once: int) -> Round:
    async with connections(stack.port, at_once) as clients:
        await ask(clients, iter(short_texts(50, 700 + number)))
        idle = latency(await ask(clients, iter(short_texts(ALONE, 800 + number))))
        with sources(texts, f"first {number}.") as folder:
            beside, with_queries = await ask_beside(stack, clients, folder, number)
    with sources(texts, f"second {number}.") as folder:
        alone = await ingest(stack, folder)
    rate = await embedder_rate([f"third {number}. {text}" for text in texts[:EMBEDDED]])
    return Round(idle, beside, round(with_queries, 1), round(alone, 1), round(rate, 1))


async def run(rounds: int, count: int, known: int, at_once: int) -> list[Round]:
    """Each round on a memOS of its own, so that all begin with the same memories."""
    texts = random.Random(5).sample(passages(20_000), count)  # noqa: S311 - the same texts in every run
    measured = []
    for number in range(rounds):
        async with running_memos() as stack:
            await store_in_batches(stack, short_texts(known, 1))
            measured.append(await one_round(stack, texts, number, at_once))
    return measured


def summary(measured: Sequence[Round]) -> dict[str, float]:
    """Medians over the rounds."""
    return {
        "query alone, p50 ms": statistics.median(one.idle.p50 for one in measured),
        "query alone, p95 ms": statistics.median(one.idle.p95 for one in measured),
        "query beside an ingest, p50 ms": statistics.median(one.beside.p50 for one in measured),
        "query beside an ingest, p95 ms": statistics.median(one.beside.p95 for one in measured),
        "p95 beside an ingest / p95 alone (≤ 4)": round(
            statistics.median(one.beside.p95 / one.idle.p95 for one in measured), 2
        ),
        "ingest alone, passages/s": statistics.median(one.ingest_alone for one in measured),
        "ingest alone / embedder alone (≥ 0.8)": round(
            statistics.median(one.ingest_alone / one.embedder for one in measured), 3
        ),
        "ingest with queries / ingest alone": round(
            statistics.median(one.ingest_with_queries / one.ingest_alone for one in measured), 3
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object, with every round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--passages", type=int, default=6_000, help="passages of each ingest")
    parser.add_argument("--known", type=int, default=10_000, help="memories that are there at first")
    parser.add_argument("--clients", type=int, default=1, help="clients that ask at the same time")
    chosen = parser.parse_args()
    measured = uvloop.run(run(chosen.rounds, chosen.passages, chosen.known, chosen.clients))
    figures = summary(measured)
    if chosen.json:
        print(json.dumps({**figures, "rounds": [asdict(one) for one in measured]}, indent=2))
        return
    for name, figure in figures.items():
        print(f"{name:45} {figure:10.2f}")


if __name__ == "__main__":
    main()
