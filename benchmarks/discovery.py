"""How well tools are discovered, untaught and taught, through the production API, on MetaTool.

    python benchmarks/discovery.py --data ../shared/bench
    python benchmarks/discovery.py --data ../shared/bench --only learning --seeds 1

The tools are registered, and outcomes reported in random orders, spread over 20 agents; questions are asked
before, and after 20, 50, 100, 250, 1,000 and all of them. Then two of the agents lie, one agent reports
everything, and one agent attacks. Each course has an embedded memOS of its own, and everything goes by REST. A run
of everything replaces benchmarks/results/discovery.json and discovery.md; one of a part is only printed unless
`--out` says where to. Without the data it says where to get them, and ends with status 0.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop
from datasets import SETS, Wanted, matching
from discovery_report import as_json, as_markdown
from discovery_runs import Course, Data, attacks, learning, liars, one_reporter, read
from provenance import RESULTS, ROOT, provenance
from recall_api import say
from recall_report import write

PARTS = ("learning", "reporter", "liars", "attacks")
SEEDS = 3
OUTCOMES = (
    'outcomes_*.jsonl has queries like single_*.jsonl, {"query": …, "tool": …}, which are none of the others. '
    "Put them into a folder outside the project, and name it with --data (make: BENCH_DATA)."
)


@dataclass(frozen=True)
class Chosen:
    """What the command line asks for."""

    data: Path
    only: tuple[str, ...]
    seeds: int
    out: Path | None
    json: bool


def main() -> None:
    chosen = arguments(sys.argv[1:])
    if not present(chosen.data):
        say(f"{sys.argv[0]} wants MetaTool below {chosen.data}.\n  {wanted().origin}\n  {OUTCOMES}")
        return
    ran, data = provenance(), read(chosen.data)
    courses = uvloop.run(measured(data, chosen))
    facts, text = as_json(ran, data, courses), as_markdown(ran, data, courses)
    whole = (chosen.only, chosen.seeds) == (PARTS, SEEDS)
    if out := chosen.out or (RESULTS if whole else None):
        write(out, "discovery", facts, text)
    print(json.dumps(facts, indent=2) if chosen.json else text)


def arguments(words: Sequence[str]) -> Chosen:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, default=ROOT.parent / "shared" / "bench", help="folder of the set (%(default)s)")
    add("--only", action="append", choices=PARTS, help="this part, once for each that is wanted, after learning")
    add("--seeds", type=int, default=SEEDS, help="random orders of honest outcomes (%(default)s)")
    add("--out", type=Path, help="folder that discovery.json and discovery.md are written to")
    add("--json", action="store_true", help="print JSON in place of Markdown")
    found = parser.parse_args(words)
    only = tuple(name for name in PARTS if name in (found.only or PARTS))
    return Chosen(found.data, only, max(1, found.seeds), found.out, found.json)


def wanted() -> Wanted:
    """What the recall benchmark says of the set."""
    return next(one for one in SETS if one.name == "metatool")


def present(folder: Path) -> bool:
    """Whether the set is there in whole."""
    return all(matching(folder, pattern) for pattern in (*wanted().patterns, "metatool/outcomes_*.jsonl"))


async def measured(data: Data, chosen: Chosen) -> list[Course]:
    """Every course that is wanted; what the others are compared with always."""
    courses = await learning(data, chosen.seeds)
    cold = courses[0].points[0]
    if "reporter" in chosen.only:
        courses += await one_reporter(data)
    if "liars" in chosen.only:
        courses += await liars(data)
    if "attacks" in chosen.only:
        courses += await attacks(data, cold)
    return courses


if __name__ == "__main__":
    main()
