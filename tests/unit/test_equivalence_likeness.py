"""Likeness: cosine, weighed with the words, from 0 to 1."""

from math import nan

import pytest

from memos.equivalence import SAME, WORTH_A_LOOK, likeness, question_of
from memos.equivalence.likeness import features

ASKED = question_of("How do I learn to play the guitar?")


def test_the_same_text_is_more_alike_than_the_threshold_asks_for() -> None:
    assert likeness(ASKED, ASKED, 1.0) > SAME


def test_likeness_grows_with_the_cosine() -> None:
    cached = question_of("What is the best way to learn the guitar?")
    scores = [likeness(ASKED, cached, cosine) for cosine in (0.8, 0.85, 0.9, 0.95, 1.0)]
    assert scores == sorted(set(scores))


@pytest.mark.parametrize("cosine", [-1.0, 0.0, WORTH_A_LOOK - 0.001, nan])
def test_what_is_not_worth_a_look_is_not_alike(cosine: float) -> None:
    assert likeness(ASKED, ASKED, cosine) == 0.0


@pytest.mark.parametrize("cosine", [1.0, 1.0000002, 2.0])
def test_a_cosine_rounded_beyond_one_is_one(cosine: float) -> None:
    assert likeness(ASKED, ASKED, cosine) == likeness(ASKED, ASKED, 1.0) < 1.0


def test_at_the_same_cosine_a_paraphrase_is_likelier_than_a_text_with_one_word_changed() -> None:
    paraphrase = question_of("What is a good method of picking up guitar playing?")
    changed = question_of("How do I learn to play the guitars?")
    assert likeness(ASKED, paraphrase, 0.93) > likeness(ASKED, changed, 0.93)


def test_a_question_that_begins_otherwise_is_of_another_kind() -> None:
    what, how = question_of("What is the way to learn the guitar?"), question_of("What guitar can I learn?")
    assert (features(what, how, 0.9)["kind"], features(what, what, 0.9)["kind"]) == (1.0, 0.0)
