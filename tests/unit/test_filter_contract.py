import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from memos.events.conditions import MomentRange, NumberRange
from memos.events.deletions import DeleteMemories
from memos.events.filters import MOST_CONDITIONS, MOST_DEEP, MemoryFilter
from memos.events.memories import QueryMemory
from memos.events.problems import faults_of
from memos.handlers.digests import digest_of

MAY = datetime(2026, 5, 1, tzinfo=UTC)
NOON = "2026-05-01T12:00:00Z"


def faults(wanted: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as refusal:
        QueryMemory(query="x", filter=wanted)
    return dict(faults_of(refusal.value))


def nested(depth: int, name: str = "not") -> dict[str, Any]:
    """A filter with as many others within one another."""
    wanted: dict[str, Any] = {"kind": "a"}
    for _ in range(depth):
        wanted = {name: wanted if name == "not" else [wanted]}
    return wanted


BAD: list[tuple[dict[str, Any], str]] = [
    ({"tagz": ["a"]}, "filter.tagz"),
    ({"or": [{"kind": "a"}, {"tagz": ["a"]}]}, "filter.or.1.tagz"),
    ({"and": [{"not": {"or": [{"kind": "A"}]}}]}, "filter.and.0.not.or.0.kind"),
    ({"kind": ["a", "Big"]}, "filter.kind.1"),
    ({"kind": []}, "filter.kind"),
    ({"agent_id": ["ada", "\n"]}, "filter.agent_id.1"),
    ({"source": ["a.py", "b\x00"]}, "filter.source.1"),
    ({"session_id": 5}, "filter.session_id"),
    ({"visibility": ["private"]}, "filter.visibility"),
    ({"tags_any": []}, "filter.tags_any"),
    ({"tags": "a"}, "filter.tags"),
    ({"or": []}, "filter.or"),
    ({"or": {"kind": "a"}}, "filter.or"),
    ({"or": [{"kind": "a"}, {}]}, "filter.or.1"),
    ({"and": [{"tags": []}]}, "filter.and.0"),
    ({"not": {}}, "filter.not"),
    ({"not": [{"kind": "a"}]}, "filter.not"),
    ({"or": ["a"]}, "filter.or.0"),
    ({"or": [{"kind": "a"}], "or_": [{"kind": "b"}]}, "filter.or_"),
    ({"importance": 0.5}, "filter.importance"),
    ({"importance": {}}, "filter.importance"),
    ({"importance": {"gte": 2}}, "filter.importance.gte"),
    ({"importance": {"gte": True}}, "filter.importance.gte"),
    ({"importance": {"gt": 0.5, "lte": 0.5}}, "filter.importance"),
    ({"sequence": {"gte": "1"}}, "filter.sequence.gte"),
    ({"sequence": {"gte": 1.5}}, "filter.sequence.gte"),
    ({"sequence": {"lt": 10**100}}, "filter.sequence.lt"),
    ({"sequence": {"gte": 3, "lt": 3}}, "filter.sequence"),
    ({"sequence": {"from": 3}}, "filter.sequence.from"),
    ({"metadata": {"a": None}}, "filter.metadata.a"),
    ({"metadata": {"a": []}}, "filter.metadata.a"),
    ({"metadata": {"a": [1, [2]]}}, "filter.metadata.a.1"),
    ({"metadata": {"a": float("nan")}}, "filter.metadata.a"),
    ({"metadata": {"a": -(2**63) - 1}}, "filter.metadata.a"),
    ({"metadata": {"a": {}}}, "filter.metadata.a"),
    ({"metadata": {"a": {"b": 1}}}, "filter.metadata.a"),
    ({"metadata": {"a": {"gte": 10**400}}}, "filter.metadata.a.gte"),
    ({"metadata": {"a": {"lt": float("inf")}}}, "filter.metadata.a.lt"),
    ({"metadata": {"a": {"gte": "5"}}}, "filter.metadata.a.gte"),
    ({"metadata": {"a": {"gte": 1, "lt": NOON}}}, "filter.metadata.a.gte"),
    ({"metadata": {"a": {"gte": "2026-05-01T12:00:00"}}}, "filter.metadata.a.gte"),
    ({"metadata": {"a": {"gt": NOON, "lte": NOON}}}, "filter.metadata.a"),
    ({"occurred_after": NOON, "occurred_before": NOON}, "filter.occurred_before"),
    ({"not": {"created_after": NOON, "created_before": "2026-05-01T13:00:00+02:00"}}, "filter.not.created_before"),
]


@pytest.mark.parametrize(("wanted", "place"), BAD, ids=[str(wanted)[:60] for wanted, _ in BAD])
def test_what_is_wrong_with_a_filter_is_named_by_its_place(wanted: dict[str, Any], place: str) -> None:
    assert list(faults(wanted)) == [place]


A_TIME = "must be a time such as 2026-05-01T12:00:00Z"
A_RANGE = "must be a range with gt, gte, lt or lte, such as "


@pytest.mark.parametrize(
    ("wanted", "advice"),
    [
        ({"occurred_after": 1767225600}, A_TIME),
        ({"occurred_before": "1767225600"}, A_TIME),
        ({"created_after": "2026-01-01"}, A_TIME),
        ({"created_before": "yesterday"}, A_TIME),
        ({"importance": 0.8}, A_RANGE + '{"gte": 0.5}'),
        ({"sequence": [1, 2]}, A_RANGE + '{"gte": 1}'),
        ({"metadata": {"a": {"b": 1}}}, "only top-level values can be compared: with a value, or with a range of"),
        ({"metadata": {"a": {"gte": 1, "to": 3}}}, "only top-level values can be compared"),
    ],
)
def test_it_is_said_what_is_expected_instead(wanted: dict[str, Any], advice: str) -> None:
    [message] = faults(wanted).values()
    assert message.startswith(advice)


def test_an_unknown_condition_is_answered_with_those_that_there_are() -> None:
    [message] = faults({"or": [{"tagz": ["a"]}]}).values()
    named = message.removeprefix("is no condition; there are ").split(", ")

    assert set(named) == set(MemoryFilter.model_json_schema()["$defs"]["MemoryFilter"]["properties"])


@pytest.mark.parametrize("moment", [1767225600, "1767225600", "2026-01-01", "yesterday"])
def test_a_query_is_answered_as_of_a_time_that_is_written_out(moment: Any) -> None:
    with pytest.raises(ValidationError, match=A_TIME):
        QueryMemory(query="x", as_of=moment)


@pytest.mark.parametrize("name", ["and", "or", "not"])
def test_filters_may_be_nested_so_deep_and_no_deeper(name: str) -> None:
    QueryMemory(query="x", filter=nested(MOST_DEEP, name))

    [(place, message)] = faults(nested(MOST_DEEP + 1, name)).items()
    assert place.split(".").count(name) == MOST_DEEP + 1
    assert message == f"filters must not be nested more than {MOST_DEEP} deep"


def test_a_filter_of_ten_thousand_levels_is_refused_like_any_that_is_too_deep() -> None:
    assert list(faults(nested(10_000))) == ["filter" + ".not" * (MOST_DEEP + 1)]


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        (lambda number: {"source": ["a"] * number}, "filter"),
        (lambda number: {"metadata": {"a": list(range(number))}}, "filter"),
        (lambda number: {"metadata": {f"a{n}": n for n in range(number)}}, "filter"),
        (lambda number: {"kind": "a", "not": {"kind": ["a"] * (number - 1)}}, "filter.not"),
        (lambda number: {"or": [{"kind": "a"}] * number}, f"filter.or.{MOST_CONDITIONS}"),
        (lambda number: {"or": [{"kind": ["a", "b"]}] * ((number - 1) // 2) + [{"kind": "a"}]}, "filter.or.128"),
    ],
)
def test_a_filter_has_so_many_conditions_and_no_more(wanted: Any, place: str) -> None:
    QueryMemory(query="x", filter=wanted(MOST_CONDITIONS))

    assert list(faults(wanted(MOST_CONDITIONS + 1))) == [place]


def test_a_list_of_millions_is_refused_without_being_read() -> None:
    assert list(faults({"or": [0] * 5_000_000})) == ["filter.or.256"]


def test_a_filter_is_written_in_python_as_in_json() -> None:
    written = MemoryFilter(
        kind=["a", "b"],
        metadata={
            "n": NumberRange(gte=1),
            "at": MomentRange(lt=datetime(2026, 5, 1, tzinfo=UTC)),
            "x": [1, "a", True],
        },
        or_=[MemoryFilter(kind="a"), MemoryFilter(not_=MemoryFilter(tags=["x"]))],
        and_=[MemoryFilter(tags_any=["y"])],
    )

    assert json.loads(written.model_dump_json(exclude_unset=True)) == {
        "kind": ["a", "b"],
        "metadata": {"n": {"gte": 1.0}, "at": {"lt": "2026-05-01T00:00:00Z"}, "x": [1, "a", True]},
        "or": [{"kind": "a"}, {"not": {"tags": ["x"]}}],
        "and": [{"tags_any": ["y"]}],
    }
    assert MemoryFilter.model_validate_json(written.model_dump_json()) == written


@pytest.mark.parametrize("kept", [1, 1.0, True, "1", [1, 1.0, True, "1"]])
def test_values_of_metadata_keep_their_types(kept: Any) -> None:
    wanted = MemoryFilter.model_validate({"metadata": {"a": kept}})

    assert repr(wanted.metadata["a"]) == repr(kept)
    assert repr(MemoryFilter.model_validate_json(wanted.model_dump_json()).metadata["a"]) == repr(kept)


def test_no_condition_is_no_condition_however_it_is_written() -> None:
    written: list[dict[str, Any]] = [
        {},
        {"and": []},
        {"tags": [], "metadata": {}, "kind": None, "or": None, "not": None},
    ]
    for wanted in written:
        assert MemoryFilter.model_validate(wanted).asks_nothing
    assert not MemoryFilter(metadata={"a": False}).asks_nothing


def test_the_digest_of_a_command_stays_as_it_was_before_filters_were_combined() -> None:
    plain = {
        "kind": "note",
        "session_id": "s",
        "source": "a.py",
        "tags": ["x"],
        "visibility": "shared",
        "metadata": {"n": 1, "b": True, "s": "t"},
        "occurred_after": NOON,
    }
    digest = digest_of(DeleteMemories.model_validate({"agent_id": "ada", "filter": plain}))

    assert digest.hex() == "bf1b92d974d3d17b6bcf0e11013cd4210003045039985520a283b3c87895ec80"


NAMES = st.sampled_from([*MemoryFilter.model_fields, "and", "or", "not", "gte", "lt", "a"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=20,
)


@given(JSON)
def test_whatever_comes_as_a_filter_is_taken_or_refused(wanted: Any) -> None:
    with suppress(ValidationError):
        taken = MemoryFilter.model_validate(wanted)
        assert MemoryFilter.model_validate_json(taken.model_dump_json(exclude_unset=True)) == taken
