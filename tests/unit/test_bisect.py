from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.bisect import bisected, onwards
from memos.errors import Conflict, InvalidCommand, MemosError, Unavailable


class Doubling:
    """Doubles numbers, all or none: refuses a batch with a bad one in it."""

    def __init__(self, bad: set[int] | None = None) -> None:
        self._bad = bad or set()
        self.batches: list[list[int]] = []

    async def __call__(self, numbers: Sequence[int]) -> list[int | MemosError]:
        self.batches.append(list(numbers))
        if found := self._bad.intersection(numbers):
            raise InvalidCommand(f"{min(found)} is bad")
        return [2 * number for number in numbers]


async def test_what_succeeds_runs_once() -> None:
    run = Doubling()

    assert await bisected([1, 2, 3], run) == [2, 4, 6]
    assert run.batches == [[1, 2, 3]]


async def test_nothing_is_not_run() -> None:
    run = Doubling()

    assert await bisected([], run) == []
    assert run.batches == []


async def test_the_one_at_fault_is_found_and_the_others_succeed() -> None:
    run = Doubling({6})

    results = await bisected(list(range(8)), run)

    assert [result for result in results if not isinstance(result, MemosError)] == [0, 2, 4, 6, 8, 10, 14]
    assert str(results[6]) == "6 is bad"
    assert len(run.batches) == 7


@given(st.lists(st.integers(0, 9), max_size=40), st.sets(st.integers(0, 9)))
async def test_each_item_has_its_own_outcome_in_its_place(numbers: list[int], bad: set[int]) -> None:
    results = await bisected(numbers, Doubling(bad))

    assert [isinstance(result, MemosError) for result in results] == [number in bad for number in numbers]
    for number, result in zip(numbers, results, strict=True):
        assert isinstance(result, MemosError) or result == 2 * number


async def test_an_error_among_the_results_is_left_where_it_is() -> None:
    conflict = Conflict("taken")

    async def run(numbers: Sequence[int]) -> list[int | MemosError]:
        return [conflict if number == 1 else number for number in numbers]

    assert await bisected([0, 1, 2], run) == [0, conflict, 2]


async def test_an_error_that_says_not_now_is_raised_at_once() -> None:
    batches: list[Sequence[int]] = []

    async def run(numbers: Sequence[int]) -> list[int | MemosError]:
        batches.append(numbers)
        raise Unavailable("away")

    with pytest.raises(Unavailable):
        await bisected([1, 2], run)
    assert batches == [[1, 2]]


async def test_what_failed_before_keeps_its_place_and_is_not_run() -> None:
    early, run = Conflict("early"), Doubling({3})

    items: list[int | MemosError] = [1, early, 2, 3]

    results = await onwards(items, run)

    assert results[:3] == [2, early, 4]
    assert isinstance(results[3], InvalidCommand)
    assert sorted({number for batch in run.batches for number in batch}) == [1, 2, 3]
