"""Memories that nobody has, as many as are wanted and the same in every run: words by Zipf's law, and properties.

The vocabulary is that of the standard library's docstrings, the most frequent first, so a text has about as many
tokens of an embedding model as English of its length.
"""

import itertools
import math
import random
import re
import sysconfig
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from memos.ingestion import Passage, read

WORD = re.compile(r"[a-z]{2,}")
VOCABULARY = 20_000
FLATTENING = 2.7
"""Mandelbrot's correction to Zipf's law: the weight of a rank is 1 / (rank + 2.7)."""

AGENTS = tuple(f"agent-{number}" for number in range(8))
SESSIONS_OF_AGENT = 250
KINDS: Mapping[str, int] = {"episodic": 70, "semantic": 15, "document": 10, "procedural": 5}
TAGS = tuple(f"topic-{number}" for number in range(40))
PROJECTS = tuple(f"project-{number}" for number in range(25))
BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 730
SHARED = 0.1


class Texts:
    """An endless supply of texts drawn from one vocabulary."""

    def __init__(self, words: Sequence[str], seed: int) -> None:
        self._words = words
        self._draw = random.Random(seed)  # noqa: S311 - the same texts in every run
        self._weights = list(itertools.accumulate(1 / (rank + FLATTENING) for rank in range(1, len(words) + 1)))

    def text(self, least: int, most: int) -> str:
        """So many words, between two numbers."""
        count = self._draw.randint(least, most)
        return " ".join(self._draw.choices(self._words, cum_weights=self._weights, k=count))


def vocabulary(size: int = VOCABULARY) -> list[str]:
    """The words of the standard library's docstrings, the most frequent first."""
    found = read(Path(sysconfig.get_paths()["stdlib"]))
    counted: Counter[str] = Counter()
    for one in found:
        if isinstance(one, Passage):
            counted.update(WORD.findall(one.content.lower()))
    return sorted(counted, key=lambda word: (-counted[word], word))[:size]


def memories(texts: Texts, count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Memories of several agents over two years, as bodies of stores."""
    draw = random.Random(seed)  # noqa: S311 - the same properties in every run
    kinds, weights = list(KINDS), list(KINDS.values())
    for number in range(count):
        agent = draw.choice(AGENTS)
        yield {
            "content": texts.text(8, 24),
            "agent_id": agent,
            "visibility": "shared" if draw.random() < SHARED else "private",
            "kind": draw.choices(kinds, weights)[0],
            "session_id": f"{agent}/{draw.randrange(SESSIONS_OF_AGENT)}",
            "sequence": number,
            "tags": draw.sample(TAGS, draw.randint(1, 3)),
            "importance": round(draw.random(), 2),
            "occurred_at": BEGINNING + timedelta(days=DAYS * draw.random()),
            "metadata": {"project": draw.choice(PROJECTS), "priority": draw.randrange(10)},
        }


def unit_vector(draw: random.Random, dimension: int) -> list[float]:
    """A direction without any preference."""
    numbers = [draw.gauss(0, 1) for _ in range(dimension)]
    length = math.sqrt(math.fsum(number * number for number in numbers))
    return [round(number / length, 6) for number in numbers]


def period(draw: random.Random, days: int) -> dict[str, datetime]:
    """A time range of so many days, as conditions of a filter."""
    start = BEGINNING + timedelta(days=draw.randrange(DAYS - days))
    return {"occurred_after": start, "occurred_before": start + timedelta(days=days)}


def filters(draw: random.Random, agent: str) -> dict[str, dict[str, Any] | None]:
    """One filter of each shape, for queries on an agent's behalf."""
    tag = draw.choice(TAGS)
    return {
        "agent": None,
        "agent, kind": {"kind": "episodic"},
        "agent, tag": {"tags": [tag]},
        "agent, 30 days": period(draw, 30),
        "agent, session": {"session_id": f"{agent}/{draw.randrange(SESSIONS_OF_AGENT)}"},
        "agent, metadata": {"metadata": {"project": draw.choice(PROJECTS), "priority": draw.randrange(10)}},
        "agent, kind, tag, 180 days": {"kind": "episodic", "tags": [tag], **period(draw, 180)},
    }
