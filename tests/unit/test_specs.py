"""Tools as model providers want them, and back."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry

from memos.errors import Conflict, InvalidCommand, NotFound
from memos.records import HttpInvocation, Parameter, SpecFormat, ToolDefinition
from memos.schemas import faults_of_schema
from memos.specs import arguments_schema, call_name, definition_of, named_arguments, spec_of, tool_called

FORMS: tuple[SpecFormat, ...] = get_args(SpecFormat)
SCHEMA_OF = {
    "openai": lambda spec: spec["function"]["parameters"],
    "anthropic": lambda spec: spec["input_schema"],
    "mcp": lambda spec: spec["inputSchema"],
}

names = st.text(st.sampled_from("ab_.[]$ é/~%"), min_size=1, max_size=8)
texts = st.text(min_size=1, max_size=30).filter(str.strip)
leaves: st.SearchStrategy[Any] = st.sampled_from(
    [
        {"type": "string", "description": "a city"},
        {"type": ["integer", "null"], "minimum": 0},
        {"type": "array"},
        {"enum": ["a", None]},
        {"$ref": "#/$defs/Place"},
        {"$ref": "#"},
        {"$ref": "#/properties/a"},
        True,
    ]
)


def objects(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas of objects, combined and not."""
    properties = st.dictionaries(names, parts, max_size=3).map(lambda found: {"a": {"type": "string"}, **found})
    return st.fixed_dictionaries(
        {"type": st.just("object"), "properties": properties},
        optional={
            "description": texts,
            "required": st.just(["a"]),
            "additionalProperties": st.booleans(),
            "allOf": st.lists(parts, min_size=1, max_size=2),
            "oneOf": st.lists(parts, min_size=1, max_size=2),
            "anyOf": st.just([{"required": ["a"]}, {"$ref": "#/properties/a"}, {"$ref": "#/$defs/Place"}]),
            "not": st.just({"required": ["zzz"]}),
        },
    )


schemas = st.recursive(
    leaves, lambda parts: objects(parts) | st.builds(lambda one: {"type": "array", "items": one}, parts)
)
DEFS: dict[str, Any] = {"Place": {"type": "object", "properties": {"street": {"type": "string"}}}}
roots: st.SearchStrategy[dict[str, Any]] = (
    (objects(schemas) | schemas.filter(lambda one: isinstance(one, dict)))
    .map(lambda schema: schema | {"$defs": DEFS})
    .filter(lambda schema: not faults_of_schema(schema))
)
tools = st.builds(
    ToolDefinition,
    tool_id=st.text(st.sampled_from("aZ0_.:-"), min_size=1, max_size=255),
    name=texts,
    description=texts | st.just("long " * 999) | st.just("x" * 3000),
    request_schema=roots | st.none(),
    response_schema=roots | st.none(),
)


def tool(request: dict[str, Any] | None = None, **fields: Any) -> ToolDefinition:
    return ToolDefinition(
        **{"tool_id": "weather.now", "name": "Weather", "description": "It.", "request_schema": request, **fields}
    )


@settings(max_examples=50, deadline=None)
@given(tools, st.sampled_from(FORMS))
def test_a_tool_that_was_made_a_spec_is_the_same_tool_when_it_is_read(
    given: ToolDefinition, form: SpecFormat
) -> None:
    spec = json.loads(json.dumps(spec_of(given, form)))
    read = definition_of(spec, form)
    assert read.tool_id == (given.tool_id if form == "mcp" else call_name(given.tool_id))
    assert read.description == given.description
    assert arguments_schema(read) == arguments_schema(given)
    again = read.model_copy(update={"tool_id": given.tool_id})
    assert spec_of(again, form) == spec | ({"title": read.name} if form == "mcp" else {})
    if form == "mcp":
        assert (read.tool_id, read.name, read.response_schema) == (given.tool_id, given.name, given.response_schema)


@settings(max_examples=50, deadline=None)
@given(tools, st.sampled_from(FORMS))
def test_no_provider_refuses_a_spec(given: ToolDefinition, form: SpecFormat) -> None:
    spec = spec_of(given, form)
    schema = SCHEMA_OF[form](spec)
    Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert not schema.keys() & {"allOf", "anyOf", "oneOf", "not", "enum", "const", "$ref"}
    assert all(
        len(name) <= 64 and name.isascii() and "[" not in name and " " not in name for name in schema["properties"]
    )
    assert set(schema.get("required", ())) <= schema["properties"].keys()
    if form == "openai":
        assert 0 < len(spec["function"]["description"]) <= 1024
    if form == "mcp" and "outputSchema" in spec:
        assert spec["outputSchema"]["type"] == "object"


@settings(max_examples=50, deadline=None)
@given(tools, st.dictionaries(names, st.none() | st.integers() | st.text(max_size=2), max_size=3))
def test_what_fits_a_tool_fits_what_providers_are_offered(given: ToolDefinition, arguments: dict[str, Any]) -> None:
    schema = arguments_schema(given)
    if not fits(arguments, schema):
        return
    offered = SCHEMA_OF["openai"](spec_of(given, "openai"))
    renamed = {call_argument(name, offered): value for name, value in arguments.items()}
    assert fits(renamed, offered)
    assert named_arguments(schema, renamed) == arguments


def fits(value: Any, schema: Any) -> bool:
    try:
        return Draft202012Validator(schema, registry=Registry()).is_valid(value)
    except RecursionError:
        return False


def call_argument(name: str, offered: dict[str, Any]) -> str:
    from memos.specs.names import argument_name

    return argument_name(name) if argument_name(name) in offered["properties"] else name


@pytest.mark.parametrize("tool_id", ["web_search", "a-1", "x" * 64])
def test_an_id_that_providers_take_is_the_name_that_models_call(tool_id: str) -> None:
    assert call_name(tool_id) == tool_id


@pytest.mark.parametrize("tool_id", ["web.search", "web:search", "x" * 65, "x" * 66, "é", "web_0123abcd"])
def test_another_id_has_a_name_of_its_own(tool_id: str) -> None:
    name = call_name(tool_id)
    assert len(name) <= 64
    assert name.isascii()
    assert name != call_name(tool_id.replace(".", ":")) or "." not in tool_id
    assert name != tool_id


def test_nobody_takes_the_name_of_another_tool_by_an_id_like_it() -> None:
    found = [tool(tool_id="pay.invoice"), tool(tool_id=call_name("pay.invoice"))]
    assert tool_called(call_name("pay.invoice"), found) is found[0]
    assert tool_called(call_name(found[1].tool_id), found) is found[1]
    assert tool_called(call_name("pay.invoice"), [found[0], found[0]]) is found[0]


def test_a_name_that_two_tools_have_calls_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memos.specs.names.DIGITS", 0)
    with pytest.raises(
        Conflict, match=r"is that of several tools: weather\.now, weather:now\. Give the model only one"
    ):
        tool_called("weather_now_", [tool(tool_id="weather.now"), tool(tool_id="weather:now")])


def test_a_name_that_a_model_calls_is_its_tool() -> None:
    found = [tool(tool_id="weather.now"), tool(tool_id="weather:now")]
    assert tool_called(call_name("weather:now"), found) is found[1]


def test_a_name_that_a_model_makes_up_is_refused_with_those_there_are() -> None:
    with pytest.raises(NotFound, match=r"called 'forecast'.*are: weather_now_[0-9a-f]{8}\."):
        tool_called("forecast", [tool()])


def test_a_tool_without_arguments_takes_an_object_without_properties() -> None:
    assert arguments_schema(tool()) == {"type": "object", "properties": {}}


TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


@pytest.mark.parametrize(
    ("request_schema", "properties", "required"),
    [
        (None, {"city": TEXT, "day": TEXT}, ["city", "day"]),
        (
            {"type": "object", "properties": {"city": NUMBER}, "required": ["day"]},
            {"city": NUMBER, "day": TEXT},
            ["day"],
        ),
        ({"allOf": [{"properties": {"city": NUMBER, "day": {}}}]}, {}, []),
        ({"additionalProperties": NUMBER}, {"city": NUMBER, "day": NUMBER}, ["city", "day"]),
        (
            {"type": "array", "items": {}},
            {"body": {"type": "array", "items": {}}, "city": TEXT, "day": TEXT},
            ["body", "city", "day"],
        ),
    ],
)
def test_models_are_told_what_the_url_cannot_be_made_without(
    request_schema: dict[str, Any] | None, properties: dict[str, Any], required: list[str]
) -> None:
    placed = HttpInvocation(parameters=[Parameter(argument="day", place="path", name="d")])
    made = arguments_schema(
        tool(request_schema, endpoint_url="http://a.test/{city}/{d}?again={d}", invocation=placed)
    )
    assert (made["properties"], made.get("required", [])) == (properties, required)


def test_a_request_that_is_no_object_is_the_argument_body() -> None:
    request = {
        "type": "array",
        "items": {"$ref": "#/$defs/Row"},
        "$defs": {"Row": {"type": "array", "items": {"$ref": "#"}}},
    }
    assert arguments_schema(tool(request)) == {
        "type": "object",
        "properties": {"body": {"type": "array", "items": {"$ref": "#/$defs/Row"}}},
        "required": ["body"],
        "$defs": {"Row": {"type": "array", "items": {"$ref": "#/properties/body"}}},
    }


def test_a_request_that_is_referred_to_is_looked_up() -> None:
    request = {"$ref": "#/$defs/Node", "$defs": {"Node": {"properties": {"next": {"$ref": "#/$defs/Node"}}}}}
    assert arguments_schema(tool(request)) == {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/Node"}},
        "$defs": request["$defs"],
    }


def test_alternatives_at_the_top_are_offered_as_one_object_and_kept() -> None:
    request = {
        "type": "object",
        "oneOf": [
            {"properties": {"city": {"type": "string"}}, "required": ["city", "unit"]},
            {"properties": {"filter[id]": {"type": "integer"}}, "required": ["filter[id]", "unit"]},
        ],
        "properties": {"unit": {"type": "string"}},
    }
    offered = spec_of(tool(request), "anthropic")["input_schema"]
    assert offered["properties"] == {
        "city": {"type": "string"},
        "filter_id__665d001d": {"type": "integer"},
        "unit": {"type": "string"},
    }
    assert offered["required"] == ["unit"]
    assert offered["$defs"]["memos.arguments"]["oneOf"] == request["oneOf"]


def test_a_description_that_openai_refuses_is_whole_in_that_of_the_parameters() -> None:
    long = " ".join(["Tells the weather."] * 100)
    function = spec_of(tool(description=long), "openai")["function"]
    assert function["description"].endswith("Tells the…")
    assert function["parameters"]["description"] == long


def test_both_forms_of_openai_are_read() -> None:
    function = {"name": "now", "description": "Tells it.", "parameters": {"type": "object", "properties": {}}}
    nested = definition_of({"type": "function", "function": function}, "openai")
    assert definition_of({"type": "function", "strict": True, **function}, "openai") == nested
    assert (nested.tool_id, nested.description) == ("now", "Tells it.")


def test_a_tool_of_an_mcp_server_that_says_little_is_read() -> None:
    read = definition_of({"name": "now", "inputSchema": {"type": "object"}, "annotations": {"title": "Now"}}, "mcp")
    assert (read.tool_id, read.name, read.description) == ("now", "Now", "Now")


@pytest.mark.parametrize(
    ("spec", "form", "field"),
    [
        ({"type": "function", "function": {"description": "x"}}, "openai", "function.name"),
        ({"type": "function", "function": {"name": "x", "parameters": []}}, "openai", "function.parameters"),
        ({"type": "function", "function": "x"}, "openai", "function"),
        ({"name": "x", "description": 3}, "anthropic", "description"),
        ({"name": "x", "inputSchema": {}, "_meta": {"as.memos/tool_id": 3}}, "mcp", "_meta.as.memos/tool_id"),
        ({"name": "x", "inputSchema": {}, "outputSchema": "x"}, "mcp", "outputSchema"),
    ],
)
def test_a_spec_that_is_none_is_refused_where_it_is_wrong(spec: Any, form: SpecFormat, field: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        definition_of(spec, form)
    assert [fault.field for fault in refused.value.faults] == [field]
