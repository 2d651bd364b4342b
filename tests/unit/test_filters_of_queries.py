from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from memos.events.filters import MemoryFilter
from memos.handlers.memories.filters import filter_of
from memos.projection.points import newest
from memos.records.payloads import mark_of
from memos.stores.filters import parse_filter

SEEN = {
    "must": [{"key": "tenant", "match": {"value": "t"}}],
    "should": [
        {"key": "agent_id", "match": {"value": "ada"}},
        {"key": "visibility", "match": {"value": "shared"}},
    ],
}


def wanted(**fields: Any) -> MemoryFilter:
    return MemoryFilter.model_validate(fields)


def conditions(asked: MemoryFilter) -> list[Any]:
    """What a filter asks for beyond what the agent sees, checked to be one that every engine understands."""
    matching = filter_of("t", "ada", asked)
    assert parse_filter(matching).as_json() == matching
    assert matching["should"] == SEEN["should"]
    [tenant, *others] = matching["must"]
    assert [tenant] == SEEN["must"]
    return list(others)


def test_without_a_filter_an_agent_has_what_it_sees() -> None:
    assert filter_of("t", "ada", None) == SEEN


def test_an_empty_filter_asks_for_nothing_more() -> None:
    assert conditions(MemoryFilter()) == []


@pytest.mark.parametrize("field", ["kind", "agent_id", "session_id", "source"])
def test_a_field_must_be_equal_or_be_one_of_several(field: str) -> None:
    assert conditions(wanted(**{field: "x"})) == [{"key": field, "match": {"value": "x"}}]
    assert conditions(wanted(**{field: ["x", "y"]})) == [{"key": field, "match": {"any": ["x", "y"]}}]


def test_every_tag_must_be_there_and_of_others_any() -> None:
    assert conditions(MemoryFilter(tags=["a", "b"], tags_any=["c", "d"])) == [
        {"key": "tags", "match": {"value": "a"}},
        {"key": "tags", "match": {"value": "b"}},
        {"key": "tags", "match": {"any": ["c", "d"]}},
    ]


def equality(name: str, *values: Any) -> tuple[list[str], list[Any]]:
    """The marks by which an index finds values of metadata, and how they are compared where there are none."""
    [condition] = conditions(wanted(metadata={name: list(values)}))
    [marked, unmarked] = condition["should"]
    assert marked["key"] == "marks"
    assert unmarked["must"][0] == {"is_empty": {"key": "marks"}}
    return marked["match"]["any"], unmarked["must"][1]["should"]


def test_metadata_of_every_type_must_be_equal_and_false_is_a_value() -> None:
    marks, compared = equality("topic-1", "sky", False)

    assert marks == [mark_of("topic-1", "sky"), mark_of("topic-1", False)]
    assert compared == [
        {"key": "metadata.topic-1", "match": {"value": "sky"}},
        {"key": "metadata.topic-1", "match": {"value": False}},
    ]
    assert conditions(wanted(metadata={"a": 1})) == conditions(wanted(metadata={"a": [1]}))


def test_numbers_are_equal_by_value_and_integers_that_floats_cannot_hold_exactly() -> None:
    assert equality("n", 2, 2.5, 2**53 + 1)[1] == [
        {"key": "metadata.n", "range": {"gte": 2.0, "lte": 2.0}},
        {"key": "metadata.n", "range": {"gte": 2.5, "lte": 2.5}},
        {"key": "metadata.n", "match": {"value": 2**53 + 1}},
    ]


def test_ranges_are_of_numbers_or_of_times_by_their_limits() -> None:
    ranges = {"n": {"gt": -1, "lte": 2.5}, "at": {"gte": "2026-05-01T14:00:00+02:00"}}

    assert conditions(wanted(metadata=ranges, importance={"gte": 0.5}, sequence={"gt": 3, "lt": 9})) == [
        {"key": "importance", "range": {"gte": 0.5}},
        {"key": "sequence", "range": {"gt": 3.0, "lt": 9.0}},
        {"key": "metadata.n", "range": {"gt": -1.0, "lte": 2.5}},
        {"key": "metadata.at", "range": {"gte": "2026-05-01T14:00:00+02:00"}},
    ]


@pytest.mark.parametrize("name", ["occurred", "created"])
def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(name: str) -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    east = noon.astimezone(timezone(timedelta(hours=2))) - timedelta(hours=1)

    assert conditions(wanted(**{f"{name}_after": east, f"{name}_before": noon})) == [
        {"key": f"{name}_at", "range": {"gte": "2026-05-01T13:00:00+02:00", "lt": "2026-05-01T12:00:00+00:00"}}
    ]
    assert conditions(wanted(**{f"{name}_after": noon})) == [
        {"key": f"{name}_at", "range": {"gte": "2026-05-01T12:00:00+00:00"}}
    ]


def test_filters_are_combined_by_and_or_and_not() -> None:
    a, b, c, d = ({"key": "kind", "match": {"value": kind}} for kind in "abcd")
    tagged = {"key": "tags", "match": {"value": "x"}}

    assert conditions(
        MemoryFilter(
            kind="a",
            and_=[MemoryFilter(kind="b"), MemoryFilter(not_=MemoryFilter(kind="c", tags=["x"]))],
            or_=[MemoryFilter(kind="d"), MemoryFilter(or_=[MemoryFilter(kind="a"), MemoryFilter(kind="b")])],
        )
    ) == [a, b, {"must_not": [{"must": [tagged, c]}]}, {"should": [d, {"should": [a, b]}]}]


def test_superseded_memories_can_be_left_out_of_any_filter() -> None:
    superseded = {"key": "superseded", "match": {"value": True}}

    assert newest(SEEN) == {**SEEN, "must_not": [superseded]}
    assert newest({"must_not": [SEEN]}) == {"must_not": [SEEN, superseded]}


@pytest.mark.parametrize("name", ["a.b", "", "a b", 'a"', "a[]", "x" * 129, "é", "a\n"])
def test_a_metadata_name_that_would_be_a_path_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        MemoryFilter(metadata={name: 1})


@pytest.mark.parametrize("field", ["tenant", "must", "memory_id", "superseded"])
def test_a_filter_cannot_name_what_it_does_not_know(field: str) -> None:
    with pytest.raises(ValidationError):
        MemoryFilter.model_validate({field: "x"})
