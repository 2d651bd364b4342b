"""Lessons as they belong in a context: each once, and after the newer ones that say otherwise."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from memos.equivalence import plain
from memos.events.memories import RecalledMemory
from memos.records import LESSON, Memory, words_of

Pairs = Collection[tuple[UUID, UUID]]
"""Memories that contradict each other."""

Against = Mapping[UUID, Collection[UUID]]


class Lesson(NamedTuple):
    """A lesson, which others it `contradicts`, and which of these are newer and come before it.

    `otherwise` says in words that there are any.
    """

    memory: RecalledMemory
    contradicts: Sequence[UUID] = ()
    newer: frozenset[UUID] = frozenset()
    otherwise: str | None = None


def revised(lessons: Sequence[RecalledMemory], pairs: Pairs, others: Mapping[UUID, Memory]) -> list[RecalledMemory]:
    """Lessons, best first, with the newest of the others in place of one that it contradicts and is newer than.

    It has the score of that one.
    """
    against = _against(pairs, {})
    known = {lesson.memory_id for lesson in lessons}
    current: dict[UUID, RecalledMemory] = {}
    for lesson in lessons:
        unknown = [others[one] for one in against.get(lesson.memory_id, ()) if one in others and one not in known]
        newest = max((one for one in unknown if one.kind == LESSON), key=_age, default=None)
        if newest and _age(newest) > _age(lesson):
            current.setdefault(newest.memory_id, _recalled(newest, lesson.score))
        else:
            current[lesson.memory_id] = lesson
    return list(current.values())


def settled(
    lessons: Sequence[RecalledMemory], pairs: Pairs, others: Mapping[UUID, Memory], most: int
) -> list[Lesson]:
    """The first of the lessons: best first, but the newer of two that contradict each other before the older.

    Those that say the same words are one, the newest, which was learned as often as all of them. Of `others`, which
    are not among them, it is only looked how old they are.
    """
    folded = _folded(lessons, pairs)
    standing = {same: one.memory_id for one in folded for same in one.repeats}
    against = _against(pairs, standing)
    by_id = {lesson.memory_id: lesson for lesson in folded}
    ordered: dict[UUID, RecalledMemory] = {}
    for lesson in folded:
        newer_first = _newer_first(lesson, by_id, against)
        ordered |= {one.memory_id: one for one in newer_first if one.memory_id not in ordered}
    known = {**others, **by_id}
    return [_lesson(one, against.get(one.memory_id, ()), known, by_id) for one in list(ordered.values())[:most]]


def when_of(memory: Memory) -> datetime:
    """When it happened, or else was stored."""
    return memory.occurred_at or memory.created_at


def _recalled(memory: Memory, score: float) -> RecalledMemory:
    return RecalledMemory.model_construct(**{**dict(memory), "score": score})


def _age(memory: Memory) -> tuple[datetime, datetime, UUID]:
    """What is greater the newer a memory is, and equal for none."""
    return when_of(memory), memory.created_at, memory.memory_id


def _folded(lessons: Sequence[RecalledMemory], pairs: Pairs) -> list[RecalledMemory]:
    """Of lessons that say the same words the newest, in the place of the best, with the others as its repeats.

    Those that contradict each other, for a tool that helped the one and hindered the other, stay apart.
    """
    against = _against(pairs, {})
    folded: list[list[RecalledMemory]] = []
    by_words: dict[str, list[list[RecalledMemory]]] = {}
    for lesson in lessons:
        opposed = against.get(lesson.memory_id, ())
        alike = by_words.setdefault(plain(words_of(lesson)), [])
        same = next((some for some in alike if all(one.memory_id not in opposed for one in some)), None)
        if same is None:
            alike.append(same := [])
            folded.append(same)
        same.append(lesson)
    return [_one_of(some) for some in folded]


def _one_of(same: Sequence[RecalledMemory]) -> RecalledMemory:
    newest = max(same, key=_age)
    ids = [one for lesson in same for one in (lesson.memory_id, *lesson.repeats) if one != newest.memory_id]
    times = sum(lesson.times_stored for lesson in same)
    return newest.model_copy(update={"score": same[0].score, "times_stored": times, "repeats": ids})


def _against(pairs: Pairs, standing: Mapping[UUID, UUID]) -> Against:
    """By its id what contradicts a memory; one for which another stands counts as that."""
    against: dict[UUID, set[UUID]] = {}
    for one, other in ((standing.get(one, one), standing.get(other, other)) for one, other in pairs):
        if one != other:
            against.setdefault(one, set()).add(other)
            against.setdefault(other, set()).add(one)
    return against


def _newer_first(
    lesson: RecalledMemory, by_id: Mapping[UUID, RecalledMemory], against: Against
) -> list[RecalledMemory]:
    """A lesson after the newer ones that contradict it, after those that contradict these, and so on."""
    found, unread = {lesson.memory_id: lesson}, [lesson]
    for one in unread:
        contradicting = (by_id[other] for other in against.get(one.memory_id, ()) if other in by_id)
        newer = [other for other in contradicting if _age(other) > _age(one) and other.memory_id not in found]
        found |= {other.memory_id: other for other in newer}
        unread += newer
    return sorted(found.values(), key=_age, reverse=True)


def _lesson(
    lesson: RecalledMemory,
    contradicts: Collection[UUID],
    known: Mapping[UUID, Memory],
    shown: Collection[UUID],
) -> Lesson:
    newer = {one for one in contradicts if one in known and _age(known[one]) > _age(lesson)}
    before = frozenset(one for one in newer if one in shown)
    otherwise = None
    if before:
        otherwise = "a newer lesson above says otherwise"
    elif newer:
        otherwise = "a newer lesson says otherwise"
    elif contradicts:
        all_known = all(one in known for one in contradicts)
        otherwise = "an older lesson said otherwise" if all_known else "another lesson says otherwise"
    return Lesson(lesson, sorted(contradicts), before, otherwise)
