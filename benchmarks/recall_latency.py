"""How long queries take at 100,000 memories, by REST on the embedded stack, with filters and without.

    python benchmarks/recall_latency.py
    python benchmarks/recall_latency.py --memories 20000 --supplied --json

The memories are made up: words by Zipf's law, several agents, sessions, kinds, tags, times and metadata. They are
embedded like any others; `--supplied` gives random unit vectors instead, which takes less time to store and tells
the same of a search that visits every vector. Each shape of filter is asked by one client, then by four at once;
every query has a text of its own. A run of the usual size replaces benchmarks/results/recall_latency.json and .md;
others are only printed unless `--out` says where to.
"""

import argparse
import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import uvloop
from lane import DIMENSION, MODEL
from metrics import Latency, latency, mean
from provenance import EMBEDDED, RESULTS, Provenance, provenance, sentence
from recall_api import Answer, ask, fields, say, store
from recall_report import latencies, write
from stack import Connection, Stack, connections, running_memos, share
from synthetic import AGENTS, Texts, filters, memories, unit_vector, vocabulary

from memos.events.memories import MOST_BATCHED

MEMORIES = 100_000
QUERIES = 300
STORING_CLIENTS = 4
ASKING_CLIENTS = (1, 4)
SAID_EVERY = 10_000
AIM = 60.0
"""Milliseconds that the p95 of one client should not exceed under any filter."""


@dataclass(frozen=True)
class Shape:
    """Queries of one shape by so many clients: as they see them, and as the worker does."""

    name: str
    clients: int
    seen: Latency
    worker: Latency
    results: float


@dataclass(frozen=True)
class Run:
    """What was stored, how fast, and how long the queries took."""

    memories: int
    vectors: str
    stored_per_second: float
    shapes: tuple[Shape, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memories", type=int, default=MEMORIES)
    parser.add_argument("--queries", type=int, default=QUERIES, help="queries of each shape (%(default)s)")
    parser.add_argument("--supplied", action="store_true", help="store random vectors in place of embeddings")
    parser.add_argument("--out", type=Path, help="folder that recall_latency.json and .md are written to")
    parser.add_argument("--query", type=fields, default={}, metavar="JSON", help="an object added to every query")
    parser.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    chosen = parser.parse_args()
    ran = provenance()
    measured = uvloop.run(run(chosen.memories, chosen.queries, chosen.query, supplied=chosen.supplied))
    data = {"ran": asdict(ran), "query": chosen.query, **asdict(measured)}
    text = as_markdown(ran, measured)
    usual = (chosen.memories, chosen.queries, chosen.supplied, chosen.query) == (MEMORIES, QUERIES, False, {})
    if out := chosen.out or (RESULTS if usual else None):
        write(out, "recall_latency", data, text)
    print(json.dumps(data, indent=2) if chosen.json else text)


async def run(count: int, queries: int, extra: Mapping[str, Any], *, supplied: bool) -> Run:
    """Store and ask on a memOS of its own."""
    say("reading the vocabulary")
    words = vocabulary()
    async with running_memos(**EMBEDDED) as stack:
        rate = await fill(stack, words, count, supplied=supplied)
        shapes = [
            shape
            for clients in ASKING_CLIENTS
            for shape in await ask_shapes(stack, Texts(words, 100 + clients), clients, queries, extra)
        ]
    return Run(count, "random" if supplied else "embedded", round(rate, 1), tuple(shapes))


async def fill(stack: Stack, words: Sequence[str], count: int, *, supplied: bool) -> float:
    """Store so many memories; the rate in memories a second."""
    bodies = memories(Texts(words, 1), count)
    batches = batched(with_vectors(bodies) if supplied else bodies, MOST_BATCHED)
    done = 0

    async def drain(client: Connection) -> None:
        nonlocal done
        for batch in batches:
            await store(client, batch)
            done += len(batch)
            if done % SAID_EVERY == 0:
                say(f"stored {done} of {count}")

    started = time.perf_counter()
    async with connections(stack.port, STORING_CLIENTS) as clients:
        await asyncio.gather(*map(drain, clients))
    return count / (time.perf_counter() - started)


def with_vectors(bodies: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The same memories with vectors of their own."""
    draw = random.Random(3)  # noqa: S311 - the same vectors in every run
    return ({**body, "embedding": unit_vector(draw, DIMENSION), "embedding_model": MODEL} for body in bodies)


async def ask_shapes(
    stack: Stack, texts: Texts, clients: int, queries: int, extra: Mapping[str, Any]
) -> list[Shape]:
    """Every shape of filter, so many times, by so many clients at once."""
    shapes = []
    async with connections(stack.port, clients) as opened:
        for name, bodies in queries_of(texts, clients, queries).items():
            shapes.append(await ask_shape(opened, name, [{**body, **extra} for body in bodies]))
            say(f"{clients} clients, {name}: p95 {shapes[-1].seen.p95} ms")
    return shapes


def queries_of(texts: Texts, seed: int, count: int) -> dict[str, list[dict[str, Any]]]:
    """So many queries of each shape, each on behalf of some agent."""
    draw = random.Random(seed)  # noqa: S311 - the same queries in every run
    bodies: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _ in range(count):
        agent = draw.choice(AGENTS)
        for name, one in filters(draw, agent).items():
            bodies[name].append({"query": texts.text(3, 9), "agent_id": agent, "top_k": 10, "filter": one})
    return bodies


async def ask_shape(clients: Sequence[Connection], name: str, bodies: Sequence[Mapping[str, Any]]) -> Shape:
    """Ask them all, each client the next as soon as it has an answer."""
    answers: list[Answer] = []

    async def one(client: Connection, body: Mapping[str, Any]) -> None:
        answers.append(await ask(client, body, lambda result: result["memory_id"]))

    await share(clients, bodies, one)
    return Shape(
        name,
        len(clients),
        latency(answer.milliseconds for answer in answers),
        latency(answer.took_ms for answer in answers),
        round(mean(len(answer.ranked) for answer in answers), 1),
    )


def batched(bodies: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Pieces of at most so many."""
    while some := list(islice(bodies, size)):
        yield some


def as_markdown(ran: Provenance, measured: Run) -> str:
    """The tables that a person reads."""
    stored = (
        f"{measured.memories} memories ({measured.vectors} vectors), stored at {measured.stored_per_second:.0f}/s"
    )
    worst = max(shape.seen.p95 for shape in measured.shapes if shape.clients == 1)
    verdict = f"Worst p95 of one client: {worst:.1f} ms; aim ≤ {AIM:.0f} ms. Each query has `top_k` 10."
    blocks = ["# Queries among many memories", sentence(ran), f"{stored} by {STORING_CLIENTS} clients. {verdict}"]
    for clients in ASKING_CLIENTS:
        shapes = [shape for shape in measured.shapes if shape.clients == clients]
        named = {f"{shape.name}: {shape.results:.0f} results": (shape.seen, shape.worker) for shape in shapes}
        blocks += [f"## {clients} client{'s' * (clients > 1)}", "\n".join(latencies(named))]
    return "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    main()
