"""`memos mcp`: memory for MCP clients."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from memos.cli.output import Url, address, begin_logging, reported
from memos.errors import ConfigurationError, InvalidCommand
from memos.events.commands import DEFAULT_AGENT
from memos.events.texts import Identifier
from memos.events.working import WorkingName
from memos.settings import load_settings

if TYPE_CHECKING:
    from memos.mcp_server.agent import Agent

HOST = "127.0.0.1"
PORT = 8091

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

AgentName = Annotated[str, typer.Option(help="The agent that remembers and recalls; no client can choose another.")]
Session = Annotated[
    str | None, typer.Option(help="The session that memories are stored with, and whose notes are at hand.")
]
Http = Annotated[bool, typer.Option("--http", help="Serve many clients by streamable HTTP, not one by stdio.")]
Host = Annotated[str, typer.Option(help="Address to listen on with --http.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on with --http; 0 for any that is free.")]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-host", metavar="NAME", help="Another name that clients reach it by with --http; repeat it."
    ),
]


def mcp(
    *,
    agent: AgentName = DEFAULT_AGENT,
    session: Session = None,
    http: Http = False,
    host: Host = HOST,
    port: Port = PORT,
    allow_host: Names = None,
    url: Url = None,
) -> None:
    """Serve memory to an MCP client, until it ends.

    An MCP client starts it and speaks to it by standard input and output; with --http it is started by hand and
    serves many, without asking who they are.

    Example: memos mcp --agent desktop --url http://127.0.0.1:8090

    Example: memos mcp --http --port 8091
    """
    with reported(as_json=False):
        _check_installed()
        begin_logging(load_settings())
        logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request
        opening = _opening(url, agent, session)
        serving = _over_http(opening, host, port, allow_host or []) if http else _over_stdio(opening)
        asyncio.run(_until_signalled(serving))


def _check_installed() -> None:
    """Raise `ConfigurationError` when the extra is not installed."""
    try:
        import mcp.server.lowlevel  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "The package mcp, which speaks to MCP clients, is not installed: pip install 'memos-as[mcp]'."
        ) from error


def _opening(url: str | None, agent: str, session: str | None) -> AbstractAsyncContextManager["Agent"]:
    """What opens the agent's way to memOS. Raises `ConfigurationError` and `InvalidCommand`."""
    from memos.mcp_server.agent import open_agent

    return open_agent(address(url), _valid("--agent", Identifier, agent), _session(session))


def _session(session: str | None) -> str | None:
    return None if session is None else _valid("--session", WorkingName, session)


def _valid(option: str, kind: Any, given: str) -> str:
    """What an option says. Raises `InvalidCommand` when it cannot be what it is to be."""
    try:
        valid: str = TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        raise InvalidCommand(f"{option} is not valid: {error.errors()[0]['msg']}.") from error
    return valid


async def _over_http(opening: AbstractAsyncContextManager["Agent"], host: str, port: int, names: list[str]) -> None:
    from memos.mcp_server.http import PATH, listening_socket, security, serve_http
    from memos.mcp_server.server import create_server

    with listening_socket(host, port) as listener:
        place = f"{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        typer.echo(f"memos: MCP at http://{place}{PATH}", err=True)
        async with opening as agent:
            await serve_http(create_server(agent), listener, security(host, names))


async def _over_stdio(opening: AbstractAsyncContextManager["Agent"]) -> None:
    from memos.mcp_server.server import create_server
    from memos.mcp_server.stdio import serve_stdio

    async with opening as agent:
        await serve_stdio(create_server(agent))


async def _until_signalled(serving: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(serving)
    for number in STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task
