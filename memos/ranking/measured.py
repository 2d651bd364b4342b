"""Points that no engine holds, measured as engines measure theirs."""

from collections.abc import Mapping, Sequence
from heapq import nlargest

from memos.lexical import idf
from memos.ranking.units import units
from memos.records import Candidate, Point, Question, Terms


def measured(question: Question, points: Sequence[Point], idfs: Mapping[int, float]) -> list[Candidate]:
    """Every point as a candidate; `idfs` has the inverse document frequencies of the terms that count."""
    if not points:
        return []
    similarities = units([point.vector for point in points]) @ units(question.vectors).T
    return [
        _candidate(point, cosines, {term: point.terms[term] for term in idfs if term in point.terms}, idfs)
        for point, cosines in zip(points, similarities.tolist(), strict=True)
    ]


def idf_of(
    terms: Sequence[int], points: Sequence[Point], *, known: Mapping[int, float], total: int
) -> dict[int, float]:
    """The inverse document frequency of each term that is `known` from an engine, or that some of the points have.

    One that nothing has which the engine found is only in these points, of `total` that there are in all.
    """
    having = {term: sum(term in point.terms for point in points) for term in terms if term not in known}
    own = {term: idf(max(total, few), few) for term, few in having.items() if few}
    return {**own, **known}


def nominated(candidates: Sequence[Candidate], limit: int) -> list[Candidate]:
    """The `limit` most similar to each vector of the question, and the `limit` best by its terms, each once."""
    best = nlargest(limit, (one for one in candidates if one.bm25), key=lambda one: one.bm25)
    for place in range(len(candidates[0].similarities) if candidates else 0):
        best += nlargest(limit, candidates, key=lambda one: one.similarities[place])
    return list({one.memory_id: one for one in best}.values())


def _candidate(point: Point, cosines: Sequence[float], terms: Terms, idfs: Mapping[int, float]) -> Candidate:
    bm25 = sum(idfs[term] * weight for term, weight in terms.items())
    return Candidate(point.key.memory_id, cosines, bm25, terms, point.payload)
