"""BM25 over texts that come and go."""

import pytest

from memos.discovery.postings import Postings
from memos.lexical import question_terms, terms_of


def shares(postings: Postings, question: str, rows: int) -> list[float]:
    return [float(share) for share in postings.shares(question_terms(question), rows)]


def test_a_text_with_all_terms_of_a_question_has_the_greatest_share() -> None:
    postings = Postings()
    for row, text in enumerate(["rain and wind", "rain", "shares"]):
        postings.add(row, terms_of(text))
    both, one, none = shares(postings, "rain wind", 3)
    assert 1 > both > one > none == 0


def test_a_rare_term_says_more_than_a_common_one() -> None:
    postings = Postings()
    for row, text in enumerate(["common rare", "common", "common", "other"]):
        postings.add(row, terms_of(text))
    assert shares(postings, "rare", 4)[0] == pytest.approx(shares(postings, "common", 4)[0], abs=0.01)
    found = shares(postings, "rare common", 4)
    assert found[0] - found[1] > found[1]


def test_a_term_that_no_text_has_leaves_a_share_to_be_found() -> None:
    postings = Postings()
    postings.add(0, terms_of("rain"))
    postings.add(1, terms_of("wind"))
    assert shares(postings, "rain unheard", 2)[0] == pytest.approx(shares(postings, "rain", 2)[0] / 2)


def test_a_text_that_was_removed_makes_its_terms_rarer() -> None:
    postings = Postings()
    for row, text in enumerate(["rain shares", "rain", "wind", "snow"]):
        postings.add(row, terms_of(text))
    before = shares(postings, "rain snow", 4)
    postings.remove(terms_of("rain"))
    after = shares(postings, "rain snow", 4)
    assert after[0] > before[0]


def test_nothing_is_found_without_texts_or_terms() -> None:
    assert shares(Postings(), "rain", 0) == []
    postings = Postings()
    postings.add(0, terms_of("rain"))
    assert shares(postings, "the of", 1) == [0.0]
