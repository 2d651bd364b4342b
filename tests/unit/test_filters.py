from typing import Any

import pytest

from memos.errors import InvalidCommand
from memos.stores.filters import Clause, DatetimeRange, FieldCondition, NumberRange, parse_filter


def faults_of(matching: Any) -> dict[str, str]:
    with pytest.raises(InvalidCommand) as refusal:
        parse_filter(matching)
    assert all(f"{fault.field}: {fault.message}" in refusal.value.detail for fault in refusal.value.faults)
    return dict(refusal.value.faults)


def test_a_filter_of_every_kind_comes_back_as_it_was() -> None:
    matching = {
        "must": [
            {"key": "kind", "match": {"value": "episodic"}},
            {"key": "tags", "match": {"any": ["a", "b"]}},
            {"key": "tags", "match": {"except": [1, 2]}},
            {"key": 'metadata."my topic"', "match": {"text": "words"}},
            {"key": "sequence", "range": {"gte": 1.0, "lt": 2.5}},
            {"key": "created_at", "range": {"gt": "2026-01-01T00:00:00+00:00"}},
            {"key": "tags", "values_count": {"lte": 3}},
            {"key": "pinned", "is_null": False},
        ],
        "should": [{"is_empty": {"key": "tags"}}, {"is_null": {"key": "kind"}}],
        "must_not": [{"has_id": ["0191d1a0-0000-7000-8000-000000000000"]}],
        "min_should": {
            "conditions": [
                {"nested": {"key": "parts[]", "filter": {"must": [{"key": "n", "match": {"value": True}}]}}}
            ],
            "min_count": 1,
        },
    }
    assert parse_filter(matching).as_json() == matching


def test_a_filter_of_nothing_is_empty() -> None:
    assert parse_filter({}) == parse_filter({"must": None, "should": []}) == Clause()
    assert Clause().as_json() == {}


def test_a_single_condition_stands_for_a_list_of_one() -> None:
    condition = {"key": "kind", "match": {"value": "episodic"}}
    assert parse_filter({"must": condition}) == parse_filter({"must": [condition]})


@pytest.mark.parametrize(
    ("bounds", "kind"), [({"gte": 1}, NumberRange), ({"lt": "2026-01-01T00:00:00Z"}, DatetimeRange)]
)
def test_a_range_is_over_numbers_or_datetimes_by_its_bounds(bounds: dict[str, Any], kind: type) -> None:
    [condition] = parse_filter({"must": [{"key": "x", "range": bounds}]}).must
    assert isinstance(condition, FieldCondition)
    assert isinstance(condition.range, kind)


def test_a_datetime_without_an_offset_is_utc() -> None:
    given, stated = ({"must": [{"key": "x", "range": {"gt": f"2026-01-01T00:00:00{zone}"}}]} for zone in ("", "Z"))
    assert parse_filter(given) == parse_filter(stated)


@pytest.mark.parametrize(
    "key", ["kind", "metadata.topic", 'a."b c".d', "parts[].n", "parts[0].n", "größe", "a-b_c"]
)
def test_a_path_of_the_payload_is_a_key(key: str) -> None:
    matching = {"must": [{"is_null": {"key": key}}]}
    assert parse_filter(matching).as_json() == matching


@pytest.mark.parametrize("key", ["", ".", "a.", ".a", "a..b", "a b", "a[", "a[x]", '"', "a" * 1025, 5, None])
def test_what_is_no_path_is_refused(key: object) -> None:
    assert "filter.must[0].is_null.key" in faults_of({"must": [{"is_null": {"key": key}}]})


@pytest.mark.parametrize("value", [1.5, None, [], {}, 2**63])
def test_only_strings_booleans_and_64_bit_integers_are_matched(value: object) -> None:
    faults = faults_of({"must": [{"key": "x", "match": {"value": value}}]})
    assert faults == {
        "filter.must[0].match.value": "a string, a boolean or a 64-bit integer is expected; "
        "compare other numbers by range"
    }


@pytest.mark.parametrize("values", ["red", ["red", 1], [True], [1.0], None])
def test_a_match_of_several_values_takes_strings_or_integers(values: object) -> None:
    assert list(faults_of({"must": [{"key": "x", "match": {"any": values}}]})) == ["filter.must[0].match.any"]


@pytest.mark.parametrize("bounds", [{}, {"gte": None}])
def test_a_range_without_a_bound_is_refused(bounds: dict[str, Any]) -> None:
    assert list(faults_of({"must": [{"key": "x", "range": bounds}]})) == ["filter.must[0].range"]


def test_a_field_takes_exactly_one_check() -> None:
    both = {"key": "x", "match": {"value": 1}, "range": {"gt": 1}}
    assert list(faults_of({"must": [both, {"key": "x"}]})) == ["filter.must[0]", "filter.must[1]"]


def test_every_part_that_is_wrong_is_named() -> None:
    faults = faults_of({"mast": [], "should": [{"like": 1}], "must_not": [{"nested": {"key": "a", "filter": 3}}]})
    assert list(faults) == ["filter.should[0].like", "filter.must_not[0].nested.filter", "filter.mast"]


@pytest.mark.parametrize("matching", [3, "x", [], None])
def test_what_is_no_object_is_no_filter(matching: object) -> None:
    assert list(faults_of(matching)) == ["filter"]


def test_a_filter_too_deep_to_be_meant_is_refused() -> None:
    matching: dict[str, Any] = {}
    for _ in range(10_000):
        matching = {"must": [matching]}
    with pytest.raises(InvalidCommand, match="maximum validation depth"):
        parse_filter(matching)
