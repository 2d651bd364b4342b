"""Tools of an MCP server: one for each that it names."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from memos.toolkits.imported import Collected, Imported
from memos.toolkits.mcp_servers import McpServer, StdioServer
from memos.toolkits.mcp_session import listed
from memos.toolkits.names import fitting, ids_of, line, prefix_of
from memos.toolkits.operations import MOST_DESCRIPTION_CHARACTERS, MOST_NAME_CHARACTERS

if TYPE_CHECKING:
    from mcp_types import Tool

PATIENCE = 60.0


async def tools_of_server(
    server: McpServer,
    *,
    prefix: str | None = None,
    tags: Sequence[str] = (),
    capabilities: Sequence[str] = (),
    timeout: float = PATIENCE,
) -> Imported:
    """A tool for every tool that a server names within `timeout` seconds; a server by stdio is stopped then.

    Raises `ConfigurationError` without the package `mcp`, `Unavailable` when the server cannot be reached, ends or
    is silent, and `InvalidCommand` when it says what MCP does not know.
    """
    name, tools = await listed(server, timeout)
    name = line(prefix or name or server.own_name, MOST_NAME_CHARACTERS)
    prefix = prefix_of(prefix, name, "serverInfo.name")
    collected = Collected(prefix)
    different = {tool.name: tool for tool in tools}
    ids = ids_of(prefix, [(name, name) for name in different])
    for tool_id, tool in zip(ids, different.values(), strict=True):
        fields = {
            "tool_id": tool_id,
            "endpoint_url": server.endpoint_url,
            "tags": list(dict.fromkeys(tags)),
            "required_capabilities": list(dict.fromkeys(capabilities)),
            "invocation": {"kind": "mcp", "transport": _transport(server), "server": name, "tool": tool.name},
            **_fields(tool),
        }
        collected.add(tool.name, fields)
    return collected.imported(frozenset(ids))


def _transport(server: McpServer) -> str:
    return "stdio" if isinstance(server, StdioServer) else "streamable-http"


def _fields(tool: "Tool") -> dict[str, Any]:
    """What a tool says of itself."""
    title = tool.title or (tool.annotations and tool.annotations.title) or tool.name
    fields = {
        "name": line(title, MOST_NAME_CHARACTERS),
        "description": fitting(tool.description or title, MOST_DESCRIPTION_CHARACTERS) or tool.name,
        "request_schema": tool.input_schema,
    }
    return fields if tool.output_schema is None else {**fields, "response_schema": tool.output_schema}
