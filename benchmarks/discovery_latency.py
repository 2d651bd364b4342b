"""How long discovery takes among 5,000 tools, and how fast tools are registered, by REST on the embedded stack.

    python benchmarks/discovery_latency.py
    python benchmarks/discovery_latency.py --tools 1000 --outcomes 2000 --rounds 1 --json

The tools are made up (synthetic_tools.py). They are registered 256 in a request, four requests at once; the
embedder alone then reads exactly the same texts in calls of 256, four at once. Questions are asked by one client
and by eight: untaught, taught by 20,000 outcomes of 50 agents, and while ten outcomes a second come in. In turns
with them the embedder alone embeds the same questions, so that both meet the same noise. At last the worker is
killed, and its successor asked. A run of the usual size replaces benchmarks/results/discovery_latency.json and .md;
others are only printed unless `--out` says where to.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvloop
from discovery_api import in_batches, register, report
from discovery_asking import Shape, ask_shape, memory_of, restarted, trickling
from discovery_latency_report import Run, Speed, as_markdown
from discovery_plans import Outcome
from provenance import EMBEDDED, RESULTS, provenance
from recall_api import say
from recall_report import write
from stack import Stack, connections, running_memos
from synthetic import Texts, vocabulary
from synthetic_tools import CAPABILITIES, Purpose, outcomes, purposes, queries, tools

from memos.embeddings.minilm import MiniLM
from memos.events.tools import MOST_TOOLS_REGISTERED, RegisterTool
from memos.ports import Embedder
from memos.records import said_by

TOOLS = 5_000
OUTCOMES = 20_000
QUERIES = 300
ROUNDS = 3
IN_FLIGHT = 4
CLIENTS = (1, 8)
TRICKLE = 10.0
WARMING = 64
TOP = 10


@dataclass(frozen=True)
class World:
    """What is registered, asked and reported."""

    words: Sequence[str]
    known: Sequence[Purpose]
    queries: int
    outcomes: int

    def texts(self, seed: int) -> Texts:
        """A supply of words of its own."""
        return Texts(self.words, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--tools", type=int, default=TOOLS)
    add("--outcomes", type=int, default=OUTCOMES)
    add("--queries", type=int, default=QUERIES, help="questions of each shape and number of clients (%(default)s)")
    add("--rounds", type=int, default=ROUNDS, help="times that tools are registered, each anew (%(default)s)")
    add("--out", type=Path, help="folder that discovery_latency.json and .md are written to")
    add("--json", action="store_true", help="print JSON in place of Markdown")
    chosen = parser.parse_args()
    ran = provenance()
    say("reading the vocabulary")
    world = World(vocabulary(), purposes(chosen.tools, 1), chosen.queries, chosen.outcomes)
    measured = uvloop.run(run(world, max(1, chosen.rounds)))
    data = {"ran": asdict(ran), **as_json(measured)}
    text = as_markdown(ran, measured)
    usual = (chosen.tools, chosen.outcomes, chosen.queries, chosen.rounds) == (TOOLS, OUTCOMES, QUERIES, ROUNDS)
    if out := chosen.out or (RESULTS if usual else None):
        write(out, "discovery_latency", data, text)
    print(json.dumps(data, indent=2) if chosen.json else text)


def as_json(measured: Run) -> dict[str, Any]:
    """All that was measured."""
    shapes = [{**asdict(shape), "beyond": shape.beyond} for shape in measured.shapes]
    return {**asdict(measured), "shapes": shapes}


async def run(world: World, rounds: int) -> Run:
    """Register on a memOS of its own each round; what follows is asked of the last."""
    speeds = []
    async with MiniLM() as embedder:
        for number in range(1, rounds):
            async with running_memos(**EMBEDDED) as stack:
                speeds.append(await registered(stack, embedder, world, number))
        async with running_memos(**EMBEDDED) as stack:
            memory = {"before any tool": memory_of(stack)}
            speeds.append(await registered(stack, embedder, world, 0))
            shapes, reported = await asked(stack, embedder, world, memory)
            successor = await restarted(stack, list(bodies(world, 90)["one need"]))
            memory["a worker that has just read it all"] = memory_of(stack)
    return Run(len(world.known), world.outcomes, tuple(speeds), reported, shapes, successor, memory)


async def registered(stack: Stack, embedder: Embedder, world: World, seed: int) -> Speed:
    """Tools a second of the service, and of the embedder alone on the same texts."""
    definitions = list(tools(world.known, world.texts(10 + seed), seed))
    texts = [text for one in definitions for text in said_by(RegisterTool.model_validate(one))]
    other = list(tools(purposes(WARMING, 99), world.texts(9), 9))
    async with connections(stack.port, IN_FLIGHT) as clients:
        await register(clients[:1], [{**one, "tool_id": f"warming-{one['tool_id']}"} for one in other])
        started = time.perf_counter()
        await register(clients, definitions)
        service = time.perf_counter() - started
    alone = await embedding_seconds(embedder, texts)
    say(f"registered {len(definitions)} tools in {service:.1f} s; the embedder alone takes {alone:.1f} s")
    return Speed(len(texts), round(len(definitions) / service, 1), round(len(definitions) / alone, 1))


async def embedding_seconds(embedder: Embedder, texts: Sequence[str]) -> float:
    """Seconds of embedding texts, as many a call and as many calls at once as are registered."""
    pending = iter(in_batches(texts, MOST_TOOLS_REGISTERED))

    async def drain() -> None:
        for batch in pending:
            await embedder.embed(batch)

    await embedder.embed(texts[:WARMING])
    started = time.perf_counter()
    await asyncio.gather(*(drain() for _ in range(IN_FLIGHT)))
    return time.perf_counter() - started


async def asked(
    stack: Stack, embedder: Embedder, world: World, memory: dict[str, float]
) -> tuple[tuple[Shape, ...], float]:
    """Every shape untaught, taught, and while outcomes come in; and how many outcomes a second were recorded."""
    shapes = await ask_all(stack, embedder, world, "untaught", 20)
    memory["with all tools"] = memory_of(stack)
    reported = await teach(stack, world)
    shapes += await ask_all(stack, embedder, world, "taught", 40)
    memory["with all tools and outcomes"] = memory_of(stack)
    async with trickling(stack.port, later(world), TRICKLE):
        shapes += await ask_all(stack, embedder, world, "taught, outcomes coming in", 60)
    return tuple(shapes), reported


async def ask_all(stack: Stack, embedder: Embedder, world: World, state: str, seed: int) -> list[Shape]:
    """Every shape, by one client and by several."""
    shapes = []
    for count in CLIENTS:
        async with connections(stack.port, count) as clients:
            for name, some in bodies(world, seed + count).items():
                shapes.append(await ask_shape(clients, embedder, state, name, some))
                shape = shapes[-1]
                say(f"{state}, {count} clients, {name}: p50 {shape.seen.p50} ms, {shape.beyond} beyond embedding")
    return shapes


def bodies(world: World, seed: int) -> dict[str, list[Mapping[str, Any]]]:
    """Questions of each shape, all with texts of their own."""
    texts, count = world.texts(seed), world.queries
    one, other, allowed = (list(queries(world.known, texts, count, seed * 10 + part)) for part in range(3))
    both = [f"{first}, and {second}" for first, second in zip(allowed, other, strict=True)]
    limited = list(queries(world.known, texts, count, seed * 10 + 4))
    return {
        "one need": [{"query": text, "top_k": TOP} for text in one],
        "two needs": [{"query": text, "top_k": TOP} for text in both],
        "one need, agent's capabilities": [
            {"query": text, "top_k": TOP, "agent_capabilities": CAPABILITIES[:2]} for text in limited
        ],
    }


async def teach(stack: Stack, world: World) -> float:
    """Report outcomes; how many a second were recorded."""
    some = list(outcomes(world.known, world.texts(2), world.outcomes, 2))
    started = time.perf_counter()
    async with connections(stack.port, IN_FLIGHT) as clients:
        await report(clients, some)
    taken = time.perf_counter() - started
    say(f"reported {len(some)} outcomes in {taken:.1f} s")
    return round(len(some) / taken, 1)


def later(world: World) -> Iterator[Outcome]:
    """More outcomes than can come in while questions are asked."""
    return outcomes(world.known, world.texts(3), 100_000, 3)


if __name__ == "__main__":
    main()
