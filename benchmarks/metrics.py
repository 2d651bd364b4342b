"""How good a ranking is, and how long it took: pure functions.

A ranking is the names of what was found, best first, each once; `wanted` is what answers the question.
Gains are binary: what is wanted counts one, everything else nothing.
"""

import math
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Latency:
    """Quantiles of milliseconds, and how many were measured."""

    asked: int
    p50: float
    p95: float
    p99: float


def recall(ranked: Sequence[str], wanted: AbstractSet[str], k: int | None = None) -> float:
    """The fraction of what is wanted that is among the first `k`, or anywhere."""
    return len(wanted & set(ranked[:k])) / len(wanted)


def hit(ranked: Sequence[str], wanted: AbstractSet[str], k: int) -> float:
    """1 when anything wanted is among the first `k`, else 0."""
    return float(not wanted.isdisjoint(ranked[:k]))


def ndcg(ranked: Sequence[str], wanted: AbstractSet[str], k: int) -> float:
    """The discounted gain of the first `k` as a fraction of the ideal's, which has all that is wanted first.

    Järvelin and Kekäläinen (2002), with a discount of log2(rank + 1). The ideal knows everything that is wanted,
    whether it was found or not.
    """
    gained = sum(_discount(rank) for rank, name in enumerate(ranked[:k], start=1) if name in wanted)
    return gained / sum(_discount(rank) for rank in range(1, min(len(wanted), k) + 1))


def reciprocal_rank(ranked: Sequence[str], wanted: AbstractSet[str], k: int | None = None) -> float:
    """One over the rank of the first that is wanted, among the first `k` or all; 0 without one."""
    return next((1 / rank for rank, name in enumerate(ranked[:k], start=1) if name in wanted), 0.0)


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean; 0 of nothing."""
    some = list(values)
    return math.fsum(some) / len(some) if some else 0.0


def tokens_of(text: str) -> int:
    """Tokens as memOS counts them for a budget: one per four characters, rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def latency(milliseconds: Iterable[float]) -> Latency:
    """The quantiles of what was measured, by nearest rank."""
    ordered = sorted(milliseconds)
    p50, p95, p99 = (round(quantile(ordered, share), 2) for share in (0.50, 0.95, 0.99))
    return Latency(len(ordered), p50, p95, p99)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The least value that at least this share of the values does not exceed; 0 of nothing."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def _discount(rank: int) -> float:
    return 1 / math.log2(rank + 1)
