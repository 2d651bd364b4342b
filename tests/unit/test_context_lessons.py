"""Lessons in a context: each once, and the newer of two that contradict each other before the older."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from builders import memory
from hypothesis import given
from hypothesis import strategies as st

from memos.events.context import ContextLesson
from memos.events.memories import RecalledMemory
from memos.handlers.context.budget import Filled, filled
from memos.handlers.context.entries import lesson_entries
from memos.handlers.context.lessons import Lesson, revised, settled
from memos.records import Memory, content_of

Pairs = Sequence[tuple[int, int]]


def lesson(number: int, content: str | None = None, *, day: int = 1, **fields: Any) -> RecalledMemory:
    """A lesson that was found; its number is in its id and, unless it says something else, in its words."""
    told = {**dict(memory()), "kind": "lesson", "score": 1 / number, **fields}
    told |= {"memory_id": UUID(int=number), "occurred_at": datetime(2026, 1, day, tzinfo=UTC)}
    return RecalledMemory.model_construct(**{**told, "content": content or f"lesson {number}"})


def ids(*pairs: tuple[int, int]) -> list[tuple[UUID, UUID]]:
    return [(UUID(int=one), UUID(int=other)) for one, other in pairs]


def chosen(*found: RecalledMemory, pairs: Pairs = (), most: int = 9, others: Sequence[Memory] = ()) -> list[Lesson]:
    return settled(found, ids(*pairs), {one.memory_id: one for one in others}, most)


def numbers(lessons: Sequence[Lesson]) -> list[int]:
    return [one.memory.memory_id.int for one in lessons]


def shown(lessons: Sequence[Lesson], budget: int | None = None) -> Filled:
    return filled({"lessons": lesson_entries(lessons)}, budget, 0)


ages = st.lists(st.integers(0, 5), min_size=1, max_size=8)
several = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=12)


@given(ages, several)
def test_the_newer_of_two_is_first_and_none_is_lost(days: list[int], flagged: Pairs) -> None:
    found = [lesson(number, day=1 + day) for number, day in enumerate(days, start=1)]
    pairs = [(one, other) for one, other in flagged if one != other]

    order = numbers(chosen(*found, pairs=pairs))

    assert sorted(order) == list(range(1, len(days) + 1))
    there = [(one, other) for one, other in pairs if max(one, other) <= len(days)]
    for one, other in there:
        newer, older = (one, other) if days[one - 1] > days[other - 1] else (other, one)
        if days[newer - 1] > days[older - 1]:
            assert order.index(newer) < order.index(older)
    if not there:
        assert order == sorted(order)


@given(ages, several, st.integers(0, 200), st.integers(1, 8))
def test_no_lesson_is_shown_without_a_newer_one_that_contradicts_it_and_might_be(
    days: list[int], flagged: Pairs, budget: int, most: int
) -> None:
    found = [lesson(number, "words " * number * (1 + day), day=1 + day) for number, day in enumerate(days, start=1)]
    lessons = chosen(*found, pairs=[(one, other) for one, other in flagged if one != other], most=most)

    fits = shown(lessons, budget)

    there = {one.memory_id for one in fits.items(ContextLesson)}
    by_id = {one.memory.memory_id: one for one in lessons}
    for one in there:
        assert not by_id[one].newer or there & by_id[one].newer
        assert ("above" in (by_id[one].otherwise or "")) == bool(by_id[one].newer)
    assert len(there) + fits.omitted.get("lessons", 0) == len(lessons)


def test_a_lesson_is_left_out_when_the_newer_one_that_contradicts_it_does_not_fit() -> None:
    older, newer = lesson(1, "Use port 80.", day=1), lesson(2, "Use port 8080 " + "now " * 100, day=2)

    fits = shown(chosen(older, newer, lesson(3), pairs=[(2, 1)]), 40)

    assert [one.memory_id.int for one in fits.items(ContextLesson)] == [3]
    assert fits.omitted == {"lessons": 2}
    assert "otherwise" not in fits.text


def test_a_newer_lesson_that_was_not_found_takes_the_place_and_the_score_of_the_one_it_contradicts() -> None:
    found = [lesson(1), lesson(2, day=3), lesson(3, day=2)]
    others = {one.memory_id: one for one in (lesson(8, day=2), lesson(9, day=4), lesson(7, day=1))}

    now = revised(found, ids((8, 1), (9, 1), (8, 2), (3, 7)), others)

    assert [one.memory_id.int for one in now] == [9, 2, 3]
    assert now[0].score == found[0].score


def test_a_newer_lesson_that_contradicts_several_takes_the_place_of_the_best() -> None:
    other = lesson(9, day=2)

    now = revised([lesson(1), lesson(2), lesson(3)], ids((9, 1), (9, 3)), {other.memory_id: other})

    assert [one.memory_id.int for one in now] == [9, 2]


def test_only_a_lesson_takes_the_place_of_a_lesson() -> None:
    other = lesson(9, day=2, kind="semantic")

    now = revised([lesson(1)], ids((9, 1)), {other.memory_id: other})

    assert [one.memory_id.int for one in now] == [1]


def test_lessons_of_the_same_words_are_one_that_was_learned_as_often_as_all() -> None:
    same = [
        lesson(number, content_of(words, task, "success"), metadata={"task": task}, day=day, times_stored=number)
        for number, words, task, day in [
            (1, "Ask first.", "a", 2),
            (3, "ask\tFirst. ", "b", 3),
            (4, "Ask first.", "c", 1),
        ]
    ]

    lessons = chosen(same[0], lesson(2), *same[1:])

    assert numbers(lessons) == [3, 2]
    [first, _] = shown(lessons).items(ContextLesson)
    assert (first.times, first.score, first.task) == (8, same[0].score, "b")
    assert lessons[0].memory.repeats == [UUID(int=1), UUID(int=4)]


def test_the_same_words_that_contradict_each_other_are_two_lessons() -> None:
    found = [lesson(1, "Use the map.", day=1), lesson(2, "use the map.", day=2), lesson(3, "Use the  map.", day=3)]

    apart = chosen(*found, pairs=[(1, 2)])

    assert numbers(apart) == [3, 2]
    assert apart[0].memory.repeats == [UUID(int=1)]


def test_words_that_differ_by_a_capital_that_tells_are_two_lessons() -> None:
    assert numbers(chosen(lesson(1, "Pass -v to tar."), lesson(2, "Pass -V to tar."))) == [1, 2]


def test_what_contradicts_one_of_the_same_words_contradicts_them_all() -> None:
    found = [lesson(1, "Ask.", day=1), lesson(2, "Do not ask.", day=2), lesson(3, "Ask.", day=3)]

    lessons = chosen(*found, pairs=[(2, 1)])

    assert numbers(lessons) == [3, 2]
    assert [one.contradicts for one in lessons] == [[UUID(int=2)], [UUID(int=3)]]


def test_no_more_are_chosen_than_are_wanted_and_the_older_one_goes_first() -> None:
    lessons = chosen(lesson(1, day=1), lesson(2, day=2), pairs=[(2, 1)], most=1)

    assert numbers(lessons) == [2]


@pytest.mark.parametrize(
    ("found", "others", "said"),
    [
        ([(1, 1), (2, 2)], [], ["an older lesson said otherwise", "a newer lesson above says otherwise"]),
        ([(1, 1)], [(2, 2)], ["a newer lesson says otherwise"]),
        ([(2, 2)], [(1, 1)], ["an older lesson said otherwise"]),
        ([(1, 1)], [], ["another lesson says otherwise"]),
        ([(3, 1)], [], [None]),
    ],
)
def test_it_is_said_which_lesson_says_otherwise(found: Pairs, others: Pairs, said: Sequence[str | None]) -> None:
    of: Mapping[str, list[RecalledMemory]] = {
        name: [lesson(number, day=day) for number, day in some]
        for name, some in (("found", found), ("others", others))
    }

    lessons = chosen(*of["found"], others=of["others"], pairs=[(2, 1)])

    assert [one.otherwise for one in lessons] == said
