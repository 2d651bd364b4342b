"""Calling tools of MCP servers: at their address, and through a session of one's own."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from http_servers import serving
from mcp import Client, MCPError
from mcp.server.lowlevel import Server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    EmbeddedResource,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    TextResourceContents,
    Tool,
)
from starlette.applications import Starlette

from memos.client import connect
from memos.client.tools import Tools
from memos.errors import ConfigurationError, InvalidCommand, ToolFailed
from memos.records import McpInvocation, ToolDefinition

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def text(*parts: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=part) for part in parts])


async def called(context: Any, asked: CallToolRequestParams) -> CallToolResult:
    """What the server's tools answer."""
    city = (asked.arguments or {}).get("city", "nowhere")
    if asked.name == "forecast":
        key = context.request.headers.get("x-key") if context.request else None
        return CallToolResult(content=[], structured_content={"city": city, "key": key})
    if asked.name == "letter":
        resource = TextResourceContents(uri="mail:1", text=f"Dear {city}")
        return CallToolResult(content=[EmbeddedResource(type="resource", resource=resource)])
    if asked.name == "broken":
        raise MCPError(-32603, "the barometer fell off")
    if asked.name == "slow":
        await asyncio.Event().wait()
    if asked.name == "unlucky":
        return text("no such", "city").model_copy(update={"is_error": True})
    return text('{"city": "Rome"}') if asked.name == "json" else text(f"In {city}", "it rains")


async def listed(_: Any, __: PaginatedRequestParams | None) -> ListToolsResult:
    return ListToolsResult(tools=[Tool(name="forecast", input_schema=CITY)])


def server() -> Server[Any]:
    return Server("weather", on_list_tools=listed, on_call_tool=called)


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    """Where an MCP server listens."""
    async with serving(server().streamable_http_app(), lifespan="on") as address:
        yield f"{address}/mcp"


@pytest.fixture
async def tools() -> AsyncIterator[Tools]:
    """Tools of a client that reports nothing and so needs no memOS."""
    async with connect("http://127.0.0.1:9") as client:
        yield client.tools


def tool(name: str, url: str | None, response: dict[str, Any] | None = None) -> ToolDefinition:
    transport: Any = "streamable-http" if url else "stdio"
    return ToolDefinition(
        tool_id=f"weather.{name}",
        name=name,
        description="Tells the weather.",
        endpoint_url=url,
        request_schema=CITY,
        response_schema=response,
        invocation=McpInvocation(transport=transport, server="weather", tool=name),
    )


@pytest.mark.parametrize(
    ("name", "response", "content"),
    [
        ("forecast", {"type": "object", "required": ["city"]}, {"city": "Rome", "key": "s"}),
        ("report", None, "In Rome\nit rains"),
        ("json", None, '{"city": "Rome"}'),
        ("json", {"type": "object"}, {"city": "Rome"}),
        ("report", {"type": "string"}, "In Rome\nit rains"),
        ("letter", None, [{"type": "resource", "resource": {"uri": "mail:1", "text": "Dear Rome"}}]),
    ],
)
async def test_a_tool_is_called_at_its_address(
    tools: Tools, url: str, name: str, response: dict[str, Any] | None, content: Any
) -> None:
    answer = await tools.call(tool(name, url, response), {"city": "Rome"}, report=False, headers={"X-Key": "s"})
    assert (answer.content, answer.status) == (content, None)
    assert 0 < answer.latency_ms < 10_000


async def test_a_tool_is_called_through_a_session_of_ones_own(tools: Tools) -> None:
    async with Client(server()) as session:
        for _ in range(2):
            answer = await tools.call(tool("report", None), {"city": "Rome"}, report=False, session=session)
            assert answer.content == "In Rome\nit rains"
        with pytest.raises(
            ToolFailed, match=r"weather\.broken could not be called: MCPError: the barometer fell off"
        ):
            await tools.call(tool("broken", None), {"city": "Rome"}, report=False, session=session)


async def test_a_server_that_nobody_started_is_told(tools: Tools) -> None:
    with pytest.raises(
        ConfigurationError, match=r"of the MCP server weather, which is spoken to by stdio\. Start it"
    ):
        await tools.call(tool("report", None), {"city": "Rome"}, report=False)


@pytest.mark.parametrize(
    ("name", "response", "message"),
    [
        ("unlucky", None, "weather.unlucky answered with an error: no such city$"),
        ("broken", None, "weather.broken could not be called: MCPError: the barometer fell off. See"),
        (
            "forecast",
            {"required": ["sky"]},
            "weather.forecast answered otherwise than it says: answer.sky: is required",
        ),
    ],
)
async def test_a_failure_is_told_as_the_server_does(
    tools: Tools, url: str, name: str, response: dict[str, Any] | None, message: str
) -> None:
    with pytest.raises(ToolFailed, match=message):
        await tools.call(tool(name, url, response), {"city": "Rome"}, report=False)


async def test_arguments_are_checked_before_the_server_is_asked(tools: Tools) -> None:
    with pytest.raises(InvalidCommand, match=r"arguments\.city: is required"):
        await tools.call(tool("forecast", "http://127.0.0.1:9/mcp"), report=False)


async def test_a_server_that_is_out_of_reach_is_told(tools: Tools) -> None:
    with pytest.raises(ToolFailed, match="could not be called: ConnectError: "):
        await tools.call(tool("forecast", "http://127.0.0.1:9/mcp"), {"city": "Rome"}, report=False)


async def test_a_server_that_does_not_answer_is_given_up_in_time(tools: Tools, url: str) -> None:
    async with Client(server()) as session:
        for given in (None, session):
            with pytest.raises(ToolFailed, match=r"weather\.slow did not answer within 0\.3 s"):
                await tools.call(tool("slow", url), {"city": "Rome"}, report=False, timeout=0.3, session=given)


async def test_a_server_of_something_else_is_told(tools: Tools) -> None:
    async with serving(Starlette()) as address:
        with pytest.raises(ToolFailed, match="could not be called: MCPError: "):
            await tools.call(tool("forecast", f"{address}/mcp"), {"city": "Rome"}, report=False)


async def test_without_the_package_it_is_said_what_to_install(
    tools: Tools, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'memos-as\[mcp\]'"):
        await tools.call(tool("forecast", url), {"city": "Rome"}, report=False)
