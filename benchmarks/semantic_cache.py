"""Which questions a semantic cache takes for the same, on pairs of questions that people labelled.

    python benchmarks/semantic_cache.py --data ../shared/bench

Hits are the accepted pairs of all labelled as duplicates, false hits the accepted pairs of all the others. Compared
are a threshold on the cosine, the same behind the guards, and the likeness that ships; thresholds and weights are
also fitted on one half and measured on the other, for ten random halves. A run replaces
benchmarks/results/semantic_cache.json and semantic_cache.md, unless `--out` says where to. Without the data it says
where to get them, and ends with status 0.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from provenance import RESULTS, ROOT, provenance
from recall_api import say
from recall_report import write
from semantic_cache_report import as_markdown
from semantic_cache_scores import Pairs, measured

from memos.embeddings.minilm import MiniLM

PATTERN = "qqp/pairs_*.jsonl"
ORIGIN = (
    "Quora question pairs, as in github.com/zilliztech/GPTCache's benchmark (Quora's terms: evaluation only). Each "
    'line is {"a": …, "b": …, "duplicate": 0 or 1}, in a file qqp/pairs_*.jsonl of a folder outside the project: '
    "name it with --data (make: BENCH_DATA)."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = ROOT.parent / "shared" / "bench"
    parser.add_argument("--data", type=Path, default=default, help="folder of the pairs (%(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    chosen = parser.parse_args(sys.argv[1:])
    files = sorted(chosen.data.glob(PATTERN))
    if not files:
        say(f"{sys.argv[0]} wants {PATTERN} below {chosen.data}.\n  {ORIGIN}")
        return
    ran = provenance()
    found = {path.name: measured(asyncio.run(embedded(path.name, lines_of(path)))) for path in files}
    facts, text = {"ran": asdict(ran), "files": found}, as_markdown(ran, found)
    write(chosen.out, "semantic_cache", facts, text)
    print(json.dumps(facts, indent=2) if chosen.json else text)


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The pairs of a file as they are written."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def embedded(name: str, lines: Sequence[Mapping[str, Any]]) -> Pairs:
    """The pairs with the cosines of their embeddings."""
    asked, cached = [line["a"] for line in lines], [line["b"] for line in lines]
    say(f"embedding {2 * len(lines):,} questions of {name}")
    async with MiniLM() as embedder:
        here, there = await embedder.embed(asked), await embedder.embed(cached)
    return Pairs(asked, cached, [line["duplicate"] == 1 for line in lines], cosines(here, there))


def cosines(here: Sequence[Sequence[float]], there: Sequence[Sequence[float]]) -> list[float]:
    """Of vectors of unit length, pair by pair."""
    return [sum(x * y for x, y in zip(one, other, strict=True)) for one, other in zip(here, there, strict=True)]


if __name__ == "__main__":
    main()
