"""Whether a value fits a schema, and where it does not."""

import socket
from typing import Any

import pytest

from memos.schemas import faults_of_value

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 2, "pattern": "^[A-Z]"},
        "days": {"type": "integer", "minimum": 1, "exclusiveMaximum": 8, "nullable": True},
        "units": {"enum": ["metric", "imperial"]},
        "spots": {"type": "array", "items": {"type": "number"}, "maxItems": 2, "uniqueItems": True},
        "when": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
        "map": {
            "oneOf": [
                {"type": "object", "properties": {"kind": {"const": "tile"}, "zoom": {"type": "integer"}}},
                {"type": "object", "properties": {"kind": {"const": "svg"}}, "required": ["kind", "width"]},
            ]
        },
        "never": False,
    },
    "required": ["city"],
    "additionalProperties": False,
}
TREE = {
    "$ref": "#/$defs/node",
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "maxProperties": 1}},
}


def faults(value: Any, schema: dict[str, Any] = CITY) -> dict[str, str]:
    return {".".join(map(str, path)): message for path, message in faults_of_value(value, schema)}


def nested(depth: int, leaf: Any) -> Any:
    value = leaf
    for _ in range(depth):
        value = {"next": value}
    return value


@pytest.mark.parametrize(
    "value",
    [
        {"city": "Rome"},
        {"city": "Rome", "days": None, "units": "metric", "spots": [1, 2.5], "when": "now"},
        {"city": "Rome", "map": {"kind": "svg", "width": 3}},
    ],
)
def test_a_value_that_fits_has_no_faults(value: Any) -> None:
    assert faults(value) == {}


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        ([], "", "must be an object, not a list"),
        ({}, "city", "is required"),
        ({"city": 3}, "city", "must be a string, not 3"),
        ({"city": "R"}, "city", 'must have at least 2 characters, not "R"'),
        ({"city": "rome"}, "city", 'must match the pattern "^[A-Z]", not "rome"'),
        ({"city": "Rome", "town": 1}, "town", "is not known; there are city, days, units, spots, when, map, never"),
        ({"city": "Rome", "days": 0}, "days", "must be at least 1, not 0"),
        ({"city": "Rome", "days": 8}, "days", "must be less than 8, not 8"),
        ({"city": "Rome", "days": "2"}, "days", 'must be a whole number or null, not "2"'),
        ({"city": "Rome", "units": "si"}, "units", 'must be one of "metric", "imperial", not "si"'),
        ({"city": "Rome", "spots": [1, "x"]}, "spots.1", 'must be a number, not "x"'),
        ({"city": "Rome", "spots": [1, 1]}, "spots", "must not have an item twice"),
        ({"city": "Rome", "spots": [1, 2, 3]}, "spots", "must have at most 2 items, not a list"),
        ({"city": "Rome", "when": []}, "when", "must be a whole number or a string or null, not a list"),
        ({"city": "Rome", "map": {"kind": "tile", "zoom": "x"}}, "map.zoom", 'must be a whole number, not "x"'),
        ({"city": "Rome", "map": {"kind": "svg"}}, "map.width", "is required"),
        ({"city": "Rome", "never": 1}, "never", "must not be given"),
    ],
)
def test_a_fault_is_named_plainly_by_its_path(value: Any, path: str, message: str) -> None:
    assert faults(value) == {path: message}


def test_what_sets_alternatives_apart_is_named() -> None:
    alternatives = [{"properties": {"kind": {"const": "tile"}}}, {"properties": {"kind": {"enum": ["svg", "png"]}}}]
    found = faults({"kind": "gif"}, {"anyOf": alternatives})
    assert found == {"kind": 'must be one of "tile", "svg", "png", not "gif"'}


def test_what_would_be_wrong_with_each_alternative_is_named_when_none_stands_out() -> None:
    found = faults({}, {"anyOf": [{"required": ["city"]}, {"required": ["place"]}]})
    assert found == {"": "fits none of the alternatives: city: is required; place: is required"}


def test_a_value_that_lacks_thousands_of_things_is_refused_at_once() -> None:
    names = [str(number) for number in range(5000)]
    assert len(faults_of_value({}, {"required": names})) == 20


def test_a_value_that_fits_two_of_which_it_must_fit_one_is_told_so() -> None:
    found = faults(3, {"oneOf": [{"type": "integer"}, {"type": "number"}]})
    assert found == {"": "fits several of the alternatives, of which it must fit one"}


def test_every_fault_is_named_once_and_no_more_than_anyone_reads() -> None:
    assert list(faults({"days": 0, "units": 1})) == ["days", "units", "city"]
    assert len(faults_of_value([""] * 100, {"items": {"type": "number"}})) == 20


def test_a_value_in_a_recursive_schema_is_checked_all_the_way_down() -> None:
    found = faults(nested(60, {"next": {}, "more": 1}), TREE)
    assert found == {".".join(["next"] * 60): "must have at most 1 properties, not an object"}


@pytest.mark.parametrize("schema", [TREE, {}])
def test_a_value_that_is_nested_too_deeply_is_a_fault(schema: dict[str, Any]) -> None:
    assert faults(nested(10_000, {}), schema) == {"": "must not be nested more than 100 deep"}


def test_nothing_is_fetched_for_a_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(socket, "create_connection", lambda *given, **_: asked.append(given))
    found = faults(3, {"$ref": "http://127.0.0.1:9/schema.json"})
    assert asked == []
    assert found == {
        "": "cannot be checked: the schema refers to 'http://127.0.0.1:9/schema.json', which is not in it"
    }


def test_older_dialects_mean_what_they_meant() -> None:
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1, "exclusiveMinimum": True}
    assert faults(1, schema) == {"": "must be more than 1, not 1"}
    tuples = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}
    assert faults([1, 2], tuples) == {"0": "must be a string, not 1"}
