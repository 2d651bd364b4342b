from typing import Any

import pytest

from memos.errors import InvalidCommand
from memos.stores.filters import parse_filter
from memos.stores.matching import matches, moment_of

A, B = {"key": "tags", "match": {"value": "a"}}, {"key": "tags", "match": {"value": "b"}}
BOTH = {"tags": ["a", "b"], "n": 5}


def meets(matching: dict[str, Any], payload: dict[str, Any]) -> bool:
    return matches(parse_filter(matching), payload)


def test_a_filter_of_nothing_lets_everything_pass() -> None:
    assert meets({}, {})


def test_at_least_so_many_conditions_must_hold() -> None:
    for least, payload, met in ((1, {"tags": "a"}, True), (2, {"tags": "a"}, False), (2, BOTH, True)):
        assert meets({"min_should": {"conditions": [A, B], "min_count": least}}, payload) == met


def test_what_is_none_of_several_values_has_a_value_nevertheless() -> None:
    other = {"must": [{"key": "tags", "match": {"except": ["a"]}}]}

    assert meets(other, BOTH)
    assert not meets(other, {"tags": ["a"]})
    assert not meets(other, {})


def test_a_field_without_any_value_is_empty() -> None:
    empty = {"must": [{"is_empty": {"key": "tags"}}]}

    assert meets(empty, {})
    assert meets(empty, {"tags": None})
    assert meets(empty, {"tags": []})
    assert not meets(empty, BOTH)


def test_what_is_no_object_has_no_parts() -> None:
    deep = {"must": [{"key": "a.b.c", "match": {"value": 1}}]}

    assert meets(deep, {"a": {"b": {"c": 1}}})
    assert not meets(deep, {"a": {"b": 1}})
    assert not meets(deep, {"a": [{"b": {"c": 1}}]})


@pytest.mark.parametrize(
    "condition",
    [
        {"key": "tags", "match": {"text": "a"}},
        {"key": "tags", "values_count": {"gte": 1}},
        {"key": "tags", "is_null": True},
        {"is_null": {"key": "tags"}},
        {"has_id": ["0191d1a0-0000-7000-8000-000000000000"]},
        {"nested": {"key": "tags", "filter": {"must": [A]}}},
    ],
    ids=str,
)
def test_a_condition_that_engines_alone_understand_is_refused(condition: dict[str, Any]) -> None:
    with pytest.raises(InvalidCommand, match="engines alone"):
        meets({"should": [condition]}, BOTH)


def test_times_are_told_apart_by_nanoseconds() -> None:
    texts = [f"2026-05-01T12:00:00.{fraction}Z" for fraction in ("0", "000000001", "000000999", "000001", "5")]

    moments = [moment_of(text) for text in texts]

    assert None not in moments
    assert moments == sorted(moments, key=lambda moment: moment or ())
    assert len(set(moments)) == len(texts)


@pytest.mark.parametrize("text", ["", "soon", "2026", "2026-13-01", "2026-05-01T12:00:00+24:00", "٢٠٢٦-05-01"])
def test_what_is_no_time_states_none(text: str) -> None:
    assert moment_of(text) is None
