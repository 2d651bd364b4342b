"""How much alike two questions are."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from math import exp, log

from memos.equivalence.question import Question
from memos.equivalence.weights import BIAS, WEIGHTS, WORTH_A_LOOK

NOISE = 0.02
"""Added to the distance of two vectors: what is closer differs by the embedder's own noise."""

_TELLING_LETTERS = 9
_USUAL_LETTERS = 6


def likeness(asked: Question, cached: Question, cosine: float) -> float:
    """How likely two questions, which no guard keeps apart, ask the same: from 0 to 1.

    `cosine` is that of their embeddings. Below `WORTH_A_LOOK` it is 0, whatever else they have in common.
    """
    if not cosine >= WORTH_A_LOOK:
        return 0.0
    seen = features(asked, cached, cosine)
    return 1 / (1 + exp(-BIAS - sum(WEIGHTS[name] * value for name, value in seen.items())))


def features(asked: Question, cached: Question, cosine: float) -> Mapping[str, float]:
    """What is weighed: see `memos.equivalence.weights`."""
    only_here, only_there = asked.terms - cached.terms, cached.terms - asked.terms
    return {
        "closeness": -log(1 + NOISE - min(cosine, 1.0)),
        "exchanged": min(_information(only_here), _information(only_there)),
        "kind": float(asked.kind != cached.kind),
        "letters": _overlap(asked.trigrams, cached.trigrams),
    }


def _information(terms: AbstractSet[str]) -> float:
    """How much terms say: long words are rarer and say more."""
    return sum(min(len(term), _TELLING_LETTERS) for term in terms) / _USUAL_LETTERS


def _overlap(some: AbstractSet[str], others: AbstractSet[str]) -> float:
    """The share of what either has that both have."""
    return len(some & others) / max(1, len(some | others))
