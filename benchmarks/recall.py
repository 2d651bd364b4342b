"""Recall through the production API, on LoCoMo, MetaTool and CoSQA.

    python benchmarks/recall.py --data ../shared/bench
    python benchmarks/recall.py --data ../shared/bench --only locomo --query '{"diversity": 0.2}'

Each set is given to an embedded memOS of its own: memories by `POST /memory/store/batch`, functions by
`memos ingest`. Questions are asked by `POST /memory/query`, one after the other. A run of everything replaces
benchmarks/results/recall.json and recall.md; one of a part, or with fields added to the queries, is only
printed unless `--out` says where to. Without the data it says where to get them, and ends with status 0.
"""

import argparse
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from datasets import SETS, Wanted, missing
from provenance import EMBEDDED, RESULTS, ROOT, provenance
from recall_api import fields, say
from recall_report import answers, as_json, as_markdown, write
from recall_sets import Section, cosqa, locomo, metatool
from stack import Stack, running_memos

NAMES = [one.name for one in SETS]

Measure = Callable[[Stack, Path, Mapping[str, Any]], Awaitable[list[Section]]]
MEASURES: Mapping[str, Measure] = {"locomo": locomo, "metatool": metatool, "cosqa": cosqa}


@dataclass(frozen=True)
class Chosen:
    """What the command line asks for."""

    data: Path
    only: tuple[str, ...]
    out: Path | None
    query: Mapping[str, Any]
    answers: Path | None
    json: bool


def main() -> None:
    chosen = arguments(sys.argv[1:])
    absent = [one for one in missing(chosen.data) if one.name in chosen.only]
    explain(chosen.data, absent)
    present = [name for name in chosen.only if name not in {one.name for one in absent}]
    if not present:
        return
    ran = provenance()
    sections = uvloop.run(measured(chosen.data, present, chosen.query))
    data, text = as_json(ran, chosen.query, sections), as_markdown(ran, chosen.query, sections)
    if out := chosen.out or (None if chosen.query or present != NAMES else RESULTS):
        write(out, "recall", data, text)
    if chosen.answers:
        lines = (f"{json.dumps(one, ensure_ascii=False)}\n" for one in answers(sections))
        chosen.answers.write_text("".join(lines), encoding="utf-8")
    print(json.dumps(data, indent=2) if chosen.json else text)


def arguments(words: Sequence[str]) -> Chosen:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, default=ROOT.parent / "shared" / "bench", help="folder of the sets (%(default)s)")
    add("--only", action="append", choices=NAMES, help="this set, once for each that is wanted")
    add("--out", type=Path, help="folder that recall.json and recall.md are written to")
    add("--query", type=fields, default={}, metavar="JSON", help="an object of fields added to every query")
    add("--answers", type=Path, metavar="FILE", help="write every question and what was found, a line of JSON each")
    add("--json", action="store_true", help="print JSON in place of Markdown")
    found = parser.parse_args(words)
    only = tuple(name for name in NAMES if name in (found.only or NAMES))
    return Chosen(found.data, only, found.out, found.query, found.answers, found.json)


def explain(folder: Path, absent: Sequence[Wanted]) -> None:
    """Say which sets are not there, and where to get them."""
    for one in absent:
        say(f"{one.name} is not below {folder}; wanted: {', '.join(one.patterns)}.\n  {one.origin}")
    if absent:
        say("Put them into a folder outside the project, and name it with --data (make: BENCH_DATA).")


async def measured(folder: Path, names: Sequence[str], query: Mapping[str, Any]) -> list[Section]:
    """Each set on a memOS of its own."""
    sections: list[Section] = []
    for name in names:
        say(f"{name}: starting memOS")
        async with running_memos(**EMBEDDED) as stack:
            sections += await MEASURES[name](stack, folder, query)
    return sections


if __name__ == "__main__":
    main()
