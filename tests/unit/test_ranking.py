import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.ranking import tokens_of, within_budget


def texts(*lengths: int) -> list[str]:
    return [f"{number:03}"[:length].ljust(length, "x") for number, length in enumerate(lengths)]


def kept_of(ranked: list[str], budget: int | None) -> list[str]:
    return list(within_budget(ranked, budget, lambda text: text))


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("é" * 8, 2)])
def test_a_token_is_about_four_characters(text: str, tokens: int) -> None:
    assert tokens_of(text) == tokens


def test_without_a_budget_everything_is_kept() -> None:
    some = texts(4, 4000)

    assert kept_of(some, None) == some


def test_what_fits_exactly_is_kept() -> None:
    some = texts(8, 4)

    assert kept_of(some, 3) == some


def test_what_does_not_fit_is_passed_over_for_what_comes_after() -> None:
    large, small, last = texts(100, 4, 8)

    assert kept_of([large, small, last], 3) == [small, last]


@given(st.lists(st.integers(0, 50)), st.integers(1, 30))
def test_the_budget_is_never_exceeded_and_the_order_is_kept(lengths: list[int], budget: int) -> None:
    some = list(enumerate("x" * length for length in lengths))

    kept = list(within_budget(some, budget, lambda one: one[1]))

    assert sum(tokens_of(text) for _, text in kept) <= budget
    assert kept == sorted(kept, key=lambda one: one[0])
