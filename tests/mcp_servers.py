"""MCP servers of every kind, made with the package that they are mostly made with."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from http_servers import serving
from mcp.server import MCPServer, Server
from mcp_types import ListToolsResult, Tool

from memos.toolkits.mcp_servers import StdioServer

FILES = '''
import os
from mcp.server import MCPServer

server = MCPServer("Files & Folders")

@server.tool(title="Read a file")
def read_file(path: str, lines: int = 10) -> str:
    """Read the first lines of a file."""
    return path

@server.tool(name="list.folder")
def list_folder(path: str) -> list[str]:
    return [path]

@server.tool(description=f"{sorted(os.environ)}")
def environment() -> None: ...

server.run()
'''


def started(folder: Path, source: str) -> StdioServer:
    """A server by stdio that runs a program in Python."""
    program = folder / "server.py"
    program.write_text(source, encoding="utf-8")
    return StdioServer([sys.executable, str(program)])


def weather() -> MCPServer:
    """A server with one tool."""
    server = MCPServer("Weather")

    @server.tool()
    def forecast(city: str) -> dict[str, float]:
        """Tell how warm it will be."""
        return {city: 20.5}

    return server


@asynccontextmanager
async def reachable(server: MCPServer | Server[Any], token: str | None = None) -> AsyncIterator[str]:
    """The URL of a server that is reached by streamable HTTP, with a token if it wants one."""
    app = FastAPI()

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        if token is not None and request.headers.get("authorization") != f"Bearer {token}":
            return Response(status_code=401)
        response: Response = await call_next(request)
        return response

    app.mount("/", server.streamable_http_app())
    async with server.session_manager.run(), serving(app) as url:
        yield f"{url}/mcp"


def paged(*pages: Sequence[Tool]) -> Server[Any]:
    """A server that names its tools page by page."""

    async def list_tools(context: Any, params: Any) -> ListToolsResult:
        number = int(params.cursor) if params and params.cursor else 0
        following = str(number + 1) if number + 1 < len(pages) else None
        return ListToolsResult(tools=list(pages[number]), next_cursor=following)

    return Server("Paged", on_list_tools=list_tools)
