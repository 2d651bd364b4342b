"""How tools are called: what no tool may say of it."""

from typing import Any

import pytest

from memos.errors import InvalidCommand
from memos.events.problems import invalid
from memos.events.tools import RegisterTool

URL = "https://tools.example/v1"
CLOSED: dict[str, Any] = {"type": "object", "properties": {"town": {}}, "additionalProperties": False}


def registered(**fields: Any) -> RegisterTool:
    """A tool as it is sent to be registered. Raises `InvalidCommand`."""
    said = {"tool_id": "weather", "name": "Weather", "description": "Tells it.", "endpoint_url": URL, **fields}
    try:
        return RegisterTool.model_validate(said)
    except ValueError as error:
        raise invalid("RegisterTool", error) from error  # type: ignore[arg-type]


def header(name: str) -> dict[str, Any]:
    return {"argument": "key", "place": "header", "name": name}


@pytest.mark.parametrize(
    "url",
    [
        "http://good.example\\@evil.example/x",
        "http://good.example:80\\@evil.example/",
        "http://good.example:80@evil.example/",
        "http:\\\\good.example/x",
        "http://good.example\u200b/",
        "http://good%2eexample/",
        "http://good.example\uff0fevil.example/",
        "http://good.example:99999/",
        "http://good.example/\x85",
    ],
)
def test_an_address_that_not_all_read_alike_is_refused(url: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        registered(endpoint_url=url)
    assert [fault.field for fault in refused.value.faults] == ["endpoint_url"]
    assert "\n" not in refused.value.detail


@pytest.mark.parametrize(
    "query",
    [
        "api_key=s",
        "APIKEY=s",
        "a=1&api-key=s",
        "access_token=s",
        "token=",
        "pass%77ord=s",
        "key=x{key}",
        "X-Api-Key=s",
    ],
)
def test_credentials_in_a_query_are_refused(query: str) -> None:
    with pytest.raises(InvalidCommand, match=r"must not contain credentials; give them to the call as headers"):
        registered(endpoint_url=f"{URL}?{query}")


@pytest.mark.parametrize(
    "url",
    [
        *(f"{URL}?api_key={{key}}", f"{URL}?sort_key=1&lang=en", f"{URL}/@me?user=@ann", "http://[::1]:8080/x"),
        *("http://weather_1:80/x", "https://b\u00fccher.example/", "http://localhost"),
    ],
)
def test_an_address_without_credentials_is_kept_as_it_is(url: str) -> None:
    assert registered(endpoint_url=url).endpoint_url == url


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Content-Length",
        "transfer-encoding",
        "Connection",
        "TE",
        "Proxy-Authorization",
        "X Y",
        "\u00e9",
        "a:",
    ],
)
def test_an_argument_is_no_header_that_is_the_connections_or_none(name: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        registered(invocation={"parameters": [header(name)]})
    assert [fault.field for fault in refused.value.faults] == ["invocation.http.parameters.0"]


@pytest.mark.parametrize(
    "parameters",
    [
        [{"argument": "a", "place": "query"}, {"argument": "a", "place": "header"}],
        [{"argument": "a", "place": "query"}, {"argument": "b", "place": "query", "name": "a"}],
        [header("X-Key"), {"argument": "b", "place": "header", "name": "x-key"}],
    ],
)
def test_what_is_said_twice_of_a_request_is_refused(parameters: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidCommand, match=r"invocation\.http\.parameters: must not name an argument twice"):
        registered(invocation={"parameters": parameters})


@pytest.mark.parametrize(
    ("invocation", "field"),
    [
        ({"parameters": [{"argument": "a\0b", "place": "query"}]}, "http.parameters.0.argument"),
        ({"parameters": [{"argument": "a", "place": "query", "name": "a\nb"}]}, "http.parameters.0.name"),
        ({"body": "a\0"}, "http.body"),
        ({"transport": "streamable-http", "server": "a\0", "tool": "b"}, "mcp.server"),
        ({"transport": "streamable-http", "server": "a", "tool": "b\x7f"}, "mcp.tool"),
        ({"transport": "streamable-http", "server": "a", "tool": "\ud800"}, "mcp.tool"),
    ],
)
def test_texts_that_cannot_be_kept_are_refused_where_they_are(invocation: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        registered(invocation=invocation)
    assert [fault.field for fault in refused.value.faults] == [f"invocation.{field}"]


def test_a_placeholder_that_no_argument_may_be_given_for_is_refused() -> None:
    with pytest.raises(InvalidCommand, match=r"allows no arguments but its properties, .* placeholders city"):
        registered(endpoint_url=URL + "/{city}", request_schema=CLOSED)


def test_a_placeholder_that_can_be_given_is_kept() -> None:
    renamed = {"parameters": [{"argument": "town", "place": "path", "name": "city"}]}
    open_to_all = CLOSED | {"additionalProperties": True}

    assert registered(endpoint_url=URL + "/{city}", request_schema=CLOSED, invocation=renamed).placeholders == {
        "city": "town"
    }
    assert registered(endpoint_url=URL + "/{city}", request_schema=open_to_all).placeholders == {"city": "city"}
    assert registered(endpoint_url=URL + "/{city}").placeholders == {"city": "city"}
