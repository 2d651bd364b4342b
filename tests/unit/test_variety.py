"""No result twice, and results that differ."""

from uuid import UUID

import pytest

from memos.lexical import gist
from memos.ranking import diverse, without_repeats

A, B, C, D = (UUID(int=number) for number in range(1, 5))

TEXT = "The build takes five minutes on the old machine."


def kept(*texts: str) -> list[tuple[str, list[str]]]:
    return without_repeats(texts, gist)


@pytest.mark.parametrize(
    "repeat",
    [
        "the build takes five minutes on the old machine",
        "The build takes FIVE minutes, on the old machine!",
        "  The build takes five\nminutes on (the) *old* machine\u2026",
        "The build really takes just five minutes on the very old machine.",
    ],
)
def test_what_says_the_same_is_one_result(repeat: str) -> None:
    assert kept(TEXT, repeat) == [(TEXT, [repeat])]


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (TEXT, "The build takes six minutes on the old machine."),
        (TEXT, "The build takes five minutes on the new machine."),
        (TEXT, "The old machine takes five minutes on the build."),
        (TEXT, "The build never takes five minutes on the old machine."),
        (TEXT, "The build doesn't take five minutes on the old machine."),
        (TEXT, "Does the build take five minutes on the old machine?"),
        ("The build takes five minutes.", "The build takes five minutes?"),
        (TEXT, "The build takes five minutes on the old machine in the cellar."),
        ("I owe you 20 dollars", "You owe me 20 dollars"),
        ("My language is C++.", "My language is C#."),
        ("It has -5 degrees", "It has 5 degrees"),
        ("an order to Anna", "an order from Anna"),
        ("Max must take the pills", "Max may take the pills"),
        ("Grade A+", "Grade A-"),
        ("if a > b", "if a < b"),
        ("the heating is on", "the heating is off"),
        ("It costs $5", "It costs \u20ac5"),
        ("?", "!"),
        ("the", "a"),
    ],
)
def test_what_says_something_else_is_kept(text: str, other: str) -> None:
    assert [one for one, _ in kept(text, other)] == [text, other]


def test_the_best_of_several_repetitions_stays() -> None:
    assert kept("tea time", "milk", "Tea time!", "TEA TIME") == [
        ("tea time", ["Tea time!", "TEA TIME"]),
        ("milk", []),
    ]


def test_without_diversity_the_order_is_that_of_the_scores() -> None:
    vectors = {A: [1.0, 0.0], B: [1.0, 0.0], C: [0.0, 1.0]}
    assert diverse({A: 0.9, B: 0.8, C: 0.1}, vectors, 0.0) == [A, B, C]


def test_with_diversity_what_differs_comes_before_what_repeats() -> None:
    vectors = {A: [1.0, 0.0], B: [1.0, 0.01], C: [0.0, 2.0]}
    assert diverse({A: 0.9, B: 0.8, C: 0.3}, vectors, 0.5) == [A, C, B]


def test_what_repeats_the_first_stays_behind_after_something_else_was_chosen() -> None:
    vectors = {A: [1.0, 0.0], B: [1.0, 0.0], C: [0.0, 1.0], D: [1.0, 1.7]}
    assert diverse({A: 0.9, B: 0.8, C: 0.75, D: 0.9 - 0.1}, vectors, 0.5)[-1] == B


@pytest.mark.parametrize("length", [0.01, 1.0, 100.0])
def test_the_length_of_vectors_makes_no_difference(length: float) -> None:
    vectors = {A: [length, 0.0], B: [length, 0.01 * length], C: [0.0, length]}
    assert diverse({A: 0.9, B: 0.8, C: 0.3}, vectors, 0.5) == [A, C, B]


def test_equals_keep_their_order() -> None:
    assert diverse({C: 0.5, A: 0.5, B: 0.5}, {}, 0.5) == [C, A, B]


def test_what_has_no_vector_is_like_nothing() -> None:
    assert diverse({A: 0.9, B: 0.8, C: 0.7}, {A: [1.0, 0.0], B: [1.0, 0.0]}, 0.5) == [A, C, B]
