"""The HTTP request that calls a tool, made from arguments."""

from typing import Any

import pytest

from memos.client.calling import checked_arguments
from memos.client.tool_requests import ToolRequest, request_of
from memos.errors import InvalidCommand
from memos.records import HttpInvocation, McpInvocation, Parameter, ToolDefinition

URL = "https://tools.example/v1"
JSON = (("Content-Type", "application/json"),)
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


def tool(
    url: str = URL, request: dict[str, Any] | None = None, *parameters: Parameter, **invocation: Any
) -> ToolDefinition:
    return ToolDefinition(
        tool_id="weather",
        name="Weather",
        description="Tells the weather.",
        endpoint_url=url,
        request_schema=request,
        invocation=HttpInvocation(parameters=list(parameters), **invocation),
    )


def object_of(*names: str, **schemas: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {**{name: {} for name in names}, **schemas}}


def test_arguments_are_the_body() -> None:
    made = request_of(tool(request=object_of("city", "days")), {"city": "Århus", "days": None})
    assert made == ToolRequest("POST", URL, JSON, '{"city":"Århus","days":null}'.encode())


def test_a_tool_whose_arguments_may_all_be_left_out_is_sent_an_empty_object() -> None:
    assert request_of(tool(request=object_of("city")), {}).content == b"{}"


def test_a_tool_without_arguments_is_sent_no_body() -> None:
    assert request_of(tool(), {}) == ToolRequest("POST", URL)


def test_arguments_of_a_get_are_its_query() -> None:
    made = request_of(tool(request=object_of("q", "tags"), method="GET"), {"q": "a b&c", "tags": ["x", "y"]})
    assert made == ToolRequest("GET", f"{URL}?q=a%20b%26c&tags=x&tags=y")


def test_what_the_url_asks_already_is_kept() -> None:
    made = request_of(tool(f"{URL}?lang=1", object_of("q"), method="GET"), {"q": True})
    assert made.url == f"{URL}?lang=1&q=true"


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("a/b", "a%2Fb"),
        ("é?#&", "%C3%A9%3F%23%26"),
        (7, "7"),
        (True, "true"),
        ("...", "..."),
        (["a,b", "c"], "a%2Cb,c"),
    ],
)
def test_what_is_in_the_path_stays_in_its_place(value: Any, escaped: str) -> None:
    made = request_of(tool(URL + "/cities/{city}/now", object_of("city"), method="GET"), {"city": value})
    assert made == ToolRequest("GET", f"{URL}/cities/{escaped}/now")


@pytest.mark.parametrize("value", ["", ".", "..", []])
def test_what_would_lead_to_another_path_is_refused(value: Any) -> None:
    with pytest.raises(InvalidCommand, match=r"arguments\.city: must not be .*: it is part of the URL"):
        request_of(tool(URL + "/{city}", object_of("city")), {"city": value})


@pytest.mark.parametrize("given", [{}, {"town": None}])
def test_what_the_path_needs_is_required(given: dict[str, Any]) -> None:
    one = tool(URL + "/{city}", object_of("town"), Parameter(argument="town", place="path", name="city"))
    with pytest.raises(InvalidCommand) as refused:
        request_of(one, given)
    assert [fault.field for fault in refused.value.faults] == ["arguments.town"]


def test_a_default_is_sent_only_where_the_path_needs_it() -> None:
    request = object_of(city={"default": "Rome"}, days={"default": 3})
    one = tool(URL + "/{city}", request)
    assert request_of(one, checked_arguments(one, {})) == ToolRequest("POST", URL + "/Rome", JSON, b"{}")


PLACED = [
    (Parameter(argument="a", place="query", name="filter[a]"), [1, None, 2], "filter%5Ba%5D=1&filter%5Ba%5D=2"),
    (Parameter(argument="a", place="query", explode=False), ["x,y", "z"], "a=x%2Cy,z"),
    (Parameter(argument="a", place="query", style="spaceDelimited"), ["x", "z"], "a=x%20z"),
    (Parameter(argument="a", place="query", style="pipeDelimited"), ["x", "z"], "a=x%7Cz"),
    (Parameter(argument="a", place="query", style="pipeDelimited", explode=True), ["x", "z"], "a=x&a=z"),
    (Parameter(argument="a", place="query"), {"r": 1, "g": 2}, "r=1&g=2"),
    (Parameter(argument="a", place="query", explode=False), {"r": 1, "g": 2}, "a=r,1,g,2"),
    (
        Parameter(argument="a", place="query", style="deepObject"),
        {"r": {"x": [1, 2]}},
        "a%5Br%5D%5Bx%5D=1&a%5Br%5D%5Bx%5D=2",
    ),
    (Parameter(argument="a", place="query", style="json"), {"r": [1]}, "a=%7B%22r%22%3A%5B1%5D%7D"),
    (Parameter(argument="a", place="query"), [], ""),
]


@pytest.mark.parametrize(("parameter", "value", "query"), PLACED)
def test_a_query_is_written_as_openapi_has_it(parameter: Parameter, value: Any, query: str) -> None:
    made = request_of(tool(URL, object_of("a"), parameter, method="GET"), {"a": value})
    assert made.url == (f"{URL}?{query}" if query else URL)


@pytest.mark.parametrize(
    ("explode", "value", "written"),
    [(None, [3, 4], "3,4"), (None, {"r": 1, "g": 2}, "r,1,g,2"), (True, {"r": 1, "g": 2}, "r=1,g=2")],
)
def test_paths_and_headers_are_written_as_openapi_has_them(explode: bool | None, value: Any, written: str) -> None:
    places = [Parameter(argument=place, place=place, name="a", explode=explode) for place in ("path", "header")]
    given = {"path": value, "header": value}
    made = request_of(tool(URL + "/{a}", object_of("path", "header"), *places, method="DELETE"), given)
    assert made == ToolRequest("DELETE", f"{URL}/{written}", (("a", written),))


def test_headers_and_cookies_are_sent_as_what_they_are() -> None:
    parameters = [
        Parameter(argument="key", place="header", name="X-Key"),
        Parameter(argument="day", place="cookie"),
        Parameter(argument="night", place="cookie", name="n"),
        Parameter(argument="none", place="header"),
    ]
    given = {"key": " é ", "day": "a;b c", "night": 2, "none": None}
    made = request_of(tool(URL, object_of("key", "day", "night", "none"), *parameters), given)
    assert made == ToolRequest("POST", URL, (("X-Key", "é"), ("Cookie", "day=a%3Bb%20c; n=2")))


@pytest.mark.parametrize("value", ["a\r\nHost: evil", ["a", "b\n"], {"a\0": 1}])
def test_an_argument_cannot_add_a_header(value: Any) -> None:
    header = Parameter(argument="key", place="header")
    with pytest.raises(InvalidCommand, match=r"arguments\.key: must not contain control characters"):
        request_of(tool(URL, object_of("key"), header), {"key": value})


def test_one_argument_can_be_all_of_the_body() -> None:
    one = tool(URL + "/{id}", object_of("id", "rows"), body="rows")
    assert request_of(one, {"id": 1, "rows": [1, 2]}) == ToolRequest("POST", URL + "/1", JSON, b"[1,2]")
    assert request_of(one, {"id": 1}) == ToolRequest("POST", URL + "/1")


def test_a_request_that_is_no_object_is_sent_as_it_is() -> None:
    assert request_of(tool(request={"type": "array"}), {"body": [1]}).content == b"[1]"


def test_an_argument_without_a_place_is_not_lost_silently() -> None:
    with pytest.raises(InvalidCommand, match=r"arguments\.more: has no place in the request, whose body is rows"):
        request_of(tool(request=object_of("rows"), body="rows"), {"rows": [], "more": 1})


def test_a_form_is_sent_as_one() -> None:
    content_type = "application/x-www-form-urlencoded"
    given = {"a": "x y&", "b": [1, 2], "c": {"d": 1}, "e": None}
    made = request_of(tool(request=object_of(*given), content_type=content_type), given)
    assert made == ToolRequest("POST", URL, FORM, b"a=x%20y%26&b=1&b=2&c=%7B%22d%22%3A1%7D")
    with pytest.raises(InvalidCommand, match=r"arguments\.rows: must be an object: it is sent as a form"):
        request_of(tool(request=object_of("rows"), body="rows", content_type=content_type), {"rows": [1]})


@pytest.mark.parametrize(
    "url",
    [
        *("https://{host}/x", "https://a.{host}.example/x", "https://me:secret@a.example/", "https://a.example/{}"),
        *("https://a.example\\@evil.example/", "https://a.example/?api_key=s"),
    ],
)
def test_arguments_never_say_whom_the_call_goes_to(url: str) -> None:
    with pytest.raises(InvalidCommand, match="weather is not called: its endpoint_url must"):
        request_of(tool(url, object_of("host")), {"host": "evil.example"})


def test_a_tool_of_an_mcp_server_has_no_request() -> None:
    invocation = McpInvocation(transport="stdio", server="weather", tool="now")
    one = ToolDefinition(tool_id="weather", name="w", description="w", invocation=invocation)
    with pytest.raises(InvalidCommand, match="is not called by HTTP"):
        request_of(one, {})


CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "filter[id]": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("arguments", "checked"),
    [
        ({"city": "Rome"}, {"city": "Rome"}),
        ('{"city": "Rome"}', {"city": "Rome"}),
        ({"city": "Rome", "filter_id__665d001d": 3}, {"city": "Rome", "filter[id]": 3}),
    ],
)
def test_arguments_are_taken_as_a_model_gives_them(arguments: Any, checked: dict[str, Any]) -> None:
    assert checked_arguments(tool(request=CITY), arguments) == checked


def test_no_arguments_at_all_are_an_empty_object() -> None:
    assert checked_arguments(tool(), "") == {}


@pytest.mark.parametrize(
    ("arguments", "field", "message"),
    [
        ({}, "arguments.city", "is required"),
        ({"city": 3}, "arguments.city", "must be a string, not 3"),
        ({"city": "Rome", "town": 1}, "arguments.town", "is not known; there are city, filter[id]"),
        ("{", "arguments", "must be JSON: "),
        ("[]", "arguments", "must be an object"),
        ({"city": object()}, "arguments", "must be JSON: "),
        ({"city": float("nan")}, "arguments", "must be JSON: "),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(arguments: Any, field: str, message: str) -> None:
    with pytest.raises(InvalidCommand, match="The arguments for weather are not valid: ") as refused:
        checked_arguments(tool(request=CITY), arguments)
    assert [fault.field for fault in refused.value.faults] == [field]
    assert message in refused.value.faults[0].message
