"""The official MCP client, at a real `memos mcp`."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult, TextContent, TextResourceContents

MEMOS = (sys.executable, "-P", "-m", "memos")
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}

Way = Literal["stdio", "http"]
OpenMcp = Callable[..., AbstractAsyncContextManager[Client]]


@asynccontextmanager
async def by_stdio(*words: str, mode: str = "auto", log: Path | None = None) -> AsyncIterator[Client]:
    """A client that starts `memos mcp` with these words, and ends it; what it logs goes to `log`."""
    parameters = StdioServerParameters(command=MEMOS[0], args=[*MEMOS[1:], "mcp", *words])
    with (log or Path(os.devnull)).open("w", encoding="utf-8") as errors:
        async with Client(stdio_client(parameters, errors), mode=mode) as client:
            yield client


@asynccontextmanager
async def listening(*words: str) -> AsyncIterator[str]:
    """The URL of a `memos mcp --http` on a free port."""
    process = await asyncio.create_subprocess_exec(
        *(*MEMOS, "mcp", "--http", "--port", "0", *words), stdin=DEVNULL, stderr=PIPE, env=ENVIRONMENT
    )
    assert process.stderr is not None
    reading: asyncio.Task[bytes] | None = None
    try:
        async with asyncio.timeout(30):
            while "MCP at " not in (line := (await process.stderr.readline()).decode()):
                assert line, "it has ended"
        reading = asyncio.create_task(process.stderr.read())
        yield line.split("MCP at ")[1].strip()
    finally:
        await end(process)
        if reading is not None:
            await reading


@asynccontextmanager
async def mcp_client(way: Way, url: str, *words: str) -> AsyncIterator[Client]:
    """A client of the memOS at `url`, by either way."""
    if way == "stdio":
        async with by_stdio("--url", url, *words) as client:
            yield client
    else:
        async with listening("--url", url, *words) as place, Client(place) as client:
            yield client


async def spoken_to(*words: str) -> Process:
    """A `memos mcp` that is spoken to by hand, and heeds signals even if this process was started by nohup."""
    return await asyncio.create_subprocess_exec(
        *(*MEMOS, "mcp", *words),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=ENVIRONMENT,
        limit=2**24,
        preexec_fn=heed_signals,
    )


def heed_signals() -> None:
    """Undo that signals are ignored, which a process inherits."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


async def end(process: Process) -> int:
    """End a process, and see that it does."""
    with suppress(ProcessLookupError):
        process.terminate()
    async with asyncio.timeout(60):
        return await process.wait()


async def told(client: Client, name: str, **arguments: Any) -> tuple[str, Mapping[str, Any]]:
    """The text and the data that a tool answers."""
    result = await client.call_tool(name, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return text_of(result), result.structured_content


async def data(client: Client, name: str, **arguments: Any) -> Mapping[str, Any]:
    """The data that a tool answers."""
    return (await told(client, name, **arguments))[1]


async def refused(client: Client, name: str, **arguments: Any) -> str:
    """The error that a tool answers with, in one line."""
    result = await client.call_tool(name, arguments)
    assert result.is_error, text_of(result)
    text = text_of(result)
    assert text.strip()
    assert "\n" not in text
    return text


def text_of(result: CallToolResult) -> str:
    """The text of a result, which has no other parts."""
    [part] = result.content
    assert isinstance(part, TextContent)
    return part.text


async def resource(client: Client, uri: str) -> str:
    """The text of a resource."""
    [content] = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    return content.text
