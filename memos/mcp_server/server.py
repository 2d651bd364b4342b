"""The MCP server: requests of clients are answered by an agent's memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from time import monotonic
from typing import Any

from mcp import MCPError
from mcp.server import Server, ServerRequestContext
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextContent,
    TextResourceContents,
)

from memos import __version__
from memos.client.sending import build
from memos.client.tool_http import excerpt
from memos.errors import InvalidCommand, MemosError, NotFound
from memos.mcp_server.agent import Agent
from memos.mcp_server.described import described
from memos.mcp_server.prompts import TASK, prompt
from memos.mcp_server.resources import JSON, TEMPLATES, listed, read
from memos.mcp_server.table import TOOLS, ServedTool

TICK = 1.0
"""Seconds between two notifications of progress, for clients that ask for them."""

INSTRUCTIONS = (
    "memOS is your long-term memory. Before you begin a task call context. Recall what you need to know, and "
    "remember what is worth knowing later, without being asked to. Find tools by discover_tools and call them by "
    "call_tool. Keep what the task needs now in working memory. When the task is over call record_learning."
)

WHILE_AWAY = "Go on without memory for now, and try again later."

Asking = ServerRequestContext[Agent]


def create_server(agent: Agent) -> Server[Agent]:
    """A server for one agent; its memOS may come and go while the server runs."""
    tools, served = [described(tool) for tool in TOOLS], {tool.name: tool for tool in TOOLS}

    async def list_tools(_: Asking, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=tools)

    return Server(
        "memos",
        version=__version__,
        title="memOS",
        description="The memory of a society of agents.",
        instructions=INSTRUCTIONS,
        lifespan=lambda _: nullcontext(agent),
        on_list_tools=list_tools,
        on_call_tool=partial(call_tool, served),
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )


async def call_tool(
    served: Mapping[str, ServedTool], asking: Asking, params: CallToolRequestParams
) -> CallToolResult:
    """What a tool answers, or its error as a result that a model can read. Raises `MCPError` for no such tool."""
    tool = served.get(params.name)
    if tool is None:
        raise MCPError(INVALID_PARAMS, f"There is no tool {excerpt(params.name)!r}. There are {', '.join(served)}.")
    try:
        given = build(tool.takes, **_named(tool, params.arguments))
        async with _progress(asking, tool.name):
            answer = await tool.answer(asking.lifespan_context, given)
    except MemosError as error:
        return CallToolResult(content=[_text(told(error))], is_error=True)
    data = answer.data.model_dump(mode="json")
    return CallToolResult(content=[_text(answer.text)], structured_content=data)


async def list_resources(asking: Asking, _: PaginatedRequestParams | None) -> ListResourcesResult:
    """The resources that can be picked."""
    return ListResourcesResult(resources=await listed(asking.lifespan_context))


async def list_templates(_: Asking, __: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
    """The resources that can be named."""
    return ListResourceTemplatesResult(resource_templates=[*TEMPLATES])


async def read_resource(asking: Asking, params: ReadResourceRequestParams) -> ReadResourceResult:
    """A resource. Raises `MCPError`."""
    uri = str(params.uri)
    with_text = partial(TextResourceContents, uri=uri, mime_type=JSON)
    try:
        return ReadResourceResult(contents=[with_text(text=await read(asking.lifespan_context, uri))])
    except MemosError as error:
        raise _refusal(error) from error


async def list_prompts(_: Asking, __: PaginatedRequestParams | None) -> ListPromptsResult:
    """The prompts that there are."""
    return ListPromptsResult(prompts=[TASK])


async def get_prompt(asking: Asking, params: GetPromptRequestParams) -> GetPromptResult:
    """A prompt. Raises `MCPError`."""
    try:
        return await prompt(asking.lifespan_context, params.name, params.arguments or {})
    except MemosError as error:
        raise _refusal(error) from error


def told(error: MemosError) -> str:
    """What a model is told of an error: what happened, and what to do."""
    return f"{error.detail} {WHILE_AWAY}" if error.transient else error.detail


def _named(tool: ServedTool, arguments: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Arguments of a call. What need not be given may be null, as some clients have it. Raises `InvalidCommand`."""
    fields, given = tool.takes.model_fields, arguments or {}
    if unknown := [name for name in given if name not in fields]:
        raise InvalidCommand(f"{tool.name} takes no {excerpt(', '.join(unknown))}. It takes {', '.join(fields)}.")
    return {name: value for name, value in given.items() if value is not None or fields[name].is_required()}


def _refusal(error: MemosError) -> MCPError:
    known = isinstance(error, NotFound | InvalidCommand)
    return MCPError(INVALID_PARAMS if known else INTERNAL_ERROR, told(error))


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)


@asynccontextmanager
async def _progress(asking: Asking, name: str) -> AsyncIterator[None]:
    """Tell a client that wants to know, while something takes its time."""
    if "progress_token" not in (asking.meta or {}):
        yield
        return
    ticking = asyncio.create_task(_tick(asking, name))
    try:
        yield
    finally:
        ticking.cancel()


async def _tick(asking: Asking, name: str) -> None:
    begun = monotonic()
    while True:
        await asyncio.sleep(TICK)
        seconds = round(monotonic() - begun)
        await asking.session.report_progress(seconds, message=f"{name} has been at it for {seconds} s")
