"""Tools that cannot be used: refused over HTTP and over the bus alike, by field."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from lanes import Wire
from running import Memos
from tool_bodies import definition

from memos.client.redis import open_redis
from memos.events.problems import PROBLEM_TYPE
from memos.events.streams import STREAM_OF
from memos.events.tools import RegisterTool, RegisterTools

pytest_plugins = ["bus_fixtures"]


def schema(**properties: Any) -> dict[str, Any]:
    """A schema of an object."""
    return {"request_schema": {"type": "object", "properties": properties}}


def nested(depth: int) -> dict[str, Any]:
    """A schema within a schema within a schema …"""
    value: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        value = {"items": value}
    return value


CASES: list[tuple[str, dict[str, Any], str]] = [
    ("a type that nobody knows", schema(city={"type": "strin"}), "request_schema.properties.city.type"),
    ("a schema that is a number", schema(city=5), "request_schema.properties.city"),
    (
        "a fault deep in a schema",
        schema(a={"items": {"maxLength": "x"}}),
        "request_schema.properties.a.items.maxLength",
    ),
    ("a fault in a response", {"response_schema": {"required": "city"}}, "response_schema.required"),
    ("a schema that is a list", {"request_schema": []}, "request_schema"),
    ("a schema with NUL", schema(city={"description": "a\x00b"}), "request_schema"),
    ("a schema that is too deep", {"request_schema": nested(100)}, "request_schema"),
    ("a schema that is too large", schema(city={"description": "x" * 300_000}), "request_schema"),
    ("an address with a password", {"endpoint_url": "https://ann:secret@tools.test/"}, "endpoint_url"),
    ("an address with a user", {"endpoint_url": "https://ann@tools.test/"}, "endpoint_url"),
    ("an address of two hosts", {"endpoint_url": "http://a.test\\@b.test/"}, "endpoint_url"),
    ("an address with a key", {"endpoint_url": "https://tools.test/?api_key=s"}, "endpoint_url"),
    ("an address of a file", {"endpoint_url": "file:///etc/passwd"}, "endpoint_url"),
    ("an address without a scheme", {"endpoint_url": "tools.test/weather"}, "endpoint_url"),
    ("an address without a host", {"endpoint_url": "https:///weather"}, "endpoint_url"),
    ("an address with a blank", {"endpoint_url": "https://tools.test/a b"}, "endpoint_url"),
    ("an address with NUL", {"endpoint_url": "https://tools.test/\x00"}, "endpoint_url"),
    ("an address with a fragment", {"endpoint_url": "https://tools.test/#a"}, "endpoint_url"),
    ("a long address", {"endpoint_url": "https://tools.test/" + "a" * 1024}, "endpoint_url"),
    ("an id with a slash", {"tool_id": "a/b"}, "tool_id"),
    ("an id of two lines", {"tool_id": "a\nb"}, "tool_id"),
    ("a long id", {"tool_id": "a" * 256}, "tool_id"),
    ("an id that begins with a dot", {"tool_id": ".."}, "tool_id"),
    ("no name", {"name": ""}, "name"),
    ("a blank name", {"name": "   "}, "name"),
    ("a long name", {"name": "a" * 256}, "name"),
    ("a description with NUL", {"description": "a\x00b"}, "description"),
    ("a description of a book", {"description": "x" * 16_001}, "description"),
    ("a blank description", {"description": "\n"}, "description"),
    ("too many examples", {"examples": [f"example {number}" for number in range(17)]}, "examples"),
    ("an example twice", {"examples": ["rain?", "rain?"]}, "examples"),
    ("a blank example", {"examples": ["rain?", " "]}, "examples.1"),
    ("a capability twice", {"required_capabilities": ["web", "web"]}, "required_capabilities"),
    ("a capability with a line break", {"required_capabilities": ["we\nb"]}, "required_capabilities.0"),
    ("too many tags", {"tags": [f"tag {number}" for number in range(65)]}, "tags"),
    ("a field that nobody knows", {"colour": "red"}, "colour"),
    ("a tenant in the body", {"tenant": "acme"}, "tenant"),
    ("a method that nobody knows", {"invocation": {"method": "BREW"}}, "invocation.http.method"),
    ("an invocation of no kind", {"invocation": {"kind": "smoke"}}, "invocation"),
    ("an invocation that is a word", {"invocation": "GET"}, "invocation"),
    (
        "a parameter without its place in the address",
        {"invocation": {"parameters": [{"argument": "city", "place": "path"}]}},
        "placeholder",
    ),
    (
        "a parameter with NUL",
        {"invocation": {"parameters": [{"argument": "a\x00b", "place": "query"}]}},
        "invocation.http.parameters.0.argument",
    ),
    (
        "a parameter that says how long the request is",
        {"invocation": {"parameters": [{"argument": "city", "place": "header", "name": "Content-Length"}]}},
        "invocation.http.parameters.0",
    ),
]


@pytest.fixture(scope="session")
async def tray(memos: Memos) -> AsyncIterator[Wire]:
    """The streams of the memOS that all tests share, with an inbox of these tests' own."""
    async with open_redis(memos.redis_url) as redis:
        yield Wire(redis, inbox=f"memos:reply:{uuid4()}")


def names(problem: dict[str, Any], field: str) -> bool:
    """Whether a problem is about a field."""
    return field in [fault["field"] for fault in problem["faults"]] or field in problem["detail"]


@pytest.mark.parametrize(("fields", "field"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
async def test_over_http_a_tool_that_cannot_be_used_is_refused_by_field(
    http: httpx.AsyncClient, fields: dict[str, Any], field: str
) -> None:
    tool_id = f"t{uuid4().hex}"
    response = await http.post("/tools/register", json={**definition(tool_id), **fields})

    assert (response.status_code, response.json()["code"]) == (422, "invalid"), response.text[:500]
    assert names(response.json(), field), response.json()
    assert len(response.content) < 5000
    assert (await http.get(f"/tools/{tool_id}")).status_code == 404


@pytest.mark.parametrize(("fields", "field"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
async def test_over_the_bus_a_tool_that_cannot_be_used_is_a_dead_letter_and_its_sender_learns_the_field(
    tray: Wire, fields: dict[str, Any], field: str
) -> None:
    stream, command_id = STREAM_OF[RegisterTool], str(uuid4())
    await tray.put(stream, {**envelope(command_id, tray), "data": {**definition(f"t{uuid4().hex}"), **fields}})
    reply = await tray.reply()
    await tray.nothing_left(stream)

    assert (reply.type, reply.correlationid, reply.data["code"]) == (PROBLEM_TYPE, command_id, "invalid")
    assert names(reply.data, field), reply.data


def envelope(command_id: str, tray: Wire) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": command_id,
        "source": "tests",
        "type": STREAM_OF[RegisterTool].event_type,
        "replyto": tray.inbox,
    }


async def test_a_fault_in_a_batch_names_the_place_of_the_tool(http: httpx.AsyncClient) -> None:
    bad = definition(f"t{uuid4().hex}", **schema(city={"type": "strin"}))
    response = await http.post("/tools/register/batch", json={"tools": [definition(f"t{uuid4().hex}"), bad]})

    assert response.status_code == 422
    assert names(response.json(), "tools.1.request_schema.properties.city.type")


async def test_a_batch_of_no_tools_or_of_too_many_is_refused(http: httpx.AsyncClient) -> None:
    for tools in ([], [definition("t")] * 257):
        response = await http.post("/tools/register/batch", json={"tools": tools})
        assert (response.status_code, names(response.json(), "tools")) == (422, True)
    assert STREAM_OF[RegisterTools].lane == "bulk"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/tools/a%2Fb", ""),
        ("/tools/a%20b", "tool_id"),
        ("/tools/" + "a" * 256, "tool_id"),
        ("/tools/%00", "tool_id"),
        ("/tools/.hidden", "tool_id"),
        ("/tools?limit=0", "limit"),
        ("/tools?limit=1001", "limit"),
        ("/tools?limit=many", "limit"),
        ("/tools?match=some", "match"),
        ("/tools?contains=%00", "contains"),
        ("/tools?capabilities=a&capabilities=a", "capabilities"),
        ("/tools?colour=red", "colour"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_its_name(http: httpx.AsyncClient, path: str, field: str) -> None:
    response = await http.get(path)

    assert response.headers["content-type"] == "application/problem+json"
    assert response.status_code == (422 if field else 404)
    assert names(response.json(), field)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"success": "perhaps"}, "success"),
        ({}, "success"),
        ({"success": True, "error": "but"}, "error"),
        ({"success": True, "latency_ms": -1}, "latency_ms"),
        ({"success": True, "latency_ms": 1e300}, "latency_ms"),
        ({"success": True, "task": " "}, "task"),
        ({"success": True, "task": "a\x00b"}, "task"),
        ({"success": False, "error": "x" * 2001}, "error"),
        ({"success": True, "agent_id": ""}, "agent_id"),
        ({"success": True, "wait": 7}, "wait"),
    ],
)
async def test_an_outcome_that_cannot_be_meant_is_refused_by_field(
    http: httpx.AsyncClient, fields: dict[str, Any], field: str
) -> None:
    body = json.dumps({"tool_id": "t", **fields})
    response = await http.post("/tools/outcomes", content=body, headers={"Content-Type": "application/json"})

    assert (response.status_code, names(response.json(), field)) == (422, True), response.text


async def test_numbers_beyond_any_integer_come_back_as_they_were_sent(http: httpx.AsyncClient) -> None:
    size = {"type": "number", "maximum": 1.7976931348623157e308, "minimum": -1e19}
    tool = definition(uuid4().hex, **schema(size=size))

    assert (await http.post("/tools/register", json=tool)).status_code == 200

    said = (await http.get(f"/tools/{tool['tool_id']}")).json()["request_schema"]["properties"]["size"]
    assert said == size
    assert isinstance(said["maximum"], float)
