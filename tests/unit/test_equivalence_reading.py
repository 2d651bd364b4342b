"""Reading questions of any length, script and shape: in linear time, and never raising."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.equivalence import LONGEST, likeness, question_of, refusal

HARD = (
    "a.",
    "a/",
    "1,",
    "-",
    "_",
    "a_",
    "`",
    '"',
    "A",
    "(",
    "x ",
    "[math]",
    "what is the ",
    "what do the ",
    "seen by the ",
    "are not ",
    "I you ",
    "one ",
    "\u0301",
    "n't",
)


@pytest.mark.parametrize("unit", HARD)
@pytest.mark.parametrize("length", [LONGEST, 10_000])
def test_no_repetition_makes_reading_or_comparing_slow(unit: str, length: int) -> None:
    text = (unit * length)[:length]
    began = process_time()
    one, other = question_of(text), question_of(f"{text[1:]}?")
    refusal(one, other)
    likeness(one, other, 0.9)
    assert process_time() - began < 0.25


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_can_be_compared_either_way_with_the_same_outcome(one: str, other: str) -> None:
    asked, cached = question_of(one), question_of(other)
    assert refusal(asked, asked) is None
    assert (refusal(asked, cached) is None) == (refusal(cached, asked) is None)
    assert likeness(asked, cached, 0.9) == likeness(cached, asked, 0.9)


def test_what_is_too_long_for_the_model_to_read_is_refused() -> None:
    text = "Summarise this. " + "word " * LONGEST
    assert refusal(question_of(text), question_of(text)) == "length: too long to be compared"


def test_a_text_as_long_as_can_be_is_compared() -> None:
    text = ("word " * LONGEST)[:LONGEST]
    assert refusal(question_of(text), question_of(text)) is None
