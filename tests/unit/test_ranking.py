import pytest
from builders import memory
from hypothesis import given
from hypothesis import strategies as st

from memos.ranking import tokens_of, within_budget
from memos.records import Memory


def memories(*lengths: int) -> list[Memory]:
    one = memory()
    return [one.model_copy(update={"content": "x" * length}) for length in lengths]


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("é" * 8, 2)])
def test_a_token_is_about_four_characters(text: str, tokens: int) -> None:
    assert tokens_of(text) == tokens


def test_without_a_budget_everything_is_kept() -> None:
    some = memories(4, 4000)

    assert list(within_budget(some, None)) == some


def test_what_fits_exactly_is_kept() -> None:
    some = memories(8, 4)

    assert list(within_budget(some, 3)) == some


def test_what_does_not_fit_is_passed_over_for_what_comes_after() -> None:
    large, small, last = memories(100, 4, 8)

    assert list(within_budget([large, small, last], 3)) == [small, last]


@given(st.lists(st.integers(0, 50)), st.integers(1, 30))
def test_the_budget_is_never_exceeded_and_the_order_is_kept(lengths: list[int], budget: int) -> None:
    some = memories(*lengths)

    kept = list(within_budget(some, budget))

    assert sum(tokens_of(memory.content) for memory in kept) <= budget
    positions = [next(i for i, one in enumerate(some) if one is memory) for memory in kept]
    assert positions == sorted(positions)
