"""Questions of several vectors and terms, as a Qdrant server answers them: first who may answer, then how well."""

from collections.abc import Sequence
from typing import NamedTuple

from qdrant_client import models

from memos.records import Candidate, Terms
from memos.stores.points import CANDIDATE_FIELDS, TERMS, candidate


class ServerQuestion(NamedTuple):
    """A question; its document frequencies are those among what the corpus lets pass."""

    vectors: Sequence[list[float]]
    terms: Sequence[int]
    corpus: models.Filter

    def nominating(self, matching: models.Filter | None, limit: int) -> list[models.QueryRequest]:
        """The queries for the points that match and come first: one for each vector, and one for the terms."""
        queries = [models.QueryRequest(query=vector, filter=matching, limit=limit) for vector in self.vectors]
        return [*queries, self._by_terms(matching, limit)] if self.terms else queries

    def measuring(self, matching: models.Filter, most: int) -> list[models.QueryRequest]:
        """The same queries for points that are known; the first also brings what is read of them."""
        first, *others = self.nominating(matching, most)
        read = {"with_payload": list(CANDIDATE_FIELDS), "with_vector": [TERMS] if self.terms else False}
        return [first.model_copy(update=read), *others]

    def read(self, answers: Sequence[models.QueryResponse]) -> list[Candidate]:
        """What the answers say of each point; one that was deleted between two queries of the batch is left out."""
        scores = [{hit.id: hit.score for hit in answer.points} for answer in answers]
        by_terms = scores.pop() if self.terms else {}
        return [
            candidate(
                [each[hit.id] for each in scores],
                by_terms.get(hit.id, 0.0),
                self._weights(hit) if hit.id in by_terms else {},
                hit.payload or {},
            )
            for hit in answers[0].points
            if all(hit.id in each for each in scores)
        ]

    def _by_terms(self, matching: models.Filter | None, limit: int) -> models.QueryRequest:
        """Without a corpus of its own, a server would count what is deleted as well."""
        return models.QueryRequest(
            query=models.SparseVector(indices=list(self.terms), values=[1.0] * len(self.terms)),
            using=TERMS,
            filter=matching,
            params=models.SearchParams(idf=models.IdfCorpusParams(corpus=self.corpus)),
            limit=limit,
        )

    def _weights(self, hit: models.ScoredPoint) -> Terms:
        """The weights that a point gives to those of the question's terms that it has."""
        terms = hit.vector.get(TERMS) if isinstance(hit.vector, dict) else None
        if not isinstance(terms, models.SparseVector):
            return {}
        weights = dict(zip(terms.indices, terms.values, strict=True))
        return {term: weights[term] for term in self.terms if term in weights}


def among(ids: Sequence[models.ExtendedPointId], matching: models.Filter | None) -> models.Filter:
    """A filter that lets pass those of the points that match."""
    these = models.HasIdCondition(has_id=list(ids))
    return models.Filter(must=[these, matching] if matching else [these])
