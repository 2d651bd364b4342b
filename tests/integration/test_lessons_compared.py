"""Pairs of lessons, compared as the embedded model sees them: what is the same, and what contradicts.

Those of `held_out` were written after the rules, and nothing was changed for them.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from memos.embeddings.minilm import MiniLM
from memos.equivalence import advice_of, compare, mentions
from memos.records import Vector

PAIRS: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "data" / "lessons.json").read_text())


@pytest.fixture(scope="module")
async def found() -> dict[bool, Counter[tuple[str, str]]]:
    """How many pairs of each relation were found to be of which, of those held out and of the others."""
    texts = sorted({pair[name] for pair in PAIRS for name in ("task", "other_task", "earlier", "later")})
    async with MiniLM() as model:
        vectors = dict(zip(texts, await model.embed(texts), strict=True))
    counts: dict[bool, Counter[tuple[str, str]]] = {True: Counter(), False: Counter()}
    for pair in PAIRS:
        new, old = advice_of(pair["later"]), advice_of(pair["earlier"])
        cosine = dot(vectors[pair["later"]], vectors[pair["earlier"]])
        tasks = dot(vectors[pair["task"]], vectors[pair["other_task"]])
        counts[pair["held_out"]][pair["relation"], compare(new, old, cosine, tasks).relation] += 1
    return counts


def dot(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("held_out", [False, True])
async def test_no_lesson_is_taken_for_another_and_none_is_flagged_that_contradicts_nothing(
    found: dict[bool, Counter[tuple[str, str]]], *, held_out: bool
) -> None:
    assert [pair for pair in found[held_out] if pair[0] != pair[1] != "different"] == []


async def test_most_contradictions_are_flagged(found: dict[bool, Counter[tuple[str, str]]]) -> None:
    assert found[False]["contradicts", "contradicts"] >= 24
    assert found[True]["contradicts", "contradicts"] >= 12


async def test_half_of_the_lessons_in_other_words_are_known(found: dict[bool, Counter[tuple[str, str]]]) -> None:
    assert found[False]["same", "same"] >= 14
    assert found[True]["same", "same"] >= 4


def test_a_lesson_that_is_too_long_to_be_read_is_the_same_in_the_same_words_alone() -> None:
    long = "word " * 400
    assert compare(advice_of(long), advice_of(long), 1.0, 1.0).relation == "same"
    assert compare(advice_of(long), advice_of(f"{long} more"), 1.0, 1.0).relation == "different"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Copy it to vault B.", "Copy it to vault b."),
        ("Copy it with -v.", "Copy it with -V."),
        ("Ask US staff for it.", "Ask us staff for it."),
        ("It is done 👍", "It is done 👎"),
        ("Pay 5% of it.", "Pay 5 of it."),
    ],
)
def test_words_that_differ_in_a_letter_or_a_sign_that_tells_are_not_the_same(one: str, other: str) -> None:
    assert compare(advice_of(one), advice_of(other), 1.0, 1.0).relation != "same"
    assert compare(advice_of(one), advice_of(f" {one[0].lower()}{one[1:]} "), 1.0, 1.0).relation == "same"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Use search first.", True),
        ("Do research first.", False),
        ("Use search-local first.", False),
        ("Use `search`.", True),
        ("Use search.local first.", False),
        ("SEARCH helps", True),
    ],
)
def test_a_lesson_speaks_of_a_tool_whose_whole_id_it_has(text: str, *, said: bool) -> None:
    assert mentions(text, "search") is said


def test_a_tool_that_is_called_like_a_small_word_is_not_spoken_of() -> None:
    assert not mentions("Bake at a low heat.", "a")


def test_the_same_words_of_tasks_that_have_nothing_in_common_say_something_else() -> None:
    advice = advice_of("Use the second one.")
    assert compare(advice, advice, 1.0, 0.0).relation == "different"


def test_advice_to_use_a_tool_is_contradicted_by_how_that_went() -> None:
    text = "Use the gallery-tickets tool."
    helped, hindered = advice_of(text, {"gallery-tickets": True}), advice_of(text, {"gallery-tickets": False})
    assert compare(helped, helped, 1.0, 1.0).relation == "same"
    against = compare(hindered, helped, 1.0, 1.0)
    assert against == ("contradicts", "tools: gallery-tickets hinders now, and helped before")
