"""Whether memory helps: the same tasks by the same agents, with memOS and without, on MetaTool.

    python benchmarks/helping.py --data ../shared/bench
    python benchmarks/helping.py --data ../shared/bench --tasks 200 --seeds 1

Each task is a query of MetaTool, which one of 199 tools is right for. Nobody tells the agents which; and every
other tool insists on something that its description does not say, and says so when it is called without it. An
agent has four calls. After two thirds of the tasks a fifth of these tools insists on something else. With memOS
an agent asks for the context of each task before it, and tells what it learned after it; without, it goes by the
tools' descriptions alone, as memOS finds them untaught. In a third course one agent in five tells the opposite of
everything.

A run of everything replaces benchmarks/results/helping.json, helping.md and helping.svg; one of a part is only
printed unless `--out` says where to. Without the data it says where to get them, and ends with status 0.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop
from discovery import OUTCOMES, present, wanted
from discovery_api import definitions, in_batches
from discovery_runs import read
from helping_agents import Memory, Solving, WithMemory, WithoutMemory, solve
from helping_report import Course, as_json, as_markdown, draw
from helping_world import World, world_of
from provenance import EMBEDDED, RESULTS, ROOT, provenance
from recall_api import say
from recall_report import write
from stack import running_memos

from memos.client import connect
from memos.events.tools import MOST_TOOLS_REGISTERED

TASKS, SEEDS, AGENTS, CHANGED = 600, 3, 5, 0.2


@dataclass(frozen=True)
class Chosen:
    """What the command line asks for."""

    data: Path
    tasks: int
    seeds: int
    out: Path | None
    json: bool


def main() -> None:
    chosen = arguments(sys.argv[1:])
    if not present(chosen.data):
        say(f"{sys.argv[0]} wants MetaTool below {chosen.data}.\n  {wanted().origin}\n  {OUTCOMES}")
        return
    ran, data = provenance(), read(chosen.data)
    worlds = [
        world_of(data.solved, tasks=chosen.tasks, agents=AGENTS, changed=CHANGED, seed=seed)
        for seed in range(chosen.seeds)
    ]
    courses = uvloop.run(measured(definitions(data.tools), worlds))
    facts, text = as_json(ran, worlds, courses), as_markdown(ran, worlds, courses)
    if out := chosen.out or (RESULTS if (chosen.tasks, chosen.seeds) == (TASKS, SEEDS) else None):
        write(out, "helping", facts, text)
        draw(out / "helping.svg", courses, worlds[0].change)
    print(json.dumps(facts, indent=2) if chosen.json else text)


def arguments(words: Sequence[str]) -> Chosen:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, default=ROOT.parent / "shared" / "bench", help="folder of the set (%(default)s)")
    add("--tasks", type=int, default=TASKS, help="tasks of a course (%(default)s)")
    add("--seeds", type=int, default=SEEDS, help="random worlds (%(default)s)")
    add("--out", type=Path, help="folder that helping.json, helping.md and helping.svg are written to")
    add("--json", action="store_true", help="print JSON in place of Markdown")
    found = parser.parse_args(words)
    return Chosen(found.data, max(10, found.tasks), max(1, found.seeds), found.out, found.json)


async def measured(tools: Sequence[dict[str, object]], worlds: Sequence[World]) -> list[Course]:
    """Every world without memory, with it, and with it among liars, each beginning with nothing learned."""
    courses: list[Course] = []
    for seed, world in enumerate(worlds):
        for name, lies in (("without", None), ("with", frozenset[str]()), ("liar", frozenset({"agent-4"}))):
            say(f"World {seed + 1} of {len(worlds)}, {name}")
            courses.append(await course(name, seed, tools, world, lies))
    return courses


async def course(
    name: str, seed: int, tools: Sequence[dict[str, object]], world: World, lies: frozenset[str] | None
) -> Course:
    """All tasks of a world in their order, by agents with a memOS of their own."""
    async with running_memos(**EMBEDDED) as stack, connect(stack.addresses.redis_url, timeout=120) as client:
        for batch in in_batches(tools, MOST_TOOLS_REGISTERED):
            await client.tools.register_many(batch, timeout=120)
        memory: Memory = WithoutMemory(client) if lies is None else WithMemory(client, lies)
        solvings: list[Solving] = []
        for number, task in enumerate(world.tasks):
            solving = solve(world, number, await memory.given(task.text, task.agent))
            await memory.told(number, task.text, task.agent, solving)
            solvings.append(solving)
        taken = memory.taken if isinstance(memory, WithMemory) else {}
        return Course(name, seed, solvings, [world.repeats(number) for number in range(len(solvings))], taken)


if __name__ == "__main__":
    main()
