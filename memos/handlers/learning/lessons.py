"""The lessons of a task that is over: which were known, which are new, and what they contradict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json

from memos.equivalence import advice_of, mentions, plain
from memos.errors import Conflict, MemosError
from memos.events.learning import Lesson, RecordLearning
from memos.events.memories import StoreMemory, StoreOutcome
from memos.handlers.batching import Wish, nobody_waits
from memos.handlers.digests import digest_of
from memos.handlers.learning.known import Known, KnownLessons, Looked, NewLesson, cosine_of
from memos.handlers.memories.remember import remember
from memos.ports import Embedder, Learnings, Memories, Projections, Vectors
from memos.records import (
    LESSON,
    Contradicted,
    LessonKept,
    Origin,
    content_hash,
    content_of,
    learning_id_for,
    memory_id_for,
)

MOST_EVIDENCE = 16
"""Memories that helped whose ids a lesson names."""

STATED = "stated by the agent that learned it"
"""Why a lesson contradicts one that it names."""


class Learned(NamedTuple):
    """What became of a lesson, and what is told of that: `stored`, `accepted` or `strengthened`."""

    kept: LessonKept
    status: str


class Judged(NamedTuple):
    """What a lesson is to those of before: the one that says the same, and those that it contradicts.

    `sameness` is what it is stored with if none says the same: another that has it by then does, after all.
    """

    same: UUID | None
    contradicts: Sequence[Contradicted]
    sameness: bytes


@dataclass(frozen=True, slots=True)
class Teacher:
    """Sees to the lessons of one command, with the ports that it needs."""

    command: RecordLearning
    origin: Origin
    learnings: Learnings
    memories: Memories
    vectors: Vectors
    projections: Projections
    embedder: Embedder

    async def learned(self) -> list[Learned | MemosError]:
        """Store what is new; one result for each lesson, in order.

        Raises `Unavailable`, and then nothing is lost, and `Conflict` when the command's id was used for another.
        """
        wishes = [self._wish(place, lesson) for place, lesson in enumerate(self.command.lessons)]
        if not wishes:
            return []
        handled = await self.memories.handled([wish.origin.key for wish in wishes])
        judged = await self._judged(wishes)
        new = [
            wish for wish, one in zip(wishes, judged, strict=True) if one.same is None or wish.origin.key in handled
        ]
        outcomes = await remember(
            new,
            memories=self.memories,
            vectors=self.vectors,
            projections=self.projections,
            embedder=self.embedder,
            ready=nobody_waits,
            sameness={wish.origin.key: one.sameness for wish, one in zip(wishes, judged, strict=True)},
        )
        stored = {memory_of(wish): outcome for wish, outcome in zip(new, outcomes, strict=True)}
        return learned_of(wishes, judged, stored)

    def _wish(self, place: int, lesson: Lesson) -> Wish[StoreMemory]:
        """How a lesson is stored, under an id of its own that follows from the command's."""
        command, origin = self.command, self.origin
        store = StoreMemory.model_construct(
            content=content_of(lesson.content, command.task, command.outcome),
            agent_id=command.agent_id,
            visibility=command.visibility,
            kind=LESSON,
            metadata=self._metadata(lesson),
            tags=lesson.tags,
            occurred_at=command.occurred_at,
        )
        of_lesson = Origin(origin.tenant, origin.source, f"{origin.command_id}/lessons/{place}", origin.command_id)
        return Wish(of_lesson, store, digest_of(store))

    def _metadata(self, lesson: Lesson) -> dict[str, Any]:
        """What a lesson says of itself: its own words, the task and how that ended, and what it rests on."""
        command = self.command
        told = {
            "lesson": lesson.content,
            "task": command.task,
            "task_id": command.task_id,
            "outcome": command.outcome,
            "learning_id": str(learning_id_for(self.origin.key)),
            "evidence": [str(use.memory_id) for use in command.memories if use.helped][:MOST_EVIDENCE],
            "tools": self._tools_in(lesson),
        }
        return {**command.metadata, **{name: value for name, value in told.items() if value}}

    def _tools_in(self, lesson: Lesson) -> dict[str, bool]:
        """Those of the tools that a lesson speaks of, and whether they helped."""
        uses = ((use.tool_id, use.helped) for use in self.command.tools if mentions(lesson.content, use.tool_id))
        return {tool_id: helped for tool_id, helped in uses if helped is not None}

    def _sameness(self, lesson: Lesson, *, apart: bool = False) -> bytes:
        """What makes lessons one: readers, words, and whether the tools in them helped; `apart` also the task."""
        command = self.command
        readers = command.agent_id if command.visibility == "private" else None
        of_task = [command.agent_id, command.task] if apart else None
        said = (readers, plain(lesson.content), sorted(self._tools_in(lesson).items()), of_task)
        return content_hash(to_json(said).decode())

    async def _judged(self, wishes: Sequence[Wish[StoreMemory]]) -> list[Judged]:
        """What each lesson is to those of before, and to those before it in the same command."""
        command, origin = self.command, self.origin
        new = [
            NewLesson(
                wish.command.content,
                advice_of(lesson.content, self._tools_in(lesson)),
                lesson.contradicts,
                self._sameness(lesson),
                self._sameness(lesson, apart=True),
            )
            for wish, lesson in zip(wishes, command.lessons, strict=True)
        ]
        known = KnownLessons(
            origin.tenant,
            command.agent_id,
            command.visibility,
            self.learnings,
            self.memories,
            self.vectors,
            self.embedder,
        )
        looked = await known.like(command.task, new)
        own = [memory_of(wish) for wish in wishes]
        return [
            judged_of(
                one,
                [*(each for each in beside if each.memory_id not in own), *_said_before(place, new, own, looked)],
            )
            for place, (one, beside) in enumerate(zip(new, looked.known, strict=True))
        ]


def memory_of(wish: Wish[StoreMemory]) -> UUID:
    """The memory that a lesson becomes unless it was known."""
    return memory_id_for(wish.origin.key)


def judged_of(new: NewLesson, known: Sequence[Known]) -> Judged:
    """What a lesson is to what is known of others; one that it names as wrong does not say the same."""
    others = [(one, one.beside(new.advice)) for one in known]
    same = [one for one, what in others if what.relation == "same" and not one.named]
    against = [
        Contradicted(one.memory_id, what.reason or STATED, one.cosine)
        for one, what in others
        if what.relation == "contradicts" or one.named
    ]
    best = max(same, key=lambda one: one.cosine, default=None)
    taken = any(one.advice.says(new.advice) for one in known)
    return Judged(best and best.memory_id, against, new.apart if taken else new.sameness)


def learned_of(
    wishes: Sequence[Wish[StoreMemory]],
    judged: Sequence[Judged],
    stored: Mapping[UUID, StoreOutcome | MemosError],
) -> list[Learned | MemosError]:
    """What became of each lesson, by what is stored under its own id. Raises `Conflict`."""
    results: dict[UUID, Learned | MemosError] = {}
    for wish, one in zip(wishes, judged, strict=True):
        memory_id = memory_of(wish)
        if memory_id in stored:
            result = _stored(wish, stored[memory_id], one.contradicts)
        else:
            assert one.same is not None  # what is not known is stored  # noqa: S101
            result = _strengthened(wish, one.same, results)
        if not isinstance(result, MemosError):
            result = _contradicting(result, one.contradicts, results)
        results[memory_id] = result
    return [*results.values()]


def _said_before(place: int, new: Sequence[NewLesson], own: Sequence[UUID], looked: Looked) -> list[Known]:
    """What the same command says before a lesson."""
    said = new[place].advice.text
    return [
        Known(memory_id, one.advice, cosine_of(said, one.advice.text, looked.vectors), 1.0)
        for one, memory_id in zip(new[:place], own[:place], strict=True)
    ]


def _stored(
    wish: Wish[StoreMemory], outcome: StoreOutcome | MemosError, contradicts: Sequence[Contradicted]
) -> Learned | MemosError:
    """A lesson that was stored by its command, or was found to have been stored by another meanwhile."""
    if isinstance(outcome, Conflict):
        raise outcome
    if isinstance(outcome, MemosError):
        return outcome
    if outcome.memory_id == memory_of(wish):
        return Learned(LessonKept(wish.origin, wish.digest, outcome.memory_id, known=False), outcome.status)
    known = all(one.memory_id != outcome.memory_id for one in contradicts)
    return Learned(LessonKept(wish.origin, wish.digest, outcome.memory_id, known, claimed=True), "strengthened")


def _strengthened(
    wish: Wish[StoreMemory], same: UUID, results: Mapping[UUID, Learned | MemosError]
) -> Learned | MemosError:
    """A lesson that was known, be it from one before it in the same command, which then is what counts."""
    if same not in results:
        return Learned(LessonKept(wish.origin, wish.digest, same, known=True), "strengthened")
    earlier = results[same]
    if isinstance(earlier, MemosError):
        return earlier
    return Learned(earlier.kept._replace(origin=wish.origin, digest=wish.digest, contradicts=()), "strengthened")


def _contradicting(
    learned: Learned, contradicts: Sequence[Contradicted], results: Mapping[UUID, Learned | MemosError]
) -> Learned:
    """A lesson with what it contradicts, whose ids are those of the memories that came of lessons."""
    against = []
    for one in contradicts:
        other = results.get(one.memory_id)
        if not isinstance(other, MemosError):
            against.append(one._replace(memory_id=other.kept.memory_id) if other else one)
    return learned._replace(kept=learned.kept._replace(contradicts=against))
