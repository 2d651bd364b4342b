"""How long the context of a task takes by REST, beside each of its parts asked alone, on the embedded stack.

    python benchmarks/context_latency.py
    python benchmarks/context_latency.py --memories 2000 --lessons 200 --requests 50 --rounds 1 --json

The memories, lessons, tools and sessions are made up (context_world.py). One client asks for the context of a task
(5 lessons, 5 memories, 5 tools, 10 messages of a session, values) and, in turns with that, for the same task's
memories, lessons and tools and for the session, each by the route that there is for it alone; so all meet the same
noise. Every turn has a task and an agent of its own, and begins with another of the five. The ratio is that of the
median of the whole to the median of the slowest part, of the same round. A run of the usual size replaces
benchmarks/results/context_latency.json and .md; others are only printed unless `--out` says where to.
"""

import argparse
import json
import random
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import uvloop
from context_report import Part, Round, Run, as_markdown
from context_world import SESSION, World, fill
from metrics import latency
from provenance import EMBEDDED, RESULTS, provenance
from recall_api import say
from recall_report import write
from stack import Connection, Stack, connections, running_memos
from synthetic import AGENTS, vocabulary
from synthetic_tools import purposes

MEMORIES = 20_000
LESSONS = 2_000
TOOLS = 200
MESSAGES = 50
REQUESTS = 300
ROUNDS = 3
WARMING = 30
EACH = 5
SHOWN_MESSAGES = 10


class Ask(NamedTuple):
    """A request."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None


class Seen(NamedTuple):
    """What the worker says of contexts: milliseconds of the whole, and of its slowest section."""

    took: list[float]
    slowest: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--memories", type=int, default=MEMORIES)
    add("--lessons", type=int, default=LESSONS)
    add("--tools", type=int, default=TOOLS)
    add("--requests", type=int, default=REQUESTS, help="requests of each kind and round (%(default)s)")
    add("--rounds", type=int, default=ROUNDS, help="times that everything is measured (%(default)s)")
    add("--out", type=Path, help="folder that context_latency.json and .md are written to")
    add("--json", action="store_true", help="print JSON in place of Markdown")
    chosen = parser.parse_args()
    ran = provenance()
    say("reading the vocabulary")
    world = World(vocabulary(), purposes(chosen.tools, 1), chosen.memories, chosen.lessons, MESSAGES)
    measured = uvloop.run(run(world, chosen.requests, max(1, chosen.rounds)))
    data, text = {"ran": asdict(ran), **asdict(measured)}, as_markdown(ran, measured)
    size = (chosen.memories, chosen.lessons, chosen.tools, chosen.requests, chosen.rounds)
    usual = size == (MEMORIES, LESSONS, TOOLS, REQUESTS, ROUNDS)
    if out := chosen.out or (RESULTS if usual else None):
        write(out, "context_latency", data, text)
    print(json.dumps(data, indent=2) if chosen.json else text)


async def run(world: World, requests: int, rounds: int) -> Run:
    """Everything, on a memOS of its own."""
    measured = []
    async with running_memos(**EMBEDDED) as stack:
        await fill(stack, world)
        await ask_round(stack, world, WARMING, 99)
        for number in range(1, rounds + 1):
            measured.append(await ask_round(stack, world, requests, number))
            ratios = f"{measured[-1].ratio:.2f}, in the worker {measured[-1].ratio_of_sections:.2f}"
            say(f"round {number}: ratio {ratios}")
    return Run(world.memories, world.lessons, len(world.purposes), world.messages, tuple(measured))


async def ask_round(stack: Stack, world: World, requests: int, number: int) -> Round:
    """Every kind of request for each of so many tasks, in turns."""
    draw = random.Random(number)  # noqa: S311 - the same agents in every run
    times: dict[str, list[float]] = {}
    seen = Seen([], [])
    async with connections(stack.port, 1) as [client]:
        for turn, task in enumerate(world.tasks(requests, 100 + number)):
            kinds = list(asks(task, draw.choice(AGENTS)).items())
            first = turn % len(kinds)
            for name, ask in kinds[first:] + kinds[:first]:
                milliseconds, answer = await timed(client, ask)
                times.setdefault(name, []).append(milliseconds)
                note(name, answer, seen)
    parts = tuple(Part(name, latency(some)) for name, some in sorted(times.items()) if name != "context")
    return Round(latency(times["context"]), parts, latency(seen.took), latency(seen.slowest))


def asks(task: str, agent: str) -> Mapping[str, Ask]:
    """The whole, and each of its parts alone."""
    query = {"query": task, "agent_id": agent, "top_k": EACH}
    whole = {"task": task, "agent_id": agent, "session_id": SESSION, "messages": SHOWN_MESSAGES}
    counts = dict.fromkeys(("lessons", "memories", "tools"), EACH)
    return {
        "context": Ask("POST", "/context", {**whole, **counts, "deadline_ms": 60_000}),
        "memories": Ask("POST", "/memory/query", {**query, "filter": {"not": {"kind": "lesson"}}}),
        "lessons": Ask("POST", "/memory/query", {**query, "filter": {"kind": "lesson"}}),
        "tools": Ask("POST", "/tools/discover", {"query": task, "top_k": EACH, "format": "openai"}),
        "session": Ask("GET", f"/working/{SESSION}?last={SHOWN_MESSAGES}&agent_id={agent}"),
    }


async def timed(client: Connection, ask: Ask) -> tuple[float, Mapping[str, Any]]:
    """Milliseconds until the answer is there, and the answer."""
    started = time.perf_counter()
    answer = await client.ask(*ask)
    return (time.perf_counter() - started) * 1000, answer


def note(name: str, answer: Mapping[str, Any], seen: Seen) -> None:
    """Keep what the worker says of a context, which must be whole."""
    if name != "context":
        return
    counts = [len(answer[section]) for section in ("lessons", "memories", "tools")]
    if answer["missing"] or counts != [EACH] * len(counts):
        raise SystemExit(f"A context was not whole: {counts} of each, missing {answer['missing']}.")
    seen.took.append(answer["took_ms"])
    seen.slowest.append(max(answer["section_ms"].values()))


if __name__ == "__main__":
    main()
