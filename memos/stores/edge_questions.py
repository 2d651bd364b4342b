"""Questions of several vectors and terms, as Qdrant Edge answers them: first who may answer, then how well.

Queries that differ in their vectors alone share one pass over the points when they are a batch, and those by terms
count the corpus, which is most of their work, but once. Asking again for the few points that were nominated costs a
fraction of reading their vectors, which would become Python objects.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import qdrant_edge as edge

from memos.stores.edge_frames import Row
from memos.stores.points import CANDIDATE_FIELDS, TERMS

Scores: TypeAlias = "dict[edge.PointId, float]"


class EdgeQuestion(NamedTuple):
    """A question; its document frequencies are those among what the corpus lets pass."""

    vectors: Sequence[list[float]]
    terms: Sequence[int]
    corpus: edge.Filter


def candidates(
    shard: edge.EdgeShard, question: EdgeQuestion, matching: edge.Filter | None, limit: int
) -> list[Row]:
    """What is measured of the points that match and come first, by a vector or by the terms."""
    ids = {point_id for scores in _scores(shard, _by_vectors(question, matching, limit)) for point_id in scores}
    if not ids:
        return []
    by_terms: Scores = {}
    if question.terms:
        nominating, measuring = _by_terms(question, matching, limit), _by_terms(question, among(ids), len(ids))
        nominated, others = _scores(shard, [nominating, measuring])
        by_terms = nominated | others
        ids |= nominated.keys()
    return _rows(shard, question, _scores(shard, _by_vectors(question, among(ids), len(ids))), by_terms)


def measured(shard: edge.EdgeShard, question: EdgeQuestion, matching: edge.Filter, most: int) -> list[Row]:
    """What is measured of the points that match, which are at most so many."""
    queries = _by_vectors(question, matching, most)
    if not question.terms:
        return _rows(shard, question, _scores(shard, queries), {})
    *by_vectors, by_terms = _scores(shard, [*queries, _by_terms(question, matching, most)])
    return _rows(shard, question, by_vectors, by_terms)


def among(ids: "set[edge.PointId]", matching: edge.Filter | None = None) -> edge.Filter:
    """A filter that lets pass those of the points that match."""
    return edge.Filter(must=[edge.HasIdCondition(ids), *([matching] if matching else [])])


def _by_vectors(question: EdgeQuestion, matching: edge.Filter | None, limit: int) -> list[edge.QueryRequest]:
    return [
        edge.QueryRequest(limit, query=edge.Query.Nearest(vector), filter=matching) for vector in question.vectors
    ]


def _by_terms(question: EdgeQuestion, matching: edge.Filter | None, limit: int) -> edge.QueryRequest:
    """Asked without any corpus, the engine would count what is deleted as well."""
    terms = edge.SparseVector(list(question.terms), [1.0] * len(question.terms))
    return edge.QueryRequest(
        limit,
        query=edge.Query.Nearest(terms, TERMS),
        filter=matching,
        params=edge.SearchParams(idf=edge.IdfParams(question.corpus)),
    )


def _scores(shard: edge.EdgeShard, queries: list[edge.QueryRequest]) -> list[Scores]:
    """The scores that each query gives, by the points' ids."""
    return [{hit.id: hit.score for hit in hits} for hits in shard.query_batch(edge.QueryBatchRequest(queries))]


def _rows(
    shard: edge.EdgeShard, question: EdgeQuestion, by_vectors: Sequence[Scores], by_terms: Scores
) -> list[Row]:
    """What is measured of the points that have cosines."""
    with_vector = [TERMS] if by_terms else False
    records = shard.retrieve(list(by_vectors[0]), with_payload=list(CANDIDATE_FIELDS), with_vector=with_vector)
    return [
        (
            [scores[record.id] for scores in by_vectors],
            by_terms.get(record.id, 0.0),
            _weights(record, question.terms) if record.id in by_terms else {},
            record.payload or {},
        )
        for record in records
    ]


def _weights(record: edge.Record, wanted: Sequence[int]) -> dict[int, float]:
    """The weights that a point gives to those of the wanted terms that it has."""
    terms = record.vector.get(TERMS) if isinstance(record.vector, dict) else None
    if not isinstance(terms, edge.SparseVector):
        return {}
    weights = dict(zip(terms.indices, terms.values, strict=True))
    return {term: weights[term] for term in wanted if term in weights}
