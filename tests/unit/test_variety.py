"""No result twice, and results that differ."""

from uuid import UUID

import pytest

from memos.lexical import words
from memos.ranking import diverse, without_repeats
from memos.ranking.variety import MOST_COMPARED

A, B, C, D = (UUID(int=number) for number in range(1, 5))

NEGATIONS = """
    no not never none nobody nothing nowhere neither nor without cannot can't don't doesn't didn't isn't aren't
    ain't wasn't weren't hasn't haven't hadn't won't wouldn't shan't shouldn't couldn't mustn't needn't
"""


def kept(*texts: str) -> list[tuple[str, list[str]]]:
    return without_repeats(texts, lambda text: list(words(text)))


@pytest.mark.parametrize(
    "repeat",
    [
        "the build takes five minutes on the old machine",
        "The build takes FIVE minutes, on the old machine!",
        "The builds took five minutes on the old machine",
        "The build usually takes five minutes on the old machine",
    ],
)
def test_what_says_the_same_is_one_result(repeat: str) -> None:
    text = "The build takes five minutes on the old machine."
    assert kept(text, repeat) == [(text, [repeat])]


@pytest.mark.parametrize(
    "other",
    [
        "The build takes six minutes on the old machine.",
        "The build takes five minutes on the new machine.",
        "The old machine takes five minutes on the build.",
        "The build takes 15 five minutes on the old machine.",
        "The build never takes five minutes on the old machine.",
        "The build does not take five minutes on the old machine.",
    ],
)
def test_what_says_something_else_is_kept(other: str) -> None:
    text = "The build takes five minutes on the old machine."
    assert [one for one, _ in kept(text, other)] == [text, other]


@pytest.mark.parametrize("negation", NEGATIONS.split())
def test_every_negation_tells_texts_apart(negation: str) -> None:
    text = "Ann saw fresh wet paint near that old red wooden door"
    negated = f"Ann saw {negation} fresh wet paint near that old red wooden door"
    assert [one for one, _ in kept(text, negated)] == [text, negated]


def test_of_a_long_ranking_the_end_is_rid_of_what_is_said_in_the_same_terms() -> None:
    many = [f"entry {number}" for number in range(MOST_COMPARED)]
    found = kept(*many, "tea time", "Tea time!", "tea time now", "?", "?")
    assert found[MOST_COMPARED:] == [("tea time", ["Tea time!"]), ("tea time now", []), ("?", []), ("?", [])]


def test_texts_without_words_repeat_none() -> None:
    assert [one for one, _ in kept("?", "!", "the of")] == ["?", "!", "the of"]


def test_a_text_that_says_much_more_is_no_repetition() -> None:
    texts = ["The build takes five minutes.", "The build takes five minutes on the old machine in the cellar."]
    assert [one for one, _ in kept(*texts)] == texts


def test_the_best_of_several_repetitions_stays() -> None:
    assert kept("tea time", "milk", "Tea time!", "TEA TIME") == [
        ("tea time", ["Tea time!", "TEA TIME"]),
        ("milk", []),
    ]


def test_without_diversity_the_order_is_that_of_the_scores() -> None:
    vectors = {A: [1.0, 0.0], B: [1.0, 0.0], C: [0.0, 1.0]}
    assert diverse({A: 0.9, B: 0.8, C: 0.1}, vectors, 0.0, 3) == [A, B, C]


def test_with_diversity_what_differs_comes_before_what_repeats() -> None:
    vectors = {A: [1.0, 0.0], B: [1.0, 0.01], C: [0.0, 2.0]}
    assert diverse({A: 0.9, B: 0.8, C: 0.3}, vectors, 0.5, 3) == [A, C, B]


def test_what_repeats_the_first_stays_behind_after_something_else_was_chosen() -> None:
    vectors = {A: [1.0, 0.0], B: [1.0, 0.0], C: [0.0, 1.0], D: [1.0, 1.7]}
    assert diverse({A: 0.9, B: 0.8, C: 0.75, D: 0.9 - 0.1}, vectors, 0.5, 4)[-1] == B


@pytest.mark.parametrize("length", [0.01, 1.0, 100.0])
def test_the_length_of_vectors_makes_no_difference(length: float) -> None:
    vectors = {A: [length, 0.0], B: [length, 0.01 * length], C: [0.0, length]}
    assert diverse({A: 0.9, B: 0.8, C: 0.3}, vectors, 0.5, 3) == [A, C, B]


def test_equals_keep_their_order() -> None:
    assert diverse({C: 0.5, A: 0.5, B: 0.5}, {}, 0.5, 3) == [C, A, B]


def test_no_more_are_chosen_than_wanted() -> None:
    assert diverse({A: 0.9, B: 0.8}, {}, 0.5, 1) == [A]


def test_what_has_no_vector_is_like_nothing() -> None:
    assert diverse({A: 0.9, B: 0.8, C: 0.7}, {A: [1.0, 0.0], B: [1.0, 0.0]}, 0.5, 3) == [A, C, B]
