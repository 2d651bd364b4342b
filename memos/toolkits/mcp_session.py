"""A conversation with an MCP server that is as short as can be: which tools are there?"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from memos.errors import InvalidCommand, MemosError, Unavailable
from memos.mcp_failures import leaves, mcp_failures
from memos.toolkits.mcp_servers import HttpServer, McpServer, StdioServer
from memos.toolkits.names import line

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import Tool

MOST_PAGES = 1000
MOST_LAST_WORDS = 300


class Listed(NamedTuple):
    """What a server calls itself, if it says so, and its tools."""

    server: str | None
    tools: "list[Tool]"


@dataclass
class _Heard:
    """What is known of a server that does not do what it should."""

    status: int | None = None
    nonsense: bool = False
    last_words: str = ""


async def listed(server: McpServer, timeout: float) -> Listed:
    """The tools of a server, of all pages. Raises what `tools_of_server` does."""
    heard = _Heard()
    trouble: list[BaseException] = []
    failures = mcp_failures()
    try:
        async with asyncio.timeout(timeout), _connected(server, heard, timeout) as client:
            info = client.server_info
            return Listed(info.name if info else None, [tool async for tool in _every(client)])
    except* failures as group:
        trouble += leaves(group)
    raise _error(server.own_name, trouble[0], heard, timeout) from trouble[0]


@asynccontextmanager
async def _connected(server: McpServer, heard: _Heard, timeout: float) -> "AsyncIterator[Client]":
    from mcp import Client

    async def hear(message: Any) -> None:
        heard.nonsense = heard.nonsense or isinstance(message, Exception)

    async with (
        _transport(server, heard, timeout) as transport,
        Client(transport, cache=None, message_handler=hear) as client,
    ):
        yield client


def _transport(server: McpServer, heard: _Heard, timeout: float) -> AbstractAsyncContextManager[Any]:
    if isinstance(server, StdioServer):
        return _started(server, heard)
    return _reached(server, heard, timeout)


@asynccontextmanager
async def _started(server: StdioServer, heard: _Heard) -> AsyncIterator[Any]:
    """The server as a process, with the few variables of the environment that the package hands on."""
    from mcp.client.stdio import StdioServerParameters, stdio_client

    program, *words = server.command
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as told:
        try:
            yield stdio_client(StdioServerParameters(command=program, args=words), errlog=told)
        finally:
            heard.last_words = _last_line(told)


def _last_line(told: IO[str]) -> str:
    told.flush()
    end = told.seek(0, os.SEEK_END)
    told.seek(max(0, end - MOST_LAST_WORDS * 4))
    lines = [one for one in told.read().splitlines() if one.strip()]
    return line(lines[-1], MOST_LAST_WORDS) if lines else ""


@asynccontextmanager
async def _reached(server: HttpServer, heard: _Heard, timeout: float) -> AsyncIterator[Any]:
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    async def hear(response: httpx2.Response) -> None:
        if response.is_error:
            heard.status = response.status_code

    client = httpx2.AsyncClient(headers=server.headers, timeout=timeout, event_hooks={"response": [hear]})
    async with client:
        yield streamable_http_client(server.url, http_client=client)


async def _every(client: "Client") -> "AsyncIterator[Tool]":
    """The tools of all pages, of which there are only so many."""
    cursor = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        for tool in page.tools:
            yield tool
        cursor = page.next_cursor
        if cursor is None:
            return
    raise ValueError(f"its list of tools has more than {MOST_PAGES} pages")


def _error(name: str, error: BaseException, heard: _Heard, timeout: float) -> MemosError:
    """The one error that a failure comes to."""
    words = f" It said: {heard.last_words}" if heard.last_words else ""
    if isinstance(error, TimeoutError):
        silent = "answers in what is not MCP" if heard.nonsense else "does not answer"
        return Unavailable(f"The MCP server {name} {silent}; {timeout:g} s were waited.{words}")
    if heard.status is not None:
        return Unavailable(
            f"The MCP server {name} answered {heard.status}. See the URL, and whether it wants --header."
        )
    if isinstance(error, ValueError):
        return InvalidCommand(f"The MCP server {name} answers in what is not MCP: {line(str(error), 300)}.{words}")
    reason = line(str(error), MOST_LAST_WORDS).rstrip(".") or type(error).__name__
    return Unavailable(f"The MCP server {name} cannot be spoken to: {reason}.{words}")
