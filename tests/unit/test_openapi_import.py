"""Tools of OpenAPI documents: which there are, what they are called, and where they are called."""

import json
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Form, Header, Query
from pydantic import BaseModel

from memos.errors import Fault, InvalidCommand
from memos.events.tools import RegisterTool
from memos.specs import call_name
from memos.specs.names import LONGEST_NAME
from memos.toolkits import documents
from memos.toolkits.imported import Imported
from memos.toolkits.openapi import tools_of
from memos.toolkits.seed import tools_as

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/data"


def document(**paths: Any) -> dict[str, Any]:
    """A document with operations by path, without the slash."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Weather API", "version": "1"},
        "servers": [{"url": "https://weather.example"}],
        "paths": {f"/{path}": item for path, item in paths.items()},
    }


def operation(**fields: Any) -> dict[str, Any]:
    return {"responses": {"204": {"description": "done"}}, **fields}


def by_id(imported: Imported) -> dict[str, RegisterTool]:
    return {tool.tool_id: tool for tool in imported.tools}


async def test_a_document_of_3_0_in_yaml_becomes_tools() -> None:
    read = await documents.read_document(str(DATA / "library.yaml"))

    imported = tools_of(read.content)

    tools = by_id(imported)
    assert list(tools) == [f"city_library__{name}" for name in ("listBooks", "addBook", "get_books_id", "lendBook")]
    assert {tool.endpoint_url for tool in imported.tools} == {
        "https://main.library.example/v2/books",
        "https://main.library.example/v2/books/{id}",
        "https://main.library.example/v2/books/{id}/loans",
    }
    books = tools["city_library__listBooks"]
    assert (books.name, books.tags) == ("List books", ["books"])
    assert books.description == "Lists the books that meet all conditions."
    assert (books.request_schema or {})["properties"]["language"]["items"]["enum"] == ["en", "no", "de"]
    assert tools["city_library__addBook"].description == "Add a book"
    assert tools["city_library__addBook"].required_capabilities == ["catalogue"]


async def test_a_document_of_3_1_in_json_becomes_tools() -> None:
    read = await documents.read_document(str(DATA / "tickets.json"))

    imported = tools_of(read.content, url="https://support.example/docs/openapi.json")

    search, comment = imported.tools
    assert (search.tool_id, search.endpoint_url) == (
        "tickets__tickets_search",
        "https://support.example/api/tickets/search",
    )
    assert search.examples == ["Which tickets are about billing?", "Find open tickets of last week"]
    assert comment.required_capabilities == ["support"]
    assert (imported.faults, imported.notes) == ([], [])


def test_the_document_of_memos_itself_becomes_tools() -> None:
    said = json.loads((ROOT / "docs/reference/openapi.json").read_text(encoding="utf-8"))
    methods = {"get", "post", "put", "patch", "delete"}

    imported = tools_of(said, server="http://127.0.0.1:8090")

    assert len(imported.tools) == sum(len(methods & item.keys()) for item in said["paths"].values())
    assert (imported.faults, imported.notes) == ([], [])
    ids = [tool.tool_id for tool in imported.tools if len(tool.tool_id) <= LONGEST_NAME]
    assert [call_name(one) for one in ids] == ids != []
    query = next(tool for tool in imported.tools if tool.endpoint_url == "http://127.0.0.1:8090/memory/query")
    assert {"query", "top_k", "filter"} <= (query.request_schema or {})["properties"].keys()


class _Order(BaseModel):
    dish: str
    number: int = 1
    sides: list["_Order"] = []


def test_the_document_that_fastapi_makes_becomes_tools() -> None:
    app = FastAPI(title="Kitchen", servers=[{"url": "https://kitchen.example"}])

    @app.post("/orders/{table}")
    def order(table: int, order: _Order, dry_run: bool = False, x_trace: Annotated[str, Header()] = "") -> _Order:
        """Order a dish."""
        return order

    @app.get("/orders")
    def orders(dish: Annotated[list[str], Query()]) -> list[_Order]:
        return []

    @app.post("/login")
    def login(name: Annotated[str, Form()]) -> None: ...

    imported = tools_of(app.openapi())

    assert (imported.faults, imported.notes) == ([], [])
    ordering, listing, logging_in = imported.tools
    assert (ordering.name, ordering.description) == ("Order", "Order a dish.")
    assert list((ordering.request_schema or {})["properties"]) == [
        *("table", "dry_run", "x-trace"),
        *("dish", "number", "sides"),
    ]
    assert (ordering.request_schema or {})["required"] == ["table", "dish"]
    assert (listing.response_schema or {})["items"] == {"$ref": "#/$defs/_Order-Output"}
    assert getattr(logging_in.invocation, "content_type", None) == "application/x-www-form-urlencoded"


def test_the_tools_of_tools_as_have_everything_that_a_model_and_a_search_want() -> None:
    imported = tools_as("https://tools.example/")

    assert (imported.faults, imported.notes) == ([], [])
    assert {tool.tool_id.removeprefix("tools_as__") for tool in imported.tools} == {
        *("web_search", "todo_add", "todo_list", "todo_get", "todo_update", "todo_complete", "todo_delete")
    }
    for tool in imported.tools:
        assert call_name(tool.tool_id) == tool.tool_id
        assert tool.endpoint_url
        assert tool.endpoint_url.startswith("https://tools.example/")
        assert tool.examples
        assert tool.response_schema
        assert tool.required_capabilities
        for schema in (tool.request_schema or {})["properties"].values():
            assert "description" in schema or "$ref" in schema


def test_an_operation_without_an_id_is_called_by_its_method_and_path() -> None:
    imported = tools_of(document(**{"v1/rain-fall/{city}": {"get": operation(), "post": operation()}}))

    assert [tool.tool_id for tool in imported.tools] == [
        "weather_api__get_v1_rain_fall_city",
        "weather_api__post_v1_rain_fall_city",
    ]
    assert imported.tools[0].description == "GET /v1/rain-fall/{city}"


def test_operations_with_one_id_have_different_ones_whatever_their_order() -> None:
    items = {name: {"get": operation(operationId="rain.now")} for name in ("a", "b")}
    there = tools_of(document(**items))
    back = tools_of(document(**dict(reversed(items.items()))))

    ids = {tool.endpoint_url: tool.tool_id for tool in there.tools}
    assert len(set(ids.values())) == 2
    assert all(one.startswith("weather_api__rain_now_") for one in ids.values())
    assert ids == {tool.endpoint_url: tool.tool_id for tool in back.tools}


def test_an_id_is_never_too_long() -> None:
    imported = tools_of(
        document(a={"get": operation(operationId="x" * 300)}, b={"get": operation(operationId="x" * 301)})
    )

    assert {len(tool.tool_id) for tool in imported.tools} == {255}
    assert len(imported.ids) == 2


def test_a_prefix_takes_the_place_of_the_title() -> None:
    imported = tools_of(document(a={"get": operation(operationId="rain")}), prefix="wx-eu")

    assert (imported.prefix, imported.tools[0].tool_id) == ("wx-eu", "wx-eu__rain")


def test_a_prefix_that_no_id_may_begin_with_is_refused() -> None:
    with pytest.raises(InvalidCommand, match="is no prefix of ids"):
        tools_of(document(), prefix="tools.as")


def test_a_title_that_gives_no_prefix_is_named() -> None:
    with pytest.raises(InvalidCommand, match=r"info\.title: .* --prefix"):
        tools_of({**document(), "info": {"title": "天気"}})


def test_tags_and_capabilities_are_added_to_those_of_an_operation() -> None:
    item = {"get": operation(**{"tags": ["rain", "rain"], "x-required-capabilities": ["sky"]})}

    (tool,) = tools_of(document(a=item), tags=["eu"], capabilities=["sky", "paid"]).tools

    assert (tool.tags, tool.required_capabilities) == (["rain", "eu"], ["sky", "paid"])


def test_what_is_deprecated_is_imported_on_demand_and_is_in_the_document_all_the_same() -> None:
    said = document(a={"get": operation(operationId="old", deprecated=True)})

    assert tools_of(said).tools == []
    assert tools_of(said).ids == {"weather_api__old"}
    assert len(tools_of(said, deprecated=True).tools) == 1


def test_only_methods_that_call_something_become_tools() -> None:
    methods = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "parameters", "x-get")
    item = {method: [] if method == "parameters" else operation() for method in methods}

    assert len(tools_of(document(a=item)).tools) == 5


def test_the_nearest_server_is_called_and_relative_ones_are_found_from_the_document() -> None:
    said = document(
        a={"get": operation(servers=[{"url": "https://own.example/"}]), "post": operation()},
        b={"servers": [{"url": "/b"}], "get": operation()},
    )

    found = [tool.endpoint_url for tool in tools_of(said, url="http://docs.example/v1/openapi.json").tools]
    given = [tool.endpoint_url for tool in tools_of(said, server="http://here.example/x/").tools]

    assert found == ["https://own.example/a", "https://weather.example/a", "http://docs.example/b/b"]
    assert given == ["http://here.example/x/a", "http://here.example/x/a", "http://here.example/x/b"]


@pytest.mark.parametrize("servers", [None, [], [{"url": "/"}], [{"url": "/v1"}], [{"url": "https://{host}"}]])
def test_a_document_that_does_not_say_where_it_is_called_asks_for_a_server_once(servers: Any) -> None:
    said = {**document(a={"get": operation()}, b={"get": operation()}), "servers": servers}

    imported = tools_of(said)

    assert imported.tools == []
    (fault,) = imported.faults
    assert fault.field.startswith("servers")
    assert "--server" in fault.message


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"swagger": "2.0", "paths": {}}, "swagger"),
        ({"openapi": "4.0.0", "paths": {}}, "openapi"),
        ({"info": {}}, "openapi"),
        ({"openapi": "3.1.0", "webhooks": {}}, "paths"),
        ([], "openapi"),
        (None, "openapi"),
        ("<html>", "openapi"),
    ],
)
def test_what_is_no_document_of_openapi_3_is_refused_with_the_path_of_the_fault(said: Any, field: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        tools_of(said)

    assert [fault.field for fault in refused.value.faults] == [field]


def test_what_cannot_be_called_is_named_and_the_others_are_imported() -> None:
    said = document(
        a={"get": operation(parameters="x"), "post": "?"},
        b={"$ref": "other.yaml"},
        c={"get": operation(operationId="fine")},
        **{"d#x": {"get": operation()}},
    )

    imported = tools_of(said)

    assert [tool.tool_id for tool in imported.tools] == ["weather_api__fine"]
    assert [fault.field for fault in imported.faults] == [
        *("paths./a.post", "paths./b", "paths./a.get.parameters", "paths./d#x.get")
    ]
    assert imported.faults[0] == Fault("paths./a.post", "must be an object")


def test_texts_are_cut_and_cleaned_so_that_they_can_be_kept() -> None:
    said = operation(summary="Rain\x07\nnow " + "x " * 300, description="d" * 20_000 + "\x00\ud800")

    (tool,) = tools_of(document(a={"get": said})).tools

    assert tool.name == f"Rain now{' x' * 122}…"
    assert (len(tool.name), len(tool.description)) == (253, 16_000)
