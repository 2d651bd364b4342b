"""Schemas of OpenAPI documents: taken out of them with all they refer to, and without what is at fault."""

from typing import Any

import pytest

from memos.schemas import faults_of_schema, faults_of_value
from memos.toolkits.imported import Imported
from memos.toolkits.openapi import tools_of

STRING = {"type": "string"}


def imported(request: Any, response: Any = None, **schemas: Any) -> Imported:
    answer = {} if response is None else {"content": {"application/json": {"schema": response}}}
    said = {
        "openapi": "3.0.3",
        "info": {"title": "api"},
        "servers": [{"url": "https://api.example"}],
        "paths": {
            "/it": {
                "post": {
                    "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
                    "responses": {"200": answer},
                }
            }
        },
        "components": {"schemas": schemas},
    }
    return tools_of(said)


def schema_of(request: Any, **schemas: Any) -> dict[str, Any]:
    found = imported(request, **schemas)
    assert (found.faults, found.notes) == ([], [])
    schema = found.tools[0].request_schema
    assert schema is not None
    return schema


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def test_only_what_a_schema_refers_to_comes_with_it_and_recursion_is_kept() -> None:
    tree = {
        "type": "object",
        "properties": {"leaf": ref("Leaf"), "branches": {"type": "array", "items": ref("Tree")}},
    }

    schema = schema_of(ref("Tree"), Tree=tree, Leaf=STRING, Other=STRING)

    assert schema["$defs"].keys() == {"Tree", "Leaf"}
    assert schema["$defs"]["Tree"]["properties"]["branches"]["items"] == {"$ref": "#/$defs/Tree"}
    assert not faults_of_value({"leaf": "a", "branches": [{"leaf": "b"}]}, schema)
    assert faults_of_value({"branches": [{"leaf": 5}]}, schema)


def test_references_to_any_place_of_the_document_are_followed() -> None:
    odd = {"type": "object", "properties": {"a/b~c": STRING, "d e": {"type": "integer"}}}
    properties = {
        "x": {"$ref": "#/components/schemas/Odd/properties/a~1b~0c"},
        "y": {"$ref": "#/components/schemas/Odd/properties/d%20e"},
        "z": {"$ref": "#/paths/~1it/post/responses/200/content/application~1json/schema"},
    }

    found = imported({"type": "object", "properties": properties}, {"type": "boolean"}, Odd=odd)

    (tool,) = found.tools
    assert not faults_of_value({"x": "a", "y": 1, "z": True}, tool.request_schema or {})
    assert len(faults_of_value({"x": 1, "y": "a", "z": 0}, tool.request_schema or {})) == 3


def test_two_schemas_of_one_name_stay_two() -> None:
    schemas = {"A": {"properties": {"id": STRING}}, "B": {"properties": {"id": {"type": "integer"}}}}
    properties = {name: {"$ref": f"#/components/schemas/{name}/properties/id"} for name in schemas}

    schema = schema_of({"type": "object", "properties": properties}, **schemas)

    assert schema["$defs"] == {"id": STRING, "id_2": {"type": "integer"}}


def test_properties_may_be_called_like_keywords_and_data_is_left_alone() -> None:
    value = {"$ref": "#/nowhere"}
    properties = {"$ref": STRING, "default": ref("City"), "properties": {"type": "object", "default": value}}

    schema = schema_of({"type": "object", "properties": properties}, City=STRING)

    assert schema["properties"]["$ref"] == STRING
    assert schema["properties"]["default"] == {"$ref": "#/$defs/City"}
    assert schema["properties"]["properties"]["default"] == value


def test_keywords_of_openapi_3_0_are_said_in_json_schema() -> None:
    properties = {
        "a": {"type": "string", "nullable": True, "example": "x", "x-internal": 1, "xml": {"name": "A"}},
        "b": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
        "c": {"oneOf": [ref("Cat")], "discriminator": {"propertyName": "k", "mapping": {"cat": "#/gone"}}},
    }

    schema = schema_of({"type": "object", "properties": properties}, Cat=STRING)

    assert schema["properties"] == {
        "a": {"type": ["string", "null"], "examples": ["x"]},
        "b": {"type": "number", "exclusiveMinimum": 0},
        "c": {"oneOf": [{"$ref": "#/$defs/Cat"}]},
    }


def test_what_travels_one_way_only_is_not_required_the_other_way() -> None:
    item = {
        "type": "object",
        "required": ["id", "pin", "name"],
        "properties": {"id": {**STRING, "readOnly": True}, "pin": {**STRING, "writeOnly": True}, "name": STRING},
    }

    (tool,) = imported({"type": "array", "items": ref("Item")}, ref("Item"), Item=item).tools

    assert not faults_of_value({"body": [{"pin": "1", "name": "n"}]}, tool.request_schema or {})
    assert not faults_of_value({"id": "7", "name": "n"}, tool.response_schema or {})


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("#/components/schemas/Gone", "which is not in the document"),
        ("other.json#/City", "refers to another document, 'other.json#/City'"),
        ("https://example.org/city.json", "refers to another document"),
        ("#/components/schemas/A", "refers to itself"),
        ("#gone", "which is not in the document"),
    ],
)
def test_a_reference_that_leads_nowhere_is_a_fault_of_a_request_and_noted_of_an_answer(
    reference: str, message: str
) -> None:
    circle = {"A": ref("B"), "B": ref("A")}
    properties = {"type": "object", "properties": {"x": {"items": {"$ref": reference}}}}

    asked = imported(properties, **circle)
    answered = imported(STRING, {"allOf": [{"$ref": reference}]}, **circle)

    assert asked.tools == []
    assert asked.faults[0].field.startswith("paths./it.post")
    assert message in asked.faults[0].message
    assert answered.tools[0].response_schema is None
    assert message in answered.notes[0].message
    assert answered.notes[0].message.startswith("imported without its response schema: ")


def test_a_part_that_is_made_of_itself_makes_no_tool() -> None:
    found = imported(ref("A"), A={"allOf": [ref("A")]})

    assert found.tools == []
    assert "leads back to itself" in found.faults[0].message


def test_keywords_that_are_at_fault_are_left_out_and_noted() -> None:
    properties = {
        "a": {"type": "string", "required": True, "pattern": "^[a-z"},
        "b": {"type": "file", "maxLength": "9"},
        "c": ref("Odd"),
    }

    found = imported({"type": "object", "properties": properties}, {"enum": 5}, Odd={"properties": []})

    (tool,) = found.tools
    assert (tool.request_schema or {})["properties"] == {"a": STRING, "b": {}, "c": {"$ref": "#/$defs/Odd"}}
    assert (tool.request_schema or {})["$defs"] == {"Odd": {}}
    assert tool.response_schema == {}
    assert {note.message.split(":")[0].removeprefix("imported without ") for note in found.notes} == {
        "request_schema.properties.a.required",
        "request_schema.properties.a.pattern",
        "request_schema.properties.b.type",
        "request_schema.properties.b.maxLength",
        "request_schema.$defs.Odd.properties",
        "response_schema.enum",
    }
    assert {note.field for note in found.notes} == {"paths./it.post"}


def test_an_answer_that_is_larger_than_a_tool_may_say_is_left_out_and_a_request_refused() -> None:
    large = {
        f"S{number}": {"type": "object", "description": "d" * 10_000, "properties": {}} for number in range(40)
    }
    together = {"type": "object", "properties": {name: ref(name) for name in large}}

    answered = imported(STRING, together, **large)
    asked = imported(together, **large)

    assert answered.tools[0].response_schema is None
    assert "larger than 262,144 bytes" in answered.notes[0].message
    assert asked.tools == []
    assert "larger than 262,144 bytes" in asked.faults[0].message


def test_a_chain_of_references_may_be_long() -> None:
    chain = {f"S{number}": {"properties": {"next": ref(f"S{number + 1}")}} for number in range(2000)}

    schema = schema_of({"type": "object", "properties": {"first": ref("S0")}}, **chain, S2000=STRING)

    assert len(schema["$defs"]) == 2001
    assert not faults_of_schema(schema)


def test_parts_that_are_named_again_and_again_are_read_once() -> None:
    levels = {f"S{level}": {"allOf": [ref(f"S{level + 1}")] * 12} for level in range(8)}
    leaf = {"type": "object", "properties": {"x": STRING}}
    assert schema_of(ref("S0"), **levels, S8=leaf)["properties"].keys() == {"x"}
