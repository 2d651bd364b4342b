"""What a query asks, understood: its meaning, its terms, its times, and what it may look at."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from memos.cues import Relative, periods, relative
from memos.events.memories import QueryMemory
from memos.handlers.memories.filters import filter_of
from memos.handlers.memories.past import Past, past_of
from memos.lexical import clauses, question_terms
from memos.ports import Embedder, Filter, Memories, Vectors
from memos.projection.points import as_of, newest, seen_by, without
from memos.ranking import QueryContext, Relevance, measured, own_relevance
from memos.records import Question, RecordKey, Vector

READ_FOR_CUES = 2000
"""Characters at the beginning of a query in which names and times are looked for; nobody asks at more length."""

LEAST_LIKE, LEAST_SHARED = 0.4, 0.5
"""The cosine, and the share of an event's terms, of which a memory needs one to tell of that event."""

MOST_TELLING = 5
"""Memories by each way of finding that are looked at for an event."""


@dataclass(frozen=True, slots=True)
class UnderstoodQuery:
    """A query as the engines and the ranking take it. `corpus` is that against which terms are rare or common.

    What has changed since the moment `as_of` is in `past`, and left out by `matching`.
    """

    tenant: str
    agent_id: str
    question: Question
    context: QueryContext
    matching: Filter
    corpus: Filter
    as_of: datetime | None
    superseded: bool
    past: Past


async def understand(
    tenant: str, command: QueryMemory, *, memories: Memories, vectors: Vectors, embedder: Embedder
) -> UnderstoodQuery:
    """Read a query, and when it dates something by an event, look when that was. Raises `Unavailable`."""
    now, opening = command.as_of or datetime.now(UTC), command.query[:READ_FOR_CUES]
    told = relative(opening)
    texts = [command.query, *clauses(command.query)]
    matching = _matching(tenant, command)
    past = await past_of(tenant, command, matching, memories=memories, embedder=embedder)
    meant = await embedder.embed([*texts, told.anchor] if told else texts)
    query = UnderstoodQuery(
        tenant=tenant,
        agent_id=command.agent_id,
        question=Question(meant[: len(texts)], question_terms(command.query)),
        context=QueryContext(opening, now, periods(opening, now), command.preferences),
        matching=_unchanged(tenant, command, matching, past),
        corpus=seen_by(tenant, command.agent_id),
        as_of=command.as_of,
        superseded=command.include_superseded,
        past=past,
    )
    return await _dated(query, told, meant[-1], memories=memories, vectors=vectors) if told else query


def _matching(tenant: str, command: QueryMemory) -> Filter:
    matching = filter_of(tenant, command.agent_id, command.filter)
    return as_of(matching, command.as_of) if command.as_of else matching


def _unchanged(tenant: str, command: QueryMemory, matching: Filter, past: Past) -> Filter:
    """What engines may find: without what has changed since then, and what had been superseded already.

    An engine does not know since when something is superseded; what is so since then is among what has changed,
    if that is complete. If not, the ledger leaves out what should not be shown, from among fewer.
    """
    if past.complete and not command.include_superseded:
        matching = newest(matching)
    return without(matching, [RecordKey(tenant, one) for one in past.changed]) if past.changed else matching


async def _dated(
    query: UnderstoodQuery, told: Relative, event: Vector, *, memories: Memories, vectors: Vectors
) -> UnderstoodQuery:
    """The query with the period that was told from an event, if a memory of that says when it was."""
    question = Question([event], question_terms(told.anchor))
    telling = await _most_telling(question, query, vectors=vectors)
    if telling is None:
        return query
    shown = await memories.visible(query.tenant, query.agent_id, [telling], as_of=query.as_of)
    memory = shown.get(telling)
    period = told.period(memory.occurred_at) if memory and memory.occurred_at else None
    if period is None:
        return query
    return replace(query, context=replace(query.context, periods=[*query.context.periods, period]))


async def _most_telling(event: Question, query: UnderstoodQuery, *, vectors: Vectors) -> UUID | None:
    """The memory that tells of an event, if one is enough like it."""
    candidates = await vectors.candidates(event, matching=query.matching, corpus=query.corpus, limit=MOST_TELLING)
    relevance = Relevance(event.terms, candidates)
    candidates = [*candidates, *measured(event, query.past.points, relevance.idf)]
    best = max(candidates, key=lambda one: own_relevance(one, relevance), default=None)
    if best is None or (best.similarities[0] < LEAST_LIKE and relevance.share(best.bm25) < LEAST_SHARED):
        return None
    return best.memory_id
