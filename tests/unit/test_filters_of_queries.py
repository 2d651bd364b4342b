from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from memos.events.memories import MemoryFilter
from memos.handlers.filters import filter_of
from memos.stores.filters import parse_filter

SEEN = {
    "must": [{"key": "tenant", "match": {"value": "t"}}],
    "should": [
        {"key": "agent_id", "match": {"value": "ada"}},
        {"key": "visibility", "match": {"value": "shared"}},
    ],
}


def conditions(wanted: MemoryFilter) -> list[Any]:
    """What a filter asks for beyond what the agent sees, checked to be one that every engine understands."""
    matching = filter_of("t", "ada", wanted)
    assert parse_filter(matching).as_json() == matching
    assert matching["should"] == SEEN["should"]
    [tenant, *others] = matching["must"]
    assert [tenant] == SEEN["must"]
    return list(others)


def test_without_a_filter_an_agent_has_what_it_sees() -> None:
    assert filter_of("t", "ada", None) == SEEN


def test_an_empty_filter_asks_for_nothing_more() -> None:
    assert conditions(MemoryFilter()) == []


@pytest.mark.parametrize("field", ["kind", "session_id", "source"])
def test_a_field_must_be_equal(field: str) -> None:
    assert conditions(MemoryFilter.model_validate({field: "x"})) == [{"key": field, "match": {"value": "x"}}]


def test_every_tag_must_be_there() -> None:
    assert conditions(MemoryFilter(tags=["a", "b"])) == [
        {"key": "tags", "match": {"value": "a"}},
        {"key": "tags", "match": {"value": "b"}},
    ]


def test_metadata_of_every_type_must_be_equal_and_false_is_a_value() -> None:
    wanted = MemoryFilter(metadata={"topic-1": "sky", "n_2": 0, "done": False})

    assert conditions(wanted) == [
        {"key": "metadata.topic-1", "match": {"value": "sky"}},
        {"key": "metadata.n_2", "match": {"value": 0}},
        {"key": "metadata.done", "match": {"value": False}},
    ]


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    east = noon.astimezone(timezone(timedelta(hours=2)))

    assert conditions(MemoryFilter(occurred_after=east, occurred_before=noon)) == [
        {"key": "occurred_at", "range": {"gte": "2026-05-01T14:00:00+02:00", "lt": "2026-05-01T12:00:00+00:00"}}
    ]
    assert conditions(MemoryFilter(occurred_after=noon)) == [
        {"key": "occurred_at", "range": {"gte": "2026-05-01T12:00:00+00:00"}}
    ]


@pytest.mark.parametrize("name", ["a.b", "", "a b", 'a"', "a[]", "x" * 129, "é", "a\n"])
def test_a_metadata_name_that_would_be_a_path_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        MemoryFilter(metadata={name: 1})


@pytest.mark.parametrize("field", ["tenant", "agent_id", "must", "memory_id"])
def test_a_filter_cannot_name_what_it_does_not_know(field: str) -> None:
    with pytest.raises(ValidationError):
        MemoryFilter.model_validate({field: "x"})
