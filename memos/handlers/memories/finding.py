"""What answers a query, by relevance: the candidates of the engine and what stands beside them."""

from collections.abc import Sequence
from uuid import UUID

from memos.handlers.memories.understanding import UnderstoodQuery
from memos.ports import Memories, Vectors
from memos.ranking import (
    REACH,
    Fused,
    Relevance,
    bonuses,
    fused,
    idf_of,
    measured,
    nominated,
    own_relevance,
    weights_of,
)
from memos.records import Candidate, Neighbours, RecordKey

SEEDS = 20
"""Of how many of the best candidates the neighbours are looked at.

On LoCoMo, all of them find no more than these: what answers beside a weak candidate is weak as well.
"""


async def find(query: UnderstoodQuery, limit: int, *, memories: Memories, vectors: Vectors) -> list[Fused]:
    """Everything that may answer, best first; at most some `limit` by each way of finding. Raises `Unavailable`."""
    candidates = await vectors.candidates(query.question, matching=query.matching, corpus=query.corpus, limit=limit)
    relevance = Relevance(query.question.terms, candidates)
    former = await _former(relevance, query, vectors=vectors)
    candidates = [*candidates, *nominated(former, limit)]
    seeds = _seeds(candidates, relevance)
    beside = await memories.neighbours(query.tenant, query.agent_id, seeds, REACH, as_of=query.as_of)
    windows = [_window(seed, neighbours) for seed, neighbours in beside.items()]
    candidates = [*candidates, *await _beside(windows, candidates, former, query, vectors=vectors)]
    relevance = Relevance(query.question.terms, candidates)
    return fused(candidates, relevance, windows, bonuses(query.context, candidates))


async def _former(known: Relevance, query: UnderstoodQuery, *, vectors: Vectors) -> list[Candidate]:
    """What has changed since, measured as the engine measured what has not."""
    question, points = query.question, query.past.points
    if not points:
        return []
    total = await vectors.count(query.corpus)
    return measured(question, points, idf_of(question.terms, points, known=known.idf, total=total))


def _seeds(candidates: Sequence[Candidate], relevance: Relevance) -> list[UUID]:
    """The best candidates that have a place among others and a kind to which those matter."""
    placed = [one for one in candidates if one.placed and weights_of(one.kind).neighbours]
    best = sorted(placed, key=lambda one: (-own_relevance(one, relevance), one.memory_id))
    return [one.memory_id for one in best[:SEEDS]]


def _window(seed: UUID, neighbours: Neighbours) -> list[UUID]:
    return [*neighbours.before, seed, *neighbours.after]


async def _beside(
    windows: Sequence[Sequence[UUID]],
    candidates: Sequence[Candidate],
    former: Sequence[Candidate],
    query: UnderstoodQuery,
    *,
    vectors: Vectors,
) -> list[Candidate]:
    """Those in the windows that are no candidates, measured as such if they match."""
    known = {one.memory_id for one in candidates}
    unknown = dict.fromkeys(one for window in windows for one in window if one not in known)
    changed = [one for one in former if one.memory_id in unknown]
    keys = [RecordKey(query.tenant, one) for one in unknown if one not in query.past.changed]
    if not keys:
        return changed
    unchanged = await vectors.measured(query.question, keys, matching=query.matching, corpus=query.corpus)
    return [*changed, *unchanged]
