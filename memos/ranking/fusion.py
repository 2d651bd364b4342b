"""One number out of meaning, terms and neighbours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple
from uuid import UUID

import numpy as np

from memos.lexical import FULL_MATCH
from memos.ranking.weights import CLAUSE, REACH, weights_of
from memos.records import Candidate, Terms

MOST_EQUATIONS = 512
"""Candidates by whose scores the frequencies of terms are recovered, twice as many as a question has terms."""


class Factor(NamedTuple):
    """A part of a score: what was seen, and what that adds."""

    value: float
    contribution: float


Factors = dict[str, Factor]
"""What makes up a score, by name."""

Windows = Iterable[Sequence[UUID]]
"""Stretches of sessions and documents: ids of memories in their order."""


@dataclass(frozen=True, slots=True)
class Fused:
    """A candidate with its relevance to the question so far, and what made that up."""

    candidate: Candidate
    score: float
    factors: Factors


class Relevance:
    """What is known of the question's terms: how much each tells, judged by the candidates' scores."""

    def __init__(self, terms: Sequence[int], candidates: Sequence[Candidate]) -> None:
        self.idf = recovered_idf(candidates)
        unknown = [term for term in terms if term not in self.idf]
        most = max(self.idf.values(), default=0.0)
        self._ideal = FULL_MATCH * (sum(self.idf.values()) + most * len(unknown))

    def share(self, score: float) -> float:
        """A BM25 score as the part of what a memory would have that repeats every term of the question, 0 to 1."""
        return score / self._ideal if self._ideal else 0.0

    def shared(self, terms: Terms) -> float:
        """The part that some terms have, 0 to 1."""
        return self.share(sum(self.idf.get(term, 0.0) * weight for term, weight in terms.items()))


def recovered_idf(candidates: Sequence[Candidate]) -> dict[int, float]:
    """The inverse document frequency of each term, recovered from the BM25 scores that it is a part of.

    The engine knows it, but tells only the sums: one linear equation for each candidate. Terms that always come
    together share theirs (least squares of least norm). Of very many candidates, some determine them all.
    """
    matched = determining([candidate for candidate in candidates if candidate.terms])
    terms = sorted({term for candidate in matched for term in candidate.terms})
    if not terms:
        return {}
    column = {term: index for index, term in enumerate(terms)}
    weights = np.zeros((len(matched), len(terms)))
    for row, candidate in enumerate(matched):
        for term, weight in candidate.terms.items():
            weights[row, column[term]] = weight
    scores = np.array([candidate.bm25 for candidate in matched])
    found = np.linalg.lstsq(weights, scores, rcond=1e-5)[0]
    return {term: max(float(value), 0.0) for term, value in zip(terms, found, strict=True)}


def determining(matched: Sequence[Candidate]) -> Sequence[Candidate]:
    """Of candidates that have terms, those of the most, and for each term that these lack the one of the fewest."""
    if len(matched) <= MOST_EQUATIONS:
        return matched
    ranked = sorted(matched, key=lambda one: (-len(one.terms), one.memory_id))
    most, rest = ranked[:MOST_EQUATIONS], ranked[MOST_EQUATIONS:]
    held = {term for one in most for term in one.terms}
    fewest = {term: one for one in rest for term in one.terms if term not in held}
    return [*most, *{one.memory_id: one for one in fewest.values()}.values()]


def fused(
    candidates: Sequence[Candidate], relevance: Relevance, windows: Windows, bonuses: Mapping[UUID, Factors]
) -> list[Fused]:
    """Every candidate with its relevance, best first.

    Divided by the sum of its weights, the relevance of a perfect answer is 1, whatever its kind and place. A memory
    is lifted towards the better of its neighbours; `bonuses` are part of what lifts.
    """
    beside = _beside(windows)
    by_id = {candidate.memory_id: candidate for candidate in candidates}
    alone = [_alone(one, relevance, beside, by_id, bonuses.get(one.memory_id, {})) for one in candidates]
    scores = {one.candidate.memory_id: one.score for one in alone}
    lifted = [_lifted(one, beside, scores) for one in alone]
    return sorted(lifted, key=lambda one: (-one.score, one.candidate.memory_id))


Beside = Mapping[UUID, Mapping[int, set[UUID]]]
"""The neighbours of a memory by their distance."""


def own_relevance(candidate: Candidate, relevance: Relevance) -> float:
    """The relevance of a candidate without its neighbours: what to choose by whose neighbours to look at."""
    weights = weights_of(candidate.kind)
    return (_meaning(candidate) + weights.terms * relevance.share(candidate.bm25)) / (1 + weights.terms)


def _alone(
    candidate: Candidate, relevance: Relevance, beside: Beside, known: Mapping[UUID, Candidate], bonus: Factors
) -> Fused:
    weights = weights_of(candidate.kind)
    context = weights.context if candidate.placed else 0.0
    scale = 1 + weights.terms + context
    factors: Factors = {}
    _note(factors, "meaning", _meaning(candidate), 1 / scale)
    _note(factors, "terms", relevance.share(candidate.bm25), weights.terms / scale)
    if context:
        around = [
            known[one] for some in beside.get(candidate.memory_id, {}).values() for one in some if one in known
        ]
        _note(factors, "context", relevance.shared(_best_terms([candidate, *around])), context / scale)
    factors |= bonus
    return Fused(candidate, sum(factor.contribution for factor in factors.values()), factors)


def _lifted(one: Fused, beside: Beside, scores: Mapping[UUID, float]) -> Fused:
    """A memory lifted towards its better neighbours, part of the way, so that it overtakes none for that."""
    weights = weights_of(one.candidate.kind)
    neighbours = beside.get(one.candidate.memory_id, {})
    best = (
        max((scores.get(other, 0.0) for other in neighbours.get(distance, ())), default=0.0)
        for distance in count(1)
    )
    lift = sum(part * max(score - one.score, 0.0) for part, score in zip(weights.neighbours, best, strict=False))
    if not lift:
        return one
    return Fused(one.candidate, one.score + lift, one.factors | {"neighbours": Factor(lift, lift)})


def _meaning(candidate: Candidate) -> float:
    """The cosine with the whole question; when that has clauses, partly with the best of them."""
    whole, *parts = candidate.similarities
    return (1 - CLAUSE) * whole + CLAUSE * max(parts) if parts else whole


def _best_terms(candidates: Iterable[Candidate]) -> Terms:
    best: dict[int, float] = {}
    for candidate in candidates:
        for term, weight in candidate.terms.items():
            best[term] = max(weight, best.get(term, 0.0))
    return best


def _beside(windows: Windows) -> Beside:
    found: dict[UUID, dict[int, set[UUID]]] = {}
    for window in windows:
        for place, one in enumerate(window):
            for other_place, other in enumerate(window):
                if 0 < abs(place - other_place) <= REACH:
                    found.setdefault(one, {}).setdefault(abs(place - other_place), set()).add(other)
    return found


def _note(factors: Factors, name: str, value: float, weight: float) -> None:
    factors[name] = Factor(value, value * weight)
