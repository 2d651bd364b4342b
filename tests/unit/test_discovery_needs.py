"""A tool for each need, and what of a definition is read for words."""

from hypothesis import given
from hypothesis import strategies as st

from memos.discovery.needs import Need, covering
from memos.discovery.texts import compared_text
from memos.records import ToolDefinition

ROWS = st.lists(st.integers(0, 30), unique=True, max_size=20)


def test_what_is_best_for_a_need_takes_the_place_of_what_is_merely_better_for_the_whole() -> None:
    assert covering([4, 3, 2, 1], [Need("a", 4), Need("b", 1)], 2) == [4, 1]
    assert covering([4, 3, 2], [Need("a", 3), Need("b", 9)], 2) == [3, 9]
    assert covering([4, 3, 2, 1], [], 2) == [4, 3]


def test_with_less_room_than_needs_the_best_of_those_is_shown() -> None:
    assert covering([4, 3, 2, 1], [Need("a", 1), Need("b", 2)], 1) == [2]


@given(ROWS, st.lists(st.integers(0, 30), max_size=3), st.integers(1, 10))
def test_results_are_in_order_without_repetition_and_cover_the_needs(
    ranked: list[int], rows: list[int], top_k: int
) -> None:
    needs = [Need(str(row), row) for row in rows]
    chosen = covering(ranked, needs, top_k)
    assert len(chosen) == len(set(chosen)) == min(top_k, len({*ranked, *rows}))
    assert [row for row in ranked if row in chosen] == [row for row in chosen if row in ranked]
    if top_k >= len(set(rows)):
        assert set(rows) <= set(chosen)


def test_parameters_are_read_as_deep_as_three_levels_and_malformed_ones_passed_over() -> None:
    leaf = {"type": "object", "properties": {"deepest": {"description": "too deep to be read"}}}
    third = {"type": "object", "properties": {"third": leaf}}
    schema = {"properties": {"first": {"properties": {"second": third}, "description": "d" * 500}, "odd": True}}
    text = compared_text(
        ToolDefinition(tool_id="t", name="T", description="Does it", examples=["do it"], request_schema=schema)
    )
    lines = text.split("\n")
    assert lines[:2] == ["T: Does it", "do it"]
    assert [line.split(" ")[0] for line in lines[2:]] == ["first", "second", "third"]
    assert len(lines[2]) < 150
