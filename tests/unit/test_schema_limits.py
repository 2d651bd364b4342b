"""Schemas and values that would take without end to check, and those that only look so."""

import json
import time
from typing import Any

import pytest

from memos.schemas import faults_of_schema, faults_of_value
from memos.schemas.patterns import MOST_PATTERN_WORK, read, search_of


def faults(schema: dict[str, Any]) -> dict[str, str]:
    return {".".join(map(str, path)): message for path, message in faults_of_schema(schema)}


def doubled(levels: int) -> dict[str, Any]:
    """A schema of which each level refers to the next one twice."""
    names = {
        f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}, {"$ref": f"#/$defs/d{level + 1}"}]}
        for level in range(levels)
    }
    return {"$ref": "#/$defs/d0", "$defs": {**names, f"d{levels}": {"type": "string"}}}


@pytest.mark.parametrize(
    "pattern",
    [
        "^(?!a)b",
        "(?<=a)b",
        r"(a)\1",
        r"(?<n>a)\k<n>",
        "(a{1000}){1000}",
        "a{99999999999999}",
        "((a *){1000} ){1000}",
    ],
)
def test_a_pattern_that_is_not_found_in_linear_time_is_accepted_and_not_asserted(pattern: str) -> None:
    schema = {"pattern": pattern}
    assert faults(schema) == {}
    assert search_of(pattern) is None
    assert not faults_of_value("xyz", schema)


@pytest.mark.parametrize(
    ("pattern", "found", "not_found"),
    [
        (r"^\d+$", "12", "\u0661"),
        (r"^\w+$", "a_1", "é"),
        (r"^[\w-.]+$", "a-b.c", "a b"),
        ("^[[]a]$", "[a]", "a"),
        ("^[a&&b]$", "&", "c"),
        (r"\bcat\b", "the cat", "concat"),
        (r"^[\b]$", "\b", "b"),
        ("^/x/{id}$", "/x/{id}", "/x/1"),
        (r"^[\p{L} ]{1,60}$", "é a", "1"),
        ("^(a+)+$", "aaa", "a" * 40 + "!"),
        ("^a$", "a", "a\n"),
    ],
)
def test_patterns_mean_what_they_mean_in_ecma_262(pattern: str, found: str, not_found: str) -> None:
    assert not faults_of_value(found, {"pattern": pattern})
    assert faults_of_value(not_found, {"pattern": pattern})


def test_the_states_of_a_pattern_are_counted_as_often_as_they_are_repeated() -> None:
    assert read("(ab){3}").work > read("ab").work * 3
    assert read("a{2}{3}{100}").work == 600
    assert read("(a*){100}{100}").work > MOST_PATTERN_WORK / 2
    assert read("[a-z]{7}").work == 7


def test_patterns_of_a_schema_are_bounded_together() -> None:
    long = {"properties": {str(number): {"pattern": "a" * 1990 + str(number)} for number in range(10)}}
    assert list(faults(long)) == ["properties.8.pattern", "properties.9.pattern"]
    wide: dict[str, Any] = {"patternProperties": {f"{number}[!-\uffff]{{79}}": {} for number in range(4)}}
    assert list(faults(wide)) == ["patternProperties.3[!-\uffff]{79}"]


def test_references_that_unfold_without_measure_are_refused_and_others_are_not() -> None:
    refused = faults(json.loads(json.dumps(doubled(40))))
    assert next(iter(refused.values())).endswith("unfolds to more than 100,000 schemas")
    assert faults(doubled(12)) == {}
    assert not faults_of_value("a", doubled(12))


def test_a_dependency_that_leads_back_to_itself_is_refused() -> None:
    assert list(faults({"dependencies": {"a": {"$ref": "#"}}})) == ["dependencies.a.$ref"]


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"n": value}
    return value


TWICE = {"allOf": [{"properties": {"n": {"$ref": "#"}}}, {"properties": {"n": {"$ref": "#"}}}]}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (TWICE, deep(60)),
        ({"items": doubled(12)["$defs"]["d12"], "allOf": [{"items": {"enum": list(range(9_000))}}]}, [0] * 200_000),
        ({"pattern": "(a|b)*a(a|b){5000}c"}, "ab" * 200_000),
        ({"uniqueItems": True}, [[number, str(number), None] for number in range(30_000)]),
        (
            {"unevaluatedProperties": {}, "allOf": [{"additionalProperties": {}}]},
            dict.fromkeys(map(str, range(50_000))),
        ),
    ],
)
def test_a_large_value_is_checked_in_bounded_time(schema: dict[str, Any], value: Any) -> None:
    assert faults(schema) == {}
    began = time.process_time()
    faults_of_value(value, schema)
    assert time.process_time() - began < 5


def test_items_are_compared_as_json_has_it() -> None:
    unique = {"uniqueItems": True}
    assert not faults_of_value([1, True, "1", [1], [True], {"a": 1}, {"a": True}, None, False, 0], unique)
    assert faults_of_value([1, 1.0], unique)
    assert faults_of_value([{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}], unique)


def test_names_that_fit_a_pattern_are_known() -> None:
    schema = {"patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": False}
    found = {".".join(map(str, path)): message for path, message in faults_of_value({"x-a": 1, "y": 2}, schema)}
    assert found == {"x-a": "must be a string, not 1", "y": "is not known; there are none"}
    unasserted = {"patternProperties": {"^(?!y)": {}}, "additionalProperties": False}
    assert not faults_of_value({"y": 1}, unasserted)
