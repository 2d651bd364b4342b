"""No result twice, and results that differ."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TypeVar
from uuid import UUID

import numpy as np

from memos.ranking.units import units
from memos.records import Vector

T = TypeVar("T")


def without_repeats(ranked: Iterable[T], gist_of: Callable[[T], Hashable]) -> list[tuple[T, list[T]]]:
    """The ranked, each with those after it of the same gist, which are left out themselves."""
    kept: dict[Hashable, tuple[T, list[T]]] = {}
    for one in ranked:
        gist = gist_of(one)
        if gist in kept:
            kept[gist][1].append(one)
        else:
            kept[gist] = (one, [])
    return list(kept.values())


def diverse(scores: Mapping[UUID, float], vectors: Mapping[UUID, Vector], diversity: float) -> list[UUID]:
    """The ids by maximal marginal relevance (Carbonell and Goldstein, 1998), the first the best.

    Each next one has the highest score less its similarity to the most similar one chosen, weighed `1 - diversity`
    to `diversity`. Those without a vector are similar to none.
    """
    ids = list(scores)
    relevance = (1 - diversity) * np.array([scores[one] for one in ids])
    rows = units([vectors.get(one) for one in ids])
    alike, chosen = np.zeros(len(ids)), list[UUID]()
    while len(chosen) < len(ids):
        best = int(np.argmax(relevance - diversity * alike))
        chosen.append(ids[best])
        relevance[best] = -np.inf
        alike = np.maximum(alike, rows @ rows[best])
    return chosen
