"""The lessons of before that are like new ones: those that the agent sees and that have the same readers."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from memos.bisect import bisected
from memos.equivalence import LONGEST, Advice, Comparison, advice_of, compare
from memos.errors import MemosError, Unavailable
from memos.ports import Embedder, Filter, Learnings, Memories, Vectors
from memos.projection.points import match, newest
from memos.records import LESSON, Memory, Vector, Visibility, words_of

log = logging.getLogger(__name__)

MOST_LIKE = 8
"""Lessons of before that a new one is compared with: those that are most like it, with their tasks."""

LEAST_LIKE = 0.5
"""The cosine of two lessons with their tasks below which they are not compared."""

ByText = Mapping[str, Vector]


class NewLesson(NamedTuple):
    """A lesson to be learned: its text with the task, what it says, and the lessons that it says it contradicts.

    `sameness` is what the ledger knows it by, if it was learned in the same words before, and `apart` what it is
    stored with where these say something else.
    """

    content: str
    advice: Advice
    contradicts: Sequence[UUID]
    sameness: bytes
    apart: bytes


class Known(NamedTuple):
    """A lesson of before. Of it and a new one `cosine` is that of their words, `tasks` that of their tasks."""

    memory_id: UUID
    advice: Advice
    cosine: float
    tasks: float
    named: bool = False

    def beside(self, new: Advice) -> Comparison:
        """What a new lesson is to this one."""
        return compare(new, self.advice, self.cosine, self.tasks)


class Looked(NamedTuple):
    """What is known beside each new lesson, and the vectors of the texts that were compared."""

    known: Sequence[Sequence[Known]]
    vectors: ByText


class _Earlier(NamedTuple):
    """What a memory teaches: its own words, and for which task, if it says so."""

    advice: Advice
    task: str | None


@dataclass(frozen=True, slots=True)
class KnownLessons:
    """Where the lessons of an agent are looked for."""

    tenant: str
    agent_id: str
    visibility: Visibility
    learnings: Learnings
    memories: Memories
    vectors: Vectors
    embedder: Embedder

    async def like(self, task: str, new: Sequence[NewLesson]) -> Looked:
        """What is known beside each lesson that was learned of a task. Raises `Unavailable`.

        While the vector engine is away that is only what they name, and what has the same words.
        """
        vectors = await self._embedded({task, *(text for one in new for text in (one.content, one.advice.text))})
        said = await self.learnings.saying(self.tenant, [one.sameness for one in new])
        alike = await asyncio.gather(*(self._found(vectors.get(one.content)) for one in new))
        found = [[*said.get(one.sameness, ()), *ids] for one, ids in zip(new, alike, strict=True)]
        named = {memory_id for one in new for memory_id in one.contradicts}
        shown = await self._shown({memory_id for ids in found for memory_id in ids}, named)
        texts = {text for one in shown.values() for text in (one.advice.text, one.task) if text is not None}
        vectors |= await self._embedded(texts - vectors.keys())
        known = [_beside(one, ids, task, shown, vectors) for one, ids in zip(new, found, strict=True)]
        return Looked(known, vectors)

    async def _found(self, vector: Vector | None) -> list[UUID]:
        """The lessons that are most like a text; none while the engine is away."""
        if vector is None:
            return []
        try:
            hits = await self.vectors.search(vector, matching=self._peers(), limit=MOST_LIKE)
        except Unavailable as error:
            log.warning("A lesson is learned without comparing it with those of before: %s", error)
            return []
        return [hit.memory_id for hit in hits if hit.score >= LEAST_LIKE]

    def _peers(self) -> Filter:
        """Lessons with the same readers."""
        peers = [match("tenant", self.tenant), match("kind", LESSON), match("visibility", self.visibility)]
        if self.visibility == "private":
            peers.append(match("agent_id", self.agent_id))
        return newest({"must": peers})

    async def _shown(self, found: set[UUID], named: set[UUID]) -> Mapping[UUID, _Earlier]:
        """What the ledger shows: of what was found the lessons that are not superseded, and all that is named."""
        if not found | named:
            return {}
        shown = await self.memories.visible(self.tenant, self.agent_id, sorted(found | named), superseded=True)
        return {
            memory_id: _read(memory)
            for memory_id, memory in shown.items()
            if memory_id in named or self._is_peer(memory)
        }

    def _is_peer(self, memory: Memory) -> bool:
        return (memory.kind, memory.visibility, memory.superseded_by) == (LESSON, self.visibility, None)

    async def _embedded(self, texts: Iterable[str]) -> dict[str, Vector]:
        """The vectors of the beginnings of texts, by text, without those that the embedder refuses."""
        some = sorted(texts)
        made = await bisected([text[:LONGEST] for text in some], self.embedder.embed)
        return {text: one for text, one in zip(some, made, strict=True) if not isinstance(one, MemosError)}


def cosine_of(one: str, other: str, vectors: ByText) -> float:
    """The cosine of two texts; 0 of one that has no vector."""
    if one not in vectors or other not in vectors:
        return 0.0
    return sum(a * b for a, b in zip(vectors[one], vectors[other], strict=True))


def _beside(
    new: NewLesson, found: Sequence[UUID], task: str, shown: Mapping[UUID, _Earlier], vectors: ByText
) -> list[Known]:
    return [
        Known(
            memory_id,
            shown[memory_id].advice,
            cosine_of(new.advice.text, shown[memory_id].advice.text, vectors),
            _of_tasks(task, shown[memory_id].task, vectors),
            memory_id in new.contradicts,
        )
        for memory_id in dict.fromkeys([*found, *new.contradicts])
        if memory_id in shown
    ]


def _of_tasks(task: str, other: str | None, vectors: ByText) -> float:
    """How like two tasks are, as a cosine; a lesson without one holds for all."""
    return 1.0 if other is None else cosine_of(task, other, vectors)


def _read(memory: Memory) -> _Earlier:
    task, tools = (memory.metadata.get(name) for name in ("task", "tools"))
    helped = {name: one for name, one in tools.items() if isinstance(one, bool)} if isinstance(tools, dict) else {}
    return _Earlier(advice_of(words_of(memory), helped), task if isinstance(task, str) else None)
