import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.cues import names_in

KNOWN = {
    "Caroline",
    "Caroline Smith",
    "Jean-Luc Picard",
    "José",
    "O'Brien",
    "Will",
    "deploy-bot",
    "user",
    "42",
    "a",
    "田中",
}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("What did Caroline research?", {"Caroline"}),
        ("what are CAROLINE'S plans", {"Caroline"}),
        ("what are caroline\u2019s plans", {"Caroline"}),
        ("What did Caroline Smith say?", {"Caroline Smith"}),
        ("what did jean-luc order?", {"Jean-Luc Picard"}),
        ("did jose call", {"José"}),
        ("did JOSÉ call", {"José"}),
        ("is o'brien here", {"O'Brien"}),
        ("why did deploy-bot fail", {"deploy-bot"}),
        ("why did Deploy_Bot fail", {"deploy-bot"}),
        ("did Caroline ask deploy bot?", {"Caroline", "deploy-bot"}),
        ("田中さんは何をした", {"田中"}),
    ],
)
def test_a_name_is_found_however_it_is_written(text: str, named: set[str]) -> None:
    assert names_in(text, KNOWN) == named


@pytest.mark.parametrize(
    "text", ["the Carolines", "a carolinesque deploy", "42 results of a user", "the bot", "Smith", "Picard", ""]
)
def test_a_name_within_another_word_or_a_part_of_one_is_not_meant(text: str) -> None:
    assert names_in(text, KNOWN) == set()


@pytest.mark.parametrize(
    ("text", "meant"),
    [("Will it rain?", False), ("it will rain", False), ("Ask Will about it", True), ("Will's dog", True)],
)
def test_a_name_that_is_an_ordinary_word_is_meant_where_it_is_capitalised(text: str, meant: bool) -> None:
    assert names_in(text, {"Will"}) == ({"Will"} if meant else set())


def test_everybody_of_one_first_name_is_meant_by_it_alone() -> None:
    assert names_in("Ask Tim", {"Tim Roth", "Tim Burton", "Tom Ford"}) == {"Tim Roth", "Tim Burton"}


def test_a_title_is_no_first_name() -> None:
    assert names_in("the doctor said dr who", {"The Doctor", "Dr. Strange"}) == {"The Doctor"}


def test_thousands_of_mentions_of_thousands_of_names_are_found_at_once() -> None:
    """Looking at every name at each of the places would take hours."""
    known = {f"Ann X{number}" for number in range(10_000)}
    assert names_in("ann " * 10_000, known) == known
    assert names_in(" ".join(name.lower() for name in known), known) == known


def test_names_of_many_lengths_are_told_apart_at_each_place() -> None:
    known = {"Ann", "Ann Lee", "Ann Lee Roth", "Ann Lee Roth May"}
    assert names_in("ann lee roth and ann lee", known) == {"Ann Lee Roth", "Ann Lee"}


@given(st.text(), st.sets(st.text(min_size=1)))
def test_only_known_names_are_found_in_any_text(text: str, known: set[str]) -> None:
    assert names_in(text, known) <= known


@given(st.from_regex(r"[A-Z][a-z]{7,12}", fullmatch=True), st.text(), st.text())
def test_a_name_that_stands_by_itself_is_found_in_any_text(name: str, before: str, after: str) -> None:
    assert names_in(f"{before} {name} {after}", {name}) == {name}
