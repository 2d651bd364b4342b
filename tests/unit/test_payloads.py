from typing import Any

import pytest

from memos.records.payloads import MOST_MARKS, NO_MARK, mark_of, marks_of


@pytest.mark.parametrize(
    "same", [(2, 2.0), (0.0, -0.0), (10**22, 1e22), (10**300, 1e300), (2**62, float(2**62))], ids=str
)
def test_numbers_of_one_value_have_one_mark(same: tuple[Any, Any]) -> None:
    one, other = same
    assert mark_of("a", one) == mark_of("a", other)


def test_other_values_types_and_names_have_other_marks() -> None:
    values: list[Any] = [1, True, "1", "True", "1.0", 1.5, 2**53 + 1, 2**53, False, 0, "", "number=1"]

    marks = {mark_of(name, value) for name in ("a", "b") for value in values}

    assert len(marks) == 2 * len(values)
    assert {len(mark) for mark in marks} == {24}


def test_every_top_level_value_and_every_item_of_a_list_is_marked() -> None:
    metadata = {"a": 1, "b": ["x", True, None, ["y"]], "c": None, "d": {"e": 1}, "no name": 1, "ä": 1}

    assert marks_of(metadata) == [mark_of("a", 1), mark_of("b", "x"), mark_of("b", True)]


def test_metadata_without_values_has_a_mark_that_no_value_has_and_too_many_have_none() -> None:
    assert marks_of({}) == marks_of({"a": None}) == marks_of({"a": 10**400}) == [NO_MARK]
    assert len(marks_of({"a": list(range(MOST_MARKS))}) or []) == MOST_MARKS
    assert marks_of({"a": list(range(MOST_MARKS)), "b": 1}) is None
