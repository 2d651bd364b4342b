"""How operations of OpenAPI documents are called: their parameters, their bodies, their answers."""

from typing import Any

import pytest

from memos.client.tool_requests import request_of
from memos.errors import Fault
from memos.events.tools import RegisterTool
from memos.records import HttpInvocation
from memos.toolkits.imported import Imported
from memos.toolkits.openapi import tools_of

STRING = {"type": "string"}


def imported(path: str = "/it", *, method: str = "post", shared: Any = (), **operation: Any) -> Imported:
    said = {
        "openapi": "3.1.0",
        "info": {"title": "api"},
        "servers": [{"url": "https://api.example"}],
        "paths": {path: {"parameters": list(shared), method: {"operationId": "it", **operation}}},
        "components": {
            "schemas": {"City": {"type": "object", "properties": {"name": STRING}, "required": ["name"]}}
        },
    }
    return tools_of(said)


def tool_of(path: str = "/it", **operation: Any) -> RegisterTool:
    found = imported(path, **operation)
    assert (found.faults, found.notes) == ([], [])
    return found.tools[0]


def fault_of(path: str = "/it", **operation: Any) -> Fault:
    found = imported(path, **operation)
    assert found.tools == []
    return found.faults[0]


def schema_of(tool: RegisterTool) -> dict[str, Any]:
    assert tool.request_schema is not None
    return tool.request_schema


def how(tool: RegisterTool) -> HttpInvocation:
    assert isinstance(tool.invocation, HttpInvocation)
    return tool.invocation


def body(schema: Any, kind: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"content": {kind: {"schema": schema}}, **more}


def param(name: str, place: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": STRING, **more}


def test_parameters_become_arguments_of_their_places() -> None:
    given = [param("q", "query", required=True), param("X-Id", "header"), param("id", "path"), param("s", "cookie")]

    tool = tool_of("/it/{id}", method="get", parameters=given)

    assert [(one.argument, one.place) for one in how(tool).parameters] == [
        *(("id", "path"), ("q", "query"), ("X-Id", "header"), ("s", "cookie"))
    ]
    assert schema_of(tool)["required"] == ["id", "q"]
    assert schema_of(tool)["additionalProperties"] is False
    request = request_of(tool, {"id": "a/b", "q": "x y", "X-Id": "7", "s": "c"})
    assert (request.method, request.url) == ("GET", "https://api.example/it/a%2Fb?q=x%20y")


def test_a_parameter_of_an_operation_takes_the_place_of_that_of_its_path() -> None:
    shared = [param("q", "query", description="shared"), param("lang", "query")]

    tool = tool_of(method="get", shared=shared, parameters=[param("q", "query", description="own")])

    assert schema_of(tool)["properties"] == {"q": {**STRING, "description": "own"}, "lang": STRING}


def test_headers_that_whoever_calls_sets_are_no_arguments() -> None:
    names = ("Accept", "authorization", "Content-Type", "X-Tenant")

    tool = tool_of(parameters=[param(name, "header", required=True) for name in names])

    assert schema_of(tool)["properties"].keys() == {"X-Tenant"}


def test_arguments_of_one_name_are_told_apart_and_those_of_the_body_keep_theirs() -> None:
    places = [param("id", place) for place in ("path", "query", "header")]
    own = {"type": "object", "properties": {"id": {"type": "integer"}, "id_query": STRING}}

    tool = tool_of("/it/{id}", parameters=places, requestBody=body(own))

    assert {(one.argument, one.place, one.wire_name) for one in how(tool).parameters} == {
        *(("id_path", "path", "id"), ("id_query_2", "query", "id"), ("id_header", "header", "id"))
    }
    request = request_of(tool, {"id_path": "1", "id_query_2": "2", "id_header": "3", "id": 4})
    assert (request.url, request.content) == ("https://api.example/it/1?id=2", b'{"id":4}')
    assert ("id", "3") in request.headers


def test_a_placeholder_that_no_parameter_tells_of_is_an_argument_and_one_that_is_not_there_is_none() -> None:
    tool = tool_of("/{city}/{day}", method="get", parameters=[param("day", "path"), param("ghost", "path")])

    assert schema_of(tool)["properties"] == {"day": STRING, "city": STRING}
    assert schema_of(tool)["required"] == ["day", "city"]


def test_how_lists_and_objects_are_written_is_kept_where_it_is_not_the_usual_way() -> None:
    styles: list[dict[str, Any]] = [
        *({"style": "form"}, {"style": "form", "explode": True}, {"explode": False}),
        *({"style": "deepObject", "explode": True}, {"style": "pipeDelimited"}),
    ]
    given = [param(f"p{number}", "query", **style) for number, style in enumerate(styles)]
    as_json = {"name": "j", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}}

    tool = tool_of(method="get", parameters=[*given, as_json])

    assert [(one.style, one.explode) for one in how(tool).parameters] == [
        *((None, None), (None, None), (None, False), ("deepObject", True), ("pipeDelimited", None), ("json", None))
    ]


def test_a_description_and_an_example_beside_a_schema_are_part_of_it() -> None:
    tool = tool_of(method="get", parameters=[param("q", "query", description="What for.", example="rain")])

    assert schema_of(tool)["properties"]["q"] == {**STRING, "description": "What for.", "examples": ["rain"]}


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"in": "query"}, "must have a name"),
        ({"name": "q"}, "cannot be sent: it is in '', and not in path, query, header, cookie"),
        ({"name": "q", "in": "querystring"}, "cannot be sent: it is in 'querystring'"),
        ({"name": "q" * 241, "in": "query"}, "must have a name, of at most 240 characters"),
        ({"name": "id", "in": "path", "style": "matrix"}, "cannot be sent: the style matrix"),
        ({"$ref": "#/components/parameters/Gone"}, "which is not in the document"),
        ({"$ref": "common.yaml#/Limit"}, "refers to another document"),
        ("q", "must be an object"),
    ],
)
def test_a_parameter_that_cannot_be_sent_is_a_fault_at_its_path(parameter: Any, message: str) -> None:
    fault = fault_of("/it/{id}", parameters=[parameter])

    assert fault.field == "paths./it/{id}.post.parameters.0"
    assert message in fault.message


def test_properties_of_a_body_are_arguments_and_required_if_the_body_is() -> None:
    needed = tool_of(requestBody=body({"$ref": "#/components/schemas/City"}, required=True, description="A city."))
    free = tool_of(requestBody=body({"$ref": "#/components/schemas/City"}))

    assert schema_of(needed) == {
        "type": "object",
        "properties": {"name": STRING},
        "description": "A city.",
        "required": ["name"],
    }
    assert how(needed).body is None
    assert "required" not in schema_of(free)


def test_parts_of_a_body_are_taken_together_and_what_is_only_read_is_left_out() -> None:
    part = {
        "properties": {"id": {"type": "integer", "readOnly": True}, "name": {"maxLength": 9}},
        "required": ["id", "size"],
    }
    whole = {"allOf": [{"$ref": "#/components/schemas/City"}, part], "properties": {"size": STRING}}

    schema = schema_of(tool_of(requestBody=body(whole, required=True)))

    assert schema["properties"] == {"name": {"allOf": [STRING, {"maxLength": 9}]}, "size": STRING}
    assert schema["required"] == ["name", "size"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": STRING},
        {"type": "object"},
        {"type": "object", "additionalProperties": STRING},
        {"oneOf": [{"$ref": "#/components/schemas/City"}, STRING]},
        {"type": "object", "properties": {"a": STRING}, "patternProperties": {"^x": STRING}},
        {"allOf": [{"$ref": "#/components/schemas/City"}, {"oneOf": [{"required": ["a"]}]}]},
        {},
        True,
    ],
)
def test_a_body_that_is_no_plain_object_is_one_argument(schema: Any) -> None:
    tool = tool_of(requestBody=body(schema, required=True, description="It."), parameters=[param("body", "query")])

    assert how(tool).body == "body"
    assert schema_of(tool)["required"] == ["body"]
    assert schema_of(tool)["properties"]["body"]["description"] == "It."
    assert schema_of(tool)["properties"]["body_query"] == STRING


def test_what_a_body_says_of_other_properties_is_said_of_other_arguments() -> None:
    schema = {"type": "object", "properties": {"a": STRING}, "additionalProperties": {"type": "integer"}}

    assert schema_of(tool_of(requestBody=body(schema)))["additionalProperties"] == {"type": "integer"}


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "*/*"])
def test_a_body_of_anything_that_may_be_json_is_sent_as_json(kind: str) -> None:
    assert how(tool_of(requestBody=body(STRING, kind))).content_type == "application/json"


def test_a_form_is_sent_as_one_unless_json_is_taken_too() -> None:
    form = "application/x-www-form-urlencoded"
    fields = {"type": "object", "properties": {"a": STRING}}
    both = {"content": {form: {"schema": fields}, "application/json": {"schema": fields}}}

    assert how(tool_of(requestBody=body(fields, form))).content_type == form
    assert how(tool_of(requestBody=both)).content_type == "application/json"


@pytest.mark.parametrize(
    ("request_body", "message"),
    [
        (body(STRING, "multipart/form-data"), "it takes multipart/form-data, and only JSON and forms can be sent"),
        (body(STRING, "application/merge-patch+json"), "it takes application/merge-patch+json"),
        (body(STRING, "application/x-www-form-urlencoded"), "a form has to be an object"),
        ({"content": {}}, "it takes nothing that is named"),
        ({"content": []}, "must be an object"),
    ],
)
def test_a_body_that_cannot_be_sent_is_a_fault(request_body: Any, message: str) -> None:
    fault = fault_of(requestBody=request_body)

    assert fault.field.startswith("paths./it.post.requestBody")
    assert message in fault.message


def test_a_get_has_no_body() -> None:
    assert schema_of(tool_of(method="get", requestBody=body(STRING)))["properties"] == {}
    assert "a GET has no body" in fault_of(method="get", requestBody=body(STRING, required=True)).message


def test_an_answer_is_what_every_success_may_be() -> None:
    city, nothing = {"content": {"application/json": {"schema": STRING}}}, {"description": "later"}
    other = {"content": {"application/vnd.city+json": {"schema": {"type": "integer"}}}}
    plain = {"content": {"text/plain": {"schema": STRING}}}

    def answer(**responses: Any) -> Any:
        return tool_of(responses={status.strip("_"): said for status, said in responses.items()}).response_schema

    assert answer(_200=city, _404=other, default=other) == STRING
    assert answer(_200=city, _201=city) == STRING
    assert answer(_2XX=other, _202=nothing) == {"anyOf": [{"type": "null"}, {"type": "integer"}]}
    assert answer(_204=nothing) is None
    assert answer(_200=plain) is None
    assert answer(_200={"content": {"application/json": {}}}, _201=city) is None
    assert answer() is None
