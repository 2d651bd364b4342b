"""How many texts a second the embedded embedder takes, and how long one short text waits.

    python benchmarks/embedder.py [--json] [--rounds 5]

Texts a second are medians over the rounds; p50 is over all single calls. "one by one" awaits each call before
the next, "32 a call" hands over 32 texts at once, "calls of 1, 8 at once" is eight callers side by side.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence

from memos.embeddings.minilm import MiniLM

PROSE = (
    "the worker lost its lease while a harbour pilot read old letters about rain and cloud revenue rose "
    "before anyone asked which agent had stored the answer to that question in memory last spring"
)
SHORT, LONG = 10, 198
"""Words in a text: 12 and 200 tokens with the two that every text gets."""

Embedding = Callable[[Sequence[str]], Awaitable[object]]


def texts(words: int, count: int) -> list[str]:
    """Return `count` different texts of so many common words, each of which is one token."""
    draw = random.Random(words)  # noqa: S311 - the same texts in every run
    return [" ".join(draw.choices(PROSE.split(), k=words)) for _ in range(count)]


async def in_calls_of(size: int, embed: Embedding, given: Sequence[str]) -> None:
    for start in range(0, len(given), size):
        await embed(given[start : start + size])


async def rate(rounds: int, count: int, run: Callable[[], Awaitable[object]]) -> float:
    """Return how many of `count` texts a second `run` takes, as the median of some rounds."""
    rates = []
    for _ in range(rounds):
        started = time.perf_counter()
        await run()
        rates.append(count / (time.perf_counter() - started))
    return statistics.median(rates)


async def latency(embed: Embedding, given: Sequence[str]) -> float:
    """Return the median time of a call with one text, in milliseconds."""
    times = []
    for text in given:
        started = time.perf_counter()
        await embed([text])
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


async def measure(rounds: int) -> dict[str, float]:
    short, long = texts(SHORT, 320), texts(LONG, 48)
    async with MiniLM() as minilm:
        embed = minilm.embed
        await in_calls_of(32, embed, short)
        return {
            "short text, p50 ms": await latency(embed, short),
            "short texts/s, one by one": await rate(rounds, 320, lambda: in_calls_of(1, embed, short)),
            "short texts/s, calls of 1, 8 at once": await rate(
                rounds,
                320,
                lambda: asyncio.gather(*(in_calls_of(1, embed, short[n::8]) for n in range(8))),
            ),
            "short texts/s, 32 a call": await rate(rounds, 320, lambda: in_calls_of(32, embed, short)),
            "short texts/s, 320 a call": await rate(rounds, 320, lambda: embed(short)),
            "long texts/s, one by one": await rate(rounds, 48, lambda: in_calls_of(1, embed, long)),
            "long texts/s, 48 a call": await rate(rounds, 48, lambda: embed(long)),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5, help="rounds a figure is the median of (default: 5)")
    chosen = parser.parse_args()
    figures = asyncio.run(measure(chosen.rounds))
    if chosen.json:
        print(json.dumps({"cores": os.cpu_count(), **figures}))
        return
    for name, figure in figures.items():
        print(f"{name:40} {figure:10.2f}")


if __name__ == "__main__":
    main()
