import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.ranking import Budget, tokens_of


def texts(*lengths: int) -> list[str]:
    return [f"{number:03}"[:length].ljust(length, "x") for number, length in enumerate(lengths)]


def kept_of(ranked: list[str], budget: int | None) -> list[str]:
    return list(Budget(budget).fitting(ranked, str))


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

    kept = list(Budget(budget).fitting(some, lambda one: one[1]))

    assert sum(tokens_of(text) for _, text in kept) <= budget
    assert kept == sorted(kept, key=lambda one: one[0])


def test_what_is_spent_for_one_is_not_left_for_the_other() -> None:
    budget = Budget(3)

    assert list(budget.fitting(texts(8), str)) == texts(8)
    assert list(budget.fitting(texts(8), str)) == []
    assert budget.filled([texts(4, 4)], str) == [texts(4)]


def test_a_side_is_filled_up_to_the_first_that_does_not_fit() -> None:
    near, large, far = texts(4, 100, 4)

    assert Budget(3).filled([[near, large, far]], str) == [[near]]
    assert Budget(None).filled([[near, large, far]], str) == [[near, large, far]]


def test_two_sides_are_filled_in_turn() -> None:
    assert Budget(3).filled([texts(4, 4, 4), texts(4, 4)], str) == [texts(4, 4), texts(4)]
    assert Budget(3).filled([texts(100, 4), texts(4, 4)], str) == [[], texts(4, 4)]
    assert Budget(3).filled([], str) == []
