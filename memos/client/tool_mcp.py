"""Calling a tool of an MCP server."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pydantic_core import from_json

from memos.client.options import Session
from memos.client.tool_answers import Answered
from memos.client.tool_http import excerpt
from memos.errors import ConfigurationError, ToolFailed
from memos.mcp_failures import leaves, mcp_failures
from memos.records import McpInvocation, ToolDefinition


async def exchange(
    tool: ToolDefinition, arguments: dict[str, Any], headers: Mapping[str, str], session: Session | None
) -> Answered:
    """Call a tool through a session, or one of its own at the tool's address.

    Raises `ToolFailed` when the server is out of reach or answers with an error, `ConfigurationError` when `mcp` is
    not installed, or the server is one of those that their caller starts and there is no session.
    """
    invocation = tool.invocation
    if not isinstance(invocation, McpInvocation):
        raise TypeError(f"{tool.tool_id} is no tool of an MCP server")
    trouble: list[BaseException] = []
    failures = mcp_failures()
    try:
        async with _session(tool, invocation, headers, session) as opened:
            result = await opened.call_tool(invocation.tool, arguments)
    except* failures as group:
        trouble += leaves(group)
    if not trouble:
        return _answered(tool, result)
    said = excerpt(f"{type(trouble[0]).__name__}: {trouble[0]}").rstrip(".")
    raise ToolFailed(f"{tool.tool_id} could not be called: {said}. See that its MCP server runs.") from trouble[0]


@asynccontextmanager
async def _session(
    tool: ToolDefinition, invocation: McpInvocation, headers: Mapping[str, str], given: Session | None
) -> AsyncIterator[Session]:
    if given is not None:
        yield given
        return
    if tool.endpoint_url is None:
        raise ConfigurationError(
            f"{tool.tool_id} is a tool of the MCP server {invocation.server}, which is spoken to by stdio. "
            "Start it yourself, and give the call a session with it."
        )
    from httpx2 import AsyncClient
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async with (
        AsyncClient(headers=dict(headers), timeout=None) as http,
        Client(streamable_http_client(tool.endpoint_url, http_client=http)) as client,
    ):
        yield client


def _answered(tool: ToolDefinition, result: Any) -> Answered:
    """What a result says: structured content if it has any, else its text, else its parts as JSON."""
    texts = [part.text for part in result.content if part.type == "text"]
    if result.is_error:
        raise ToolFailed(f"{tool.tool_id} answered with an error: {excerpt(' '.join(texts))}")
    if result.structured_content is not None:
        return Answered(result.structured_content)
    if len(texts) < len(result.content):
        return Answered([part.model_dump(mode="json", by_alias=True, exclude_none=True) for part in result.content])
    text = "\n".join(texts)
    return Answered(_parsed(text) if tool.response_schema is not None else text)


def _parsed(text: str) -> Any:
    """The JSON that a text is: where tools of servers had it before there was structured content."""
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        return text
