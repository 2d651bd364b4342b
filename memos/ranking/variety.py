"""No result twice, and results that differ."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

import numpy as np
import numpy.typing as npt

from memos.records import Vector

T = TypeVar("T")

NEARLY_ALL = 0.8
"""The part of the longer text's terms that the shorter must have, to be a repetition of it."""

MOST_COMPARED = 200

_NEGATIONS = """
    aint arent cannot cant couldnt didnt doesnt dont hadnt hasnt havent isnt mustnt neednt neither never no
    nobodi none nor not noth nowher shant shouldnt wasnt werent without wont wouldnt
"""

TELLING = frozenset(_NEGATIONS.split())
"""Terms that turn what a text says into its opposite: negations, as stemmed."""


def without_repeats(ranked: Sequence[T], terms_of: Callable[[T], Sequence[str]]) -> list[tuple[T, list[T]]]:
    """The ranked, each with those after it that only repeat it, which are left out themselves.

    Of a long ranking only the first `MOST_COMPARED` are compared; of the rest, only what has all the same terms is
    a repetition.
    """
    kept: list[tuple[T, list[T]]] = []
    repeats_of: dict[Sequence[str], list[T]] = {}
    for place, one in enumerate(ranked):
        terms = tuple(terms_of(one))
        repeats = repeats_of.get(terms)
        if repeats is None and place < MOST_COMPARED:
            repeats = next((found for told, found in repeats_of.items() if repeats_terms(terms, told)), None)
        if repeats is None:
            kept.append((one, []))
            if terms:
                repeats_of[terms] = kept[-1][1]
        else:
            repeats.append(one)
    return kept


def repeats_terms(terms: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two texts say nearly the same: the terms of one are in the other, in order, and hardly more are.

    What the longer has more may be no number and no negation. A text without terms repeats none.
    """
    short, long = sorted((terms, others), key=len)
    if not short or len(short) < NEARLY_ALL * len(long):
        return False
    more = _left_over(short, long)
    return more is not None and not any(term in TELLING or term[0].isdigit() for term in more)


def diverse(
    scores: Mapping[UUID, float], vectors: Mapping[UUID, Vector], diversity: float, most: int
) -> list[UUID]:
    """At most `most` ids by maximal marginal relevance (Carbonell and Goldstein, 1998), the first the best.

    Each next one has the highest score less its similarity to the most similar one chosen, weighed `1 - diversity`
    to `diversity`. Those without a vector are similar to none.
    """
    ids = list(scores)
    relevance = np.array([scores[one] for one in ids])
    units = np.array([_unit(vectors[one]) if one in vectors else None for one in ids], dtype=object)
    alike = np.zeros(len(ids))
    left, chosen = set(range(len(ids))), list[UUID]()
    while left and len(chosen) < most:
        best = max(left, key=lambda index: ((1 - diversity) * relevance[index] - diversity * alike[index], -index))
        chosen.append(ids[best])
        left.remove(best)
        if units[best] is not None:
            for index in left:
                if units[index] is not None:
                    alike[index] = max(alike[index], float(units[best] @ units[index]))
    return chosen


def _left_over(short: Sequence[str], long: Sequence[str]) -> list[str] | None:
    """The terms of the longer that the shorter, which must be in it in order, has not; None if it is not."""
    more, place = [], 0
    for term in long:
        if place < len(short) and term == short[place]:
            place += 1
        else:
            more.append(term)
    return more if place == len(short) else None


def _unit(vector: Vector) -> "npt.NDArray[np.float32]":
    numbers = np.asarray(vector, dtype=np.float32)
    return numbers / (float(np.linalg.norm(numbers)) or 1.0)
