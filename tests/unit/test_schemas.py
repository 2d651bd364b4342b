"""What is a JSON Schema, and where one is wrong."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from memos.events.schemas import JsonSchema
from memos.schemas import faults_of_schema, json_schema_of

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1, "pattern": "^[A-Z]"},
        "days": {"type": ["integer", "null"], "minimum": 1, "exclusiveMaximum": 8, "default": 3},
        "units": {"enum": ["metric", "imperial"]},
        "spots": {"type": "array", "items": {"$ref": "#/$defs/Spot"}, "prefixItems": [True], "uniqueItems": True},
    },
    "required": ["city"],
    "additionalProperties": False,
    "dependentRequired": {"days": ["units"]},
    "$defs": {
        "Spot": {"$anchor": "spot", "anyOf": [{"type": "number"}, {"properties": {"in": {"$ref": "#spot"}}}]}
    },
}


def faults(schema: dict[str, Any]) -> dict[str, str]:
    return {".".join(map(str, path)): message for path, message in faults_of_schema(schema)}


def test_a_sound_schema_has_no_faults() -> None:
    assert faults(CITY) == {}


@pytest.mark.parametrize(
    ("part", "path", "message"),
    [
        (
            {"type": "strnig"},
            "type",
            '"strnig" is no type; use string, number, integer, boolean, object, array or null',
        ),
        ({"type": ["string", "text"]}, "type.1", '"text" is no type; use string,'),
        ({"type": ["string", "string"]}, "type.1", '"string" is named twice'),
        ({"type": []}, "type", "must name a type"),
        ({"required": True}, "required", "must be a list of names, not true"),
        ({"required": ["a", "a"]}, "required.1", '"a" is named twice'),
        ({"properties": ["a"]}, "properties", "must be an object of schemas by name, not a list"),
        ({"items": "string"}, "items", 'must be a schema: an object, true or false, not "string"'),
        ({"items": [{"type": "string"}]}, "items", "must be a schema; a list of schemas is called prefixItems"),
        ({"anyOf": []}, "anyOf", "must be a list of schemas, not a list"),
        ({"anyOf": [{"type": "string"}, 3]}, "anyOf.1", "must be a schema: an object, true or false, not 3"),
        ({"minLength": -1}, "minLength", "must be a number of things, 0 or more, not -1"),
        ({"minLength": 1.5}, "minLength", "must be a number of things, 0 or more, not 1.5"),
        ({"maximum": "9"}, "maximum", 'must be a number, not "9"'),
        ({"multipleOf": 0}, "multipleOf", "must be a number above 0, not 0"),
        ({"enum": "metric"}, "enum", 'must be a list of values, not "metric"'),
        ({"description": 3}, "description", "must be a text, not 3"),
        ({"nullable": "yes"}, "nullable", 'must be true or false, not "yes"'),
        ({"pattern": "["}, "pattern", '"[" is no regular expression: unclosed character class'),
        ({"pattern": "a{2,1}"}, "pattern", '"a{2,1}" is no regular expression: '),
        ({"pattern": "(" * 2000}, "pattern", "is no regular expression: "),
        ({"pattern": "a" * 2001}, "pattern", "must have at most 2000 characters"),
        ({"patternProperties": {"(": {}}}, "patternProperties.(", '"(" is no regular expression: '),
        ({"dependentRequired": {"a": "b"}}, "dependentRequired.a", 'must be a list of names, not "b"'),
        ({"dependencies": {"a": ["b", 3]}}, "dependencies.a.1", "must be a name, not 3"),
        ({"$anchor": "#x"}, "$anchor", "must be a name of letters"),
        ({"discriminator": "kind"}, "discriminator", 'must be an object, not "kind"'),
        (
            {"$ref": "https://example.com/city.json"},
            "$ref",
            '"https://example.com/city.json" is outside of the schema',
        ),
        ({"$ref": "city.json#/a"}, "$ref", '"city.json#/a" is outside of the schema'),
        ({"$ref": "#/$defs/Town"}, "$ref", '"#/$defs/Town" leads nowhere'),
        ({"$ref": "#town"}, "$ref", '"#town" leads nowhere'),
        ({"$ref": "#/$defs"}, "$ref", None),
        ({"$ref": "#/required"}, "$ref", '"#/required" leads to what is no schema'),
        ({"$ref": 3}, "$ref", "must be a text, not 3"),
    ],
)
def test_a_fault_is_named_plainly_by_its_path(part: dict[str, Any], path: str, message: str | None) -> None:
    schema = deepcopy(CITY)
    schema["properties"]["new"] = part
    found = faults(schema)
    if message is None:
        assert found == {}
    else:
        assert list(found) == [f"properties.new.{path}"]
        assert message in found[f"properties.new.{path}"]


def test_a_schema_that_is_only_referred_to_is_checked_as_well() -> None:
    schema = {"properties": {"pet": {"$ref": "#/kinds/a~1b/0"}}, "kinds": {"a/b": [{"type": "cat"}]}}
    assert list(faults(schema)) == ["kinds.a/b.0.type"]


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"$ref": "#"}, "$ref"),
        ({"allOf": [{"$ref": "#"}]}, "allOf.0.$ref"),
        ({"$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"if": {"$ref": "#/$defs/a"}}}}, "$defs.a.not.$ref"),
    ],
)
def test_a_reference_that_would_be_followed_for_ever_is_refused(schema: dict[str, Any], path: str) -> None:
    assert list(faults(schema)) == [path]
    assert faults(schema)[path].endswith("leads back to itself without end")


def test_a_reference_that_goes_into_the_value_may_lead_back() -> None:
    assert faults({"properties": {"next": {"$ref": "#"}}, "items": {"anyOf": [{"$ref": "#"}]}}) == {}


def test_references_of_a_document_inside_begin_there() -> None:
    inner = {"$id": "https://example.com/inner", "$ref": "#/$defs/x", "$defs": {"x": {}}}
    assert faults({"properties": {"in": inner}}) == {}
    assert list(faults({"properties": {"in": {**inner, "$defs": {}}}, "$defs": {"x": {}}})) == [
        "properties.in.$ref"
    ]


@pytest.mark.parametrize(
    "named",
    [
        "http://json-schema.org/draft-07/schema#",
        "http://json-schema.org/draft-04/schema#",
        "https://json-schema.org/draft/2020-12/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "https://spec.openapis.org/oas/3.1/dialect/base",
    ],
)
def test_known_dialects_are_read(named: str) -> None:
    assert faults({"$schema": named, "type": "object"}) == {}


@pytest.mark.parametrize("named", ["https://example.com/dialect", "draft-07", 7, None])
def test_an_unknown_dialect_is_refused_with_those_that_are_known(named: Any) -> None:
    found = faults({"$schema": named, "type": "strnig"})
    if named is None:
        assert list(found) == ["type"]
    else:
        assert list(found) == ["$schema"]
        assert "http://json-schema.org/draft-07/schema#" in found["$schema"]


def test_older_dialects_may_say_what_they_could() -> None:
    tuples = {"items": [{"type": "string"}], "additionalItems": False}
    assert faults({"$schema": "http://json-schema.org/draft-07/schema#", **tuples}) == {}
    bounds = {"minimum": 0, "exclusiveMinimum": True}
    assert faults(bounds) == {}
    assert list(faults({"$schema": "http://json-schema.org/draft-07/schema#", **bounds})) == ["exclusiveMinimum"]


def test_a_reference_that_no_longer_leads_there_in_json_schema_is_refused() -> None:
    schema = {"properties": {"a": {"nullable": True, "allOf": [{}]}, "b": {"$ref": "#/properties/a/allOf/0"}}}
    assert list(faults(schema)) == ["properties.b.$ref"]


def test_no_more_faults_are_named_than_anyone_reads() -> None:
    assert len(faults_of_schema({"properties": {str(number): {"type": "x"} for number in range(100)}})) == 20


def test_a_command_names_the_path_of_the_fault() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(JsonSchema).validate_python({"properties": {"a": {"type": "strnig"}}})
    assert refused.value.errors()[0]["loc"] == ("properties", "a", "type")


def test_many_references_are_checked_in_one_go() -> None:
    anchored = {"$anchor": "a", "properties": {str(number): {"$ref": "#a"} for number in range(5000)}}
    assert faults(anchored) == {}


values: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 2.5, "", "string", "null", "[", "#", "#/properties", [], ["a"], ["a", "a"], {}, {"a": {}}]
) | st.sampled_from([{"a": ["b"]}, [{}], {"a": 3}, "https://x.example/y", {"type": "object"}, [{"type": "strnig"}]])
keywords = st.sampled_from(
    sorted(
        {
            *CITY,
            "$comment",
            "$id",
            "allOf",
            "const",
            "contains",
            "else",
            "exclusiveMinimum",
            "format",
            "if",
            "items",
        }
        | {"maxItems", "minContains", "multipleOf", "not", "pattern", "patternProperties", "prefixItems", "title"}
        | {"propertyNames", "readOnly", "then", "unevaluatedProperties", "uniqueItems", "writeOnly", "examples"}
        | {"dependentSchemas", "contentEncoding", "oneOf", "minimum", "maxLength", "enum", "x-anything"}
    )
)


METASCHEMA = Draft202012Validator(Draft202012Validator.META_SCHEMA)
OF_OTHERS = ("exclusiveMinimum", "exclusiveMaximum", "$id")
"""What OpenAPI 3.0 and older drafts may say, and JSON Schema 2020-12 may not."""
OURS_ALONE = ("is no regular expression", "leads ", "is outside of the schema", "leads back")
"""What the metaschema has no words for."""


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(keywords, st.recursive(values, lambda one: st.dictionaries(keywords, one), max_leaves=6)))
def test_the_same_schemas_are_refused_as_by_jsonschema(schema: dict[str, Any]) -> None:
    theirs = {tuple(error.absolute_path) for error in METASCHEMA.iter_errors(schema)}
    ours = faults_of_schema(schema)
    if not theirs:
        assert all(any(words in fault.message for words in OURS_ALONE) for fault in ours)
    if any(path[-1] not in OF_OTHERS for path in theirs):
        assert ours


@pytest.mark.parametrize(
    ("openapi", "same"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        ({"type": "string", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"nullable": True}, {}),
        ({"$ref": "#/$defs/A", "nullable": True, "$defs": {"A": {}}}, None),
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}),
        ({"exclusiveMaximum": 3}, {"exclusiveMaximum": 3}),
        ({"example": "Rome", "xml": {}, "externalDocs": {}, "discriminator": {}}, {"examples": ["Rome"]}),
        (
            {"properties": {"example": {"nullable": True, "type": "null"}}},
            {"properties": {"example": {"type": ["null"]}}},
        ),
        ({"items": [{"id": "x"}], "additionalItems": False}, {"prefixItems": [{}], "items": False}),
        ({"dependencies": {"a": ["b"], "c": {"nullable": True}}}, None),
        ({"components": {"schemas": {"A": {"nullable": True, "type": "string"}}}}, None),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "$id": "#a"}, {"$anchor": "a"}),
        ({"$recursiveRef": "#", "$recursiveAnchor": True}, {"$ref": "#"}),
    ],
)
def test_what_is_older_is_said_in_json_schema(openapi: dict[str, Any], same: dict[str, Any] | None) -> None:
    translated = json_schema_of(openapi)
    if same is not None:
        assert translated == same
    assert json_schema_of(translated) == translated
    Draft202012Validator.check_schema(translated)
    assert "nullable" not in str(translated)
