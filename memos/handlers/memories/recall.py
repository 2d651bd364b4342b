"""A query from its text to its results: found, shown by the ledger, put in order, and rid of repetitions."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from uuid import UUID

from memos.errors import RerankingRefused, Unavailable
from memos.events.memories import QueryMemory, RecalledMemory
from memos.handlers.memories.finding import find
from memos.handlers.memories.results import Answer, Beside, answer_of, recalled
from memos.handlers.memories.understanding import UnderstoodQuery, understand
from memos.ports import Embedder, Memories, Projections, Reranker, Vectors
from memos.ranking import Budget, Factor, Fused, diverse, without_repeats
from memos.records import Memory, Neighbours, RecordKey

log = logging.getLogger(__name__)

FEWEST_FOUND = 50
"""Candidates by each way of finding, at least."""

MOST_FOUND = 2048
"""Candidates by each way of finding, at most; no engine is asked for more."""

SPARE = 20
"""Memories read beside those wanted: for some the ledger no longer shows, and some are better than they seemed."""


@dataclass(frozen=True, slots=True)
class Recall:
    """One query of a tenant, with the ports that it needs.

    `fewest` candidates at least are looked for by each way of finding, and `spare` memories beside those wanted
    are read.
    """

    tenant: str
    command: QueryMemory
    memories: Memories
    vectors: Vectors
    projections: Projections
    embedder: Embedder
    reranker: Reranker | None
    fewest: int = FEWEST_FOUND
    spare: int = SPARE

    async def results(self) -> list[RecalledMemory]:
        """The best `top_k` that fit into `max_tokens`, best first. Raises `Unavailable`."""
        query = await understand(
            self.tenant, self.command, memories=self.memories, vectors=self.vectors, embedder=self.embedder
        )
        answers = await self._reranked(await self._distinct(query))
        budget = Budget(self.command.max_tokens)
        varied = await self._varied(answers, query)
        best = list(islice(budget.fitting(varied, lambda answer: answer.memory.content), self.command.top_k))
        return await self._with_neighbours(best, query, budget)

    @property
    def _second_stage(self) -> Reranker | None:
        """The reranker, unless the asker does without it."""
        return self.reranker if self.command.rerank else None

    async def _distinct(self, query: UnderstoodQuery) -> list[Answer]:
        """What there is to show that differs; more is looked for when that is less than wanted."""
        wanted = max(self.command.top_k + self.spare, self._second_stage.top if self._second_stage else 0)
        limit = max(self.fewest, 2 * self.command.top_k, wanted)
        while True:
            ranked = await find(query, limit, memories=self.memories, vectors=self.vectors)
            distinct = _folded(await self._shown(ranked[:wanted], query))
            if len(distinct) >= self.command.top_k or len(ranked) < min(limit, wanted) or limit >= MOST_FOUND:
                return distinct
            limit, wanted = min(limit * 4, MOST_FOUND), wanted * 4

    async def _shown(self, ranked: Sequence[Fused], query: UnderstoodQuery) -> list[Answer]:
        """What the ledger shows of what was found, best first."""
        shown = await self.memories.visible(
            self.tenant,
            self.command.agent_id,
            [one.candidate.memory_id for one in ranked],
            as_of=query.as_of,
            superseded=query.superseded,
        )
        answers = [
            answer_of(memory, one, query.context)
            for one in ranked
            if (memory := shown.get(one.candidate.memory_id))
        ]
        return sorted(answers, key=lambda answer: (-answer.score, answer.memory.memory_id))

    async def _reranked(self, answers: list[Answer]) -> list[Answer]:
        """The answers in the order of the second stage; in that of the first when it is absent or away."""
        reranker = self._second_stage
        if not reranker or not answers:
            return answers
        first, rest = answers[: reranker.top], answers[reranker.top :]
        try:
            scores = await reranker.rerank(self.command.query, [answer.memory.content for answer in first])
        except (Unavailable, RerankingRefused) as error:
            log.warning("A query is answered in the order of the first stage: %s", error)
            return [replace(answer, note=str(error)) for answer in answers]
        return [*_second(first, scores, above=rest[0].score if rest else 0.0), *rest]

    async def _varied(self, answers: list[Answer], query: UnderstoodQuery) -> list[Answer]:
        """The answers, best first, or as `diversity` asks."""
        if not self.command.diversity or len(answers) < 2:  # noqa: PLR2004 - one alone differs from no other
            return answers
        by_id = {answer.memory.memory_id: answer for answer in answers}
        embedded = await self.projections.embedded([RecordKey(self.tenant, one) for one in by_id])
        vectors = {one.memory.memory_id: one.vector for one in embedded if one.vector is not None}
        vectors |= query.past.vectors()
        scores = {one: answer.score for one, answer in by_id.items()}
        return [by_id[one] for one in diverse(scores, vectors, self.command.diversity)]

    async def _with_neighbours(
        self, answers: Sequence[Answer], query: UnderstoodQuery, budget: Budget
    ) -> list[RecalledMemory]:
        beside = await self._neighbours([answer.memory.memory_id for answer in answers], query, budget)
        none: Beside = ([], [])
        return [
            recalled(
                answer,
                rank,
                beside.get(answer.memory.memory_id, none),
                explain=self.command.explain,
                as_of=query.as_of,
            )
            for rank, answer in enumerate(answers, start=1)
        ]

    async def _neighbours(
        self, ids: Sequence[UUID], query: UnderstoodQuery, budget: Budget
    ) -> Mapping[UUID, Beside]:
        """What stands before and after each memory, as far as `around` asks for it and the budget has room."""
        if not self.command.around:
            return {}
        who = (self.tenant, self.command.agent_id)
        found = await self.memories.neighbours(*who, ids, self.command.around, as_of=query.as_of)
        named = {one for both in found.values() for side in both for one in side}
        shown = await self.memories.visible(*who, list(named), as_of=query.as_of)
        return {one: _beside(found[one], shown, budget) for one in ids if one in found}


def _beside(neighbours: Neighbours, shown: Mapping[UUID, Memory], budget: Budget) -> Beside:
    """Those of the neighbours that are shown and for which the budget has room, from the nearest on."""
    nearest = [[shown[one] for one in side if one in shown] for side in (neighbours.before[::-1], neighbours.after)]
    before, after = budget.filled(nearest, lambda memory: memory.content)
    return before[::-1], after


def _folded(answers: Sequence[Answer]) -> list[Answer]:
    """Answers, each with those after it that only repeat it."""
    return [
        replace(answer, repeats=[repeat.memory.memory_id for repeat in repeats])
        for answer, repeats in without_repeats(answers, lambda answer: answer.gist)
    ]


def _second(answers: Sequence[Answer], scores: Sequence[float], *, above: float) -> list[Answer]:
    """Answers in the order of a reranker, whose scores, of whatever scale, become 1 to 2 more than those below.

    Those that it finds equal keep their order.
    """
    least, span = min(scores), max(scores) - min(scores)
    scaled = [above + 1 + ((score - least) / span if span else 0.0) for score in scores]
    reranked = [
        replace(answer, factors=answer.factors | {"rerank": Factor(score, part - answer.score)})
        for answer, score, part in zip(answers, scores, scaled, strict=True)
    ]
    return sorted(reranked, key=lambda answer: -answer.score)
